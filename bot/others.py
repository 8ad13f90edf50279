"""The other processes of a server, as far as one wakes another: none, or all replicas on one PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import DBAPIError

from bot.errors import StoreError
from bot.store.database import Database
from bot.waking import Topic

CHANNEL, LISTENER = "headwater_work", "headwater listens"
COUNT_SECONDS = 10.0
_COUNT = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"


class Nobody:
    """This process is alone."""

    def tell(self, topics: Iterable[Topic]) -> None:
        """Nothing."""

    def listen(self, hear: Callable[[Iterable[Topic]], None], stopped: threading.Event) -> None:
        """Nothing."""


class Replicas:
    """All who share a database in PostgreSQL, by its LISTEN and NOTIFY."""

    def __init__(self, database: Database, among: Callable[[int], None], count_seconds: float = COUNT_SECONDS) -> None:
        """`among` is told again and again how many processes listen, this one with them."""
        self._database, self._among, self._count_seconds = database, among, count_seconds

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
            connection.execute("SELECT set_config('application_name', %s, false)", (LISTENER,))
            counted = float("-inf")
            while not stopped.is_set():
                if time.monotonic() - counted >= self._count_seconds:
                    counted = time.monotonic()
                    self._among(connection.execute(_COUNT, (LISTENER,)).fetchone()[0])
                for told in connection.notifies(timeout=1.0, stop_after=1):
                    hear([one for one in Topic if one in told.payload.split()])
        finally:
            raw.invalidate()
            raw.close()
