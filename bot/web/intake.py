"""Takes webhooks in: who hands one over goes on when it is stored. One thread writes all that wait in one transaction.

A transaction costs a write to the disk, however many rows it has: so hundreds of webhooks a second need a few dozen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from bot.errors import StoreError
from bot.store import deliveries
from bot.store.database import Database
from bot.store.deliveries import Arrived

_MOST_ROWS = 200
_MOST_BYTES = 32 * 1024 * 1024
_WAIT_SECONDS = 8.0  # GitHub gives up after 10

_log = structlog.get_logger()


@dataclass(slots=True)
class _Waiting:
    """A webhook that is not stored yet."""

    arrived: Arrived
    ended: threading.Event = field(default_factory=threading.Event)
    error: StoreError | None = None


class Intake:
    """Stores webhooks; `woken` is called after each transaction that kept one that hurries. Start it before you `keep`.

    Those that may wait are found when somebody looks for work anyhow (`poll_seconds`).
    """

    def __init__(self, database: Database, woken: Callable[[], None], *, wait: float = _WAIT_SECONDS) -> None:
        self._database = database
        self._woken = woken
        self._wait = wait
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether webhooks can be handed over."""
        return self._thread.is_alive() and not self._ending

    def stop(self, seconds: float = 10.0) -> None:
        """Store what waits, and end."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self._thread.join(seconds)

    def keep(self, arrived: Arrived) -> None:
        """Return once this webhook is stored; raises StoreError if that failed, or took too long."""
        one = _Waiting(arrived)
        with self._changed:
            if not self.alive:
                raise StoreError("webhooks are not taken any more: the server is being stopped")
            self._waiting.append(one)
            self._changed.notify_all()
        if not one.ended.wait(self._wait):
            self._give_up(one)
        if one.error is not None:
            raise StoreError(one.error.what, one.error.mend) from one.error

    def _give_up(self, one: _Waiting) -> None:
        """What is just being written may be stored all the same: a second delivery finds it, and nothing is lost."""
        with self._changed:
            if one in self._waiting:
                self._waiting.remove(one)
            if not one.ended.is_set():
                one.error = StoreError(f"the store did not take the webhook within {self._wait:g} s")

    def _run(self) -> None:
        while batch := self._next():
            error = self._write([one.arrived for one in batch])
            for one in batch:
                one.error = error
                one.ended.set()
            if error is None and any(one.arrived.hurries for one in batch):
                self._woken()

    def _next(self) -> list[_Waiting]:
        """What waits, in the order that it came; empty at the end."""
        with self._changed:
            while not self._waiting and not self._ending:
                self._changed.wait()
            size = count = 0
            for one in self._waiting[:_MOST_ROWS]:
                size += len(one.arrived.body)
                if count and size > _MOST_BYTES:
                    break
                count += 1
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            return batch

    def _write(self, batch: list[Arrived]) -> StoreError | None:
        try:
            with self._database.writing(first=True) as connection:
                deliveries.record(connection, batch, time.time())
        except StoreError as error:
            _log.error("webhooks could not be stored", count=len(batch), why=error.what)
            return error
        except Exception as error:  # noqa: BLE001  (the thread must live: each request is told, and it is logged)
            _log.exception("webhooks could not be stored", count=len(batch))
            return StoreError(f"webhooks could not be stored: {type(error).__name__}")
        return None
