"""The other processes of a server, as far as one wakes another: none, or all replicas on one PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from bot.errors import StoreError
from bot.store.database import Database
from bot.waking import Topic

CHANNEL, LISTENER = "headwater_work", "headwater listens"
COUNT_SECONDS = 10.0
_COUNT = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
_log = structlog.get_logger("headwater.others")


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
        """Hear them, until it is stopped; after whatever goes wrong it begins again."""
        while not stopped.is_set():
            try:
                self._listen_once(hear, stopped)
            except StoreError as error:
                _log.error("other processes are not heard", error=error.what)
            except Exception:  # noqa: BLE001  (no thread ends by a fault: nobody would hear in its place)
                _log.exception("a fault in hearing other processes")
            stopped.wait(1.0)

    def _listen_once(self, hear: Callable[[Iterable[Topic]], None], stopped: threading.Event) -> None:
        """Raises StoreError where the connection ends, as when PostgreSQL is started again."""
        engine = self._database.engine
        driver = engine.dialect.loaded_dbapi
        try:
            self._hear(engine, hear, stopped)
        except driver.Error as error:  # SQLAlchemy makes no error of its own of what its raw connections raise
            raise StoreError(f"PostgreSQL does not answer: {error}", "see that it runs") from error

    def _hear(self, engine: Engine, hear: Callable[[Iterable[Topic]], None], stopped: threading.Event) -> None:
        raw = engine.raw_connection()
        try:
            connection = raw.driver_connection
            assert connection is not None  # noqa: S101 (it was just opened)
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
