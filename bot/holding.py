"""Who works on what: a thing is worked on by one worker at a time, and one that dies holds nothing any more.

On PostgreSQL these are advisory locks of a session, which end with it: no clock is trusted, and no lease runs out under
a process that is only slow. On SQLite one process works, whose server holds a lock on the state folder: memory is
enough.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from bot.errors import StoreError
from bot.store.database import Database


class Holding:
    """What the workers of this process hold, told apart from what others do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._held: set[str] = set()

    @contextmanager
    def hold(self, subject: str) -> Iterator[bool]:
        """Hold a thing while the block runs; gives False, at once, where somebody else does."""
        with self._lock:
            free = subject not in self._held
            if free:
                self._held.add(subject)
        if not free:
            yield False
            return
        try:
            with self._among_processes(subject) as mine:
                yield mine
        finally:
            with self._lock:
                self._held.discard(subject)

    @contextmanager
    def _among_processes(self, subject: str) -> Iterator[bool]:
        if self._database.url.startswith("sqlite"):
            yield True
            return
        number = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big", signed=True)
        try:
            with self._database.engine.connect() as connection:
                mine = bool(connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (number,)).scalar())
                connection.commit()
                try:
                    yield mine
                finally:
                    if mine:
                        connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (number,))
                        connection.commit()
        except DBAPIError as error:  # the session is gone, and its locks with it
            raise StoreError(f"the database does not answer: {error.orig}", "see that PostgreSQL runs") from error
