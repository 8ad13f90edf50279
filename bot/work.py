"""The workers: threads that do what is due, and one that drives deployments. Any number of processes may have some."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from bot.errors import HeadwaterError, StoreError
from bot.github.errors import GitHubError, NotInstalled, RateLimited, Unreachable
from bot.holding import Holding
from bot.server import Server
from bot.store import work
from bot.store.work import WorkRow
from bot.working.driving import Driving
from bot.working.kinds import KINDS, subject_of

_LONGEST_WAIT = 300.0
_log = structlog.get_logger("headwater.work")


class Workers:
    """All workers of this process."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._holding = Holding(server.database)
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._busy: set[int] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to work."""
        jobs: list[tuple[str, Callable[[], None]]] = [
            (f"worker {number}", self._work) for number in range(1, self._server.settings.workers + 1)
        ]
        driving = Driving(self._server)
        jobs += [("driver", lambda: self._drive(driving)), ("listener", self._server.waking.listen)]
        with self._server.database.writing() as connection:
            now = time.time()
            work.request(connection, "sweep", "all", now, now)
        for name, job in jobs:
            thread = threading.Thread(target=job, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def wake(self) -> None:
        """Look for work now."""
        self._server.wake()

    def stop(self, timeout: float) -> None:
        """Let what is in hand end, and take nothing more; returns after so many seconds at most."""
        self._stopped.set()
        self._server.waking.stop()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0.0))

    # -- the loops

    def _work(self) -> None:
        settings = self._server.settings
        while not self._stopped.is_set():
            seen = self._server.waking.count
            try:
                wait = 0.0 if self._one() else min(self._until_due(), settings.poll_seconds)
            except StoreError as error:
                _log.error("the store cannot be used", error=error.what)
                wait = settings.poll_seconds
            if wait > 0:
                self._server.waking.wait(seen, wait)

    def _drive(self, driving: Driving) -> None:
        while not self._stopped.is_set():
            seen = self._server.waking.count
            try:
                moved = driving.round()
            except StoreError as error:
                _log.error("the store cannot be used", error=error.what)
                moved = False
            if not moved:
                self._server.waking.wait(seen, self._server.settings.poll_seconds)

    def _until_due(self) -> float:
        with self._server.database.reading() as connection:
            due = work.next_due(connection)
        return self._server.settings.poll_seconds if due is None else max(due - time.time(), 0.02)

    # -- one piece of work

    def _one(self) -> bool:
        """Do the first thing that is due and nobody has in hand; whether there was one."""
        with self._server.database.reading() as connection:
            rows = work.due(connection, time.time(), set(self._busy))
        for row in rows:
            with self._lock:
                if row.id in self._busy:
                    continue
                self._busy.add(row.id)
            try:
                with self._holding.hold(subject_of(row.kind, row.key)) as mine:
                    if mine and self._do(row):
                        return True
            finally:
                with self._lock:
                    self._busy.discard(row.id)
        return False

    def _do(self, row: WorkRow) -> bool:
        with self._server.database.reading() as connection:
            now = work.current(connection, row)
        if now is None or now.due_at > time.time():
            return False
        began = time.monotonic()
        try:
            again = KINDS[now.kind](self._server, now.key)
        except Exception as error:  # noqa: BLE001  (the outermost edge: recorded, and tried again)
            self._server.metrics.worked(now.kind, "failed", time.monotonic() - began)
            self._failed(now, error)
            return True
        self._server.metrics.worked(now.kind, "done" if again is None else "later", time.monotonic() - began)
        with self._server.database.writing() as connection:
            if again is None:
                work.done(connection, now)
            else:
                work.later(connection, now, time.time() + again)
        self._server.wake()
        return True

    def _failed(self, row: WorkRow, error: Exception) -> None:
        wait = _wait_after(error, row.attempts)
        expected = isinstance(error, HeadwaterError)
        _log.warning(
            "work is tried again", kind=row.kind, key=row.key, wait=round(wait, 1), error=str(error),
            exc_info=None if expected else error,
        )  # fmt: skip
        with self._server.database.writing() as connection:
            if isinstance(error, NotInstalled):
                work.done(connection, row)
            else:
                work.later(connection, row, time.time() + wait, str(error) or type(error).__name__)


def _wait_after(error: Exception, attempts: int) -> float:
    """For how many seconds to leave work alone that failed: longer each time, and as long as GitHub says."""
    wait = min(0.5 * 2.0 ** min(attempts, 12), _LONGEST_WAIT)
    if isinstance(error, RateLimited):
        return max(error.wait, 0.1)
    if isinstance(error, Unreachable):
        return max(min(wait, 30.0), error.wait or 0.0)
    return wait if isinstance(error, GitHubError | StoreError) else max(wait, 1.0)
