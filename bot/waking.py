"""Waking workers and drivers: within the process by an event, between processes by PostgreSQL's LISTEN and NOTIFY."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from enum import StrEnum
from typing import Any

from sqlalchemy.exc import DBAPIError

from bot.errors import StoreError
from bot.store.database import Database

CHANNEL = "headwater_work"


class Topic(StrEnum):
    """What there is to do."""

    WORK = "work"  # something was asked for
    DRIVE = "drive"  # a deployment may go on


class Waking:
    """Tells those who wait that there is something to do; one who hears nothing looks each second all the same."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._condition = threading.Condition()
        self._counts: Counter[Topic] = Counter()
        self._stopped = threading.Event()

    def count(self, topic: Topic) -> int:
        """How often those were woken who wait for this; to be read before looking for work, and handed to `wait`."""
        return self._counts[topic]

    def wake(self, *topics: Topic) -> None:
        """Wake those who wait for this, here and in other processes; without topics, all of them."""
        self.here(*topics)
        if not self._database.url.startswith("sqlite"):
            with suppress(DBAPIError, StoreError), self._database.engine.connect() as connection:
                connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (CHANNEL, " ".join(topics)))
                connection.commit()

    def wait(self, topic: Topic, seen: int, seconds: float) -> None:
        """Wait until somebody was woken for this since `seen`, at most so many seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self._counts[topic] != seen, timeout=seconds)

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

    def here(self, *topics: Topic) -> None:
        """Wake those who wait in this process; without topics, all of them."""
        with self._condition:
            self._counts.update(topics or Topic)
            self._condition.notify_all()

    def _listen_once(self) -> None:
        raw = self._database.engine.raw_connection()
        try:
            connection: Any = raw.driver_connection
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
            while not self._stopped.is_set():
                for told in connection.notifies(timeout=1.0, stop_after=1):
                    self.here(*(one for one in Topic if one in told.payload.split()))
        finally:
            raw.invalidate()
            raw.close()
