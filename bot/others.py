"""The other processes of a server, as far as one wakes another: none, or all replicas on one PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import DBAPIError

from bot.errors import StoreError
from bot.store.database import Database
from bot.waking import Topic

CHANNEL = "headwater_work"


class Nobody:
    """This process is alone."""

    def tell(self, topics: Iterable[Topic]) -> None:
        """Nothing."""

    def listen(self, hear: Callable[[Iterable[Topic]], None], stopped: threading.Event) -> None:
        """Nothing."""


class Replicas:
    """All who share a database in PostgreSQL, by its LISTEN and NOTIFY."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tell(self, topics: Iterable[Topic]) -> None:
        """Wake them; where the database does not answer, they look each second all the same."""
        with suppress(DBAPIError, StoreError), self._database.engine.connect() as connection:
            connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (CHANNEL, " ".join(topics)))
            connection.commit()

    def listen(self, hear: Callable[[Iterable[Topic]], None], stopped: threading.Event) -> None:
        """Hear them, until it is stopped."""
        while not stopped.is_set():
            with suppress(DBAPIError, StoreError, OSError):
                self._listen_once(hear, stopped)
            stopped.wait(1.0)

    def _listen_once(self, hear: Callable[[Iterable[Topic]], None], stopped: threading.Event) -> None:
        raw = self._database.engine.raw_connection()
        try:
            connection: Any = raw.driver_connection
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
            while not stopped.is_set():
                for told in connection.notifies(timeout=1.0, stop_after=1):
                    hear([one for one in Topic if one in told.payload.split()])
        finally:
            raw.invalidate()
            raw.close()
