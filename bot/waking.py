"""Waking workers: within the process by an event, between processes by PostgreSQL's LISTEN and NOTIFY."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import DBAPIError

from bot.errors import StoreError
from bot.store.database import Database

CHANNEL = "headwater_work"


class Waking:
    """Tells those who wait that there is something to do; one who hears nothing looks each second all the same."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._condition = threading.Condition()
        self._count = 0
        self._stopped = threading.Event()

    @property
    def count(self) -> int:
        """How often somebody was woken; to be read before looking for work, and handed to `wait`."""
        return self._count

    def wake(self) -> None:
        """Wake all who wait, here and in other processes."""
        self.here()
        if not self._database.url.startswith("sqlite"):
            with suppress(DBAPIError, StoreError), self._database.engine.connect() as connection:
                connection.exec_driver_sql(f"NOTIFY {CHANNEL}")
                connection.commit()

    def wait(self, seen: int, seconds: float) -> None:
        """Wait until somebody was woken since `seen`, at most so many seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self._count != seen, timeout=seconds)

    def listen(self) -> None:
        """Hear what other processes say, until `stop`; where there are none (SQLite), does nothing."""
        if self._database.url.startswith("sqlite"):
            return
        while not self._stopped.is_set():
            with suppress(DBAPIError, StoreError, OSError):
                self._listen_once()
            self._stopped.wait(1.0)

    def stop(self) -> None:
        """Stop listening, and let nobody wait any more."""
        self._stopped.set()
        self.here()

    def here(self) -> None:
        """Wake all who wait in this process."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def _listen_once(self) -> None:
        raw = self._database.engine.raw_connection()
        try:
            connection: Any = raw.driver_connection
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
            while not self._stopped.is_set():
                for _ in connection.notifies(timeout=1.0, stop_after=1):
                    self.here()
        finally:
            raw.invalidate()
            raw.close()
