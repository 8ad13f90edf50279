"""The workers: threads that do what is due, and one that drives deployments. Any number of processes may have some."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from queue import SimpleQueue

import structlog

from bot import correlation
from bot.decide.turns import in_turn
from bot.errors import HeadwaterError, StoreError
from bot.github.errors import GitHubError, NotInstalled, RateLimited, Suspended, Unreachable
from bot.holding import Holding
from bot.server import Server
from bot.store import work
from bot.store.clock import shared
from bot.store.work import WorkRow
from bot.waking import Topic
from bot.working.driving import Driving
from bot.working.kinds import KINDS, subject_of
from bot.working.restoring import look_back
from bot.working.sweeping import ALL, OLD

_LONGEST_WAIT = 300.0
_LOOK_SECONDS = 0.2
_MOST_LOOKED_AT = 100
_COMPANY_SECONDS = 0.02
"""Who is woken to find work waits so long for others who want the same."""
_TIMES_AS_LONG = 4
"""And so many times as long as finding took: under load it takes little from those who work, and from who answers."""
_log = structlog.get_logger("headwater.work")


class Workers:
    """All workers of this process: one thread finds what is due, and hands it to those that are free."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._holding = Holding(server.database)
        self._stopped = threading.Event()
        self._ready = threading.Event()
        self._threads: list[threading.Thread] = []
        self._handed: SimpleQueue[tuple[WorkRow, str] | None] = SimpleQueue()  # None: the end
        self._busy: dict[str, str] = {}  # the subjects that workers here have in hand, and the lane of each
        self._left: dict[str, float] = {}  # subjects that others have in hand, or that rest: when to look again
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to work."""
        jobs: list[tuple[str, Callable[[], None]]] = [
            (f"worker {number}", self._work) for number in range(1, self._server.settings.workers + 1)
        ]
        driving = Driving(self._server)
        jobs += [("driver", lambda: self._drive(driving)), ("listener", self._server.waking.listen)]
        jobs += [("finder", self._find)]
        with self._server.database.writing() as connection:
            now = time.time()
            work.request_all(connection, "sweep", [ALL, OLD], now, now)
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
        for _ in range(self._server.settings.workers):
            self._handed.put(None)
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0.0))

    # -- the loops

    def _find(self) -> None:
        self._look_back()
        while not self._stopped.is_set():
            seen, began = self._server.waking.count(Topic.WORK), time.monotonic()
            wait = self._going_on(self._hand_out)
            took = time.monotonic() - began
            self._server.waking.wait(Topic.WORK, seen, wait)
            self._stopped.wait(max(_COMPANY_SECONDS, _TIMES_AS_LONG * took))

    def _work(self) -> None:
        while (handed := self._handed.get()) is not None and not self._stopped.is_set():
            row, subject = handed
            began = time.monotonic()
            try:
                mine = self._take(row, subject)
                self._leave(subject, min(time.monotonic() - began, _LOOK_SECONDS) if mine else _LOOK_SECONDS)
            except StoreError as error:
                _log.error("the store cannot be used", error=error.what)
                self._leave(subject, _LOOK_SECONDS)
            except Exception:  # noqa: BLE001  (no thread ends by a fault: nobody would do its work)
                _log.exception("a fault in working", subject=subject)
                self._leave(subject, _LOOK_SECONDS)
            finally:
                with self._lock:
                    self._busy.pop(subject, None)
                self._server.waking.here(Topic.WORK)

    def _going_on(self, look: Callable[[], float]) -> float:
        """After how many seconds to look again; no thread ends by a fault, for nobody would do its work."""
        try:
            return look()
        except StoreError as error:
            _log.error("the store cannot be used", error=error.what)
        except Exception:  # noqa: BLE001  (the outermost edge)
            _log.exception("a fault in looking for what is to be done")
        return self._server.settings.poll_seconds

    def _look_back(self) -> None:
        """Know whether the database is a restored backup, before anything is done by what it says."""
        while not self._stopped.is_set():
            try:
                look_back(self._server)
            except HeadwaterError as error:
                _log.warning("nothing is worked on yet: GitHub or the store cannot be asked", error=error.what)
            except Exception:  # noqa: BLE001  (no thread ends by a fault)
                _log.exception("nothing is worked on yet: a fault in looking back")
            else:
                self._ready.set()
                return
            self._stopped.wait(self._server.settings.poll_seconds)

    def _drive(self, driving: Driving) -> None:
        while not self._ready.wait(_LOOK_SECONDS) and not self._stopped.is_set():
            pass
        while not self._stopped.is_set():
            seen = self._server.waking.count(Topic.DRIVE)
            wait = self._going_on(driving.round)
            self._server.waking.wait(Topic.DRIVE, seen, wait)

    # -- one piece of work

    def _hand_out(self) -> float:
        """Give each free worker something that is due; seconds until there may be more, if nobody says so earlier."""
        wait = self._server.settings.poll_seconds
        with self._server.database.reading() as connection:
            now = shared(connection, time.time())
            rows = work.in_turn(connection, _MOST_LOOKED_AT, now)
        due = [row for row in rows if row.due_at <= now]
        wait = min([wait, *(row.due_at - now for row in rows[len(due) : len(due) + 1])])
        with self._lock:
            in_hand = Counter(self._busy.values())
        for row in in_turn(due, in_hand):
            subject = subject_of(row.kind, row.key)
            with self._lock:
                if len(self._busy) >= self._server.settings.workers:
                    return wait
                if subject in self._busy:
                    continue
                if (free := self._left.get(subject, 0.0) - time.monotonic()) > 0:
                    wait = min(wait, free)
                    continue
                self._busy[subject] = row.lane
            self._handed.put((row, subject))
        return wait

    def _take(self, row: WorkRow, subject: str) -> bool:
        """Do it, unless another process does something about the same thing; whether it was done."""
        with self._holding.hold(subject) as mine:
            if mine:
                self._do(row)
        return mine

    def _leave(self, subject: str, seconds: float) -> None:
        """Leave it for a while: to others, or to rest for as long as it took, so that requests for more gather."""
        now = time.monotonic()
        with self._lock:
            self._left = {one: until for one, until in self._left.items() if until > now}
            self._left[subject] = now + seconds

    def _do(self, row: WorkRow) -> None:
        with self._server.database.reading() as connection:
            now, at = work.current(connection, row), shared(connection, time.time())
        if now is None or now.due_at > at:
            return
        with correlation.bound(now.correlation or (now.key if now.kind == "delivery" else correlation.fresh(now.kind))):
            self._carry_out(now)

    def _carry_out(self, now: WorkRow) -> None:
        began = time.monotonic()
        try:
            again = KINDS[now.kind](self._server, now.key)
        except Exception as error:  # noqa: BLE001  (the outermost edge: recorded, and tried again)
            self._server.metrics.worked(now.kind, "failed", time.monotonic() - began)
            self._failed(now, error)
            return
        self._server.metrics.worked(now.kind, "done" if again is None else "later", time.monotonic() - began)
        at = time.time()
        with self._server.database.writing() as connection:
            if again is None:
                work.done(connection, now)
            else:
                work.later(connection, now, at + again, at)

    def _failed(self, row: WorkRow, error: Exception) -> None:
        wait = _wait_after(error, row.attempts)
        expected = isinstance(error, HeadwaterError)
        _log.warning(
            "work is tried again", kind=row.kind, key=row.key, wait=round(wait, 1), error=str(error),
            exc_info=None if expected else error,
        )  # fmt: skip
        at = time.time()
        with self._server.database.writing() as connection:
            if isinstance(error, NotInstalled) and not isinstance(error, Suspended):  # a suspension passes
                work.done(connection, row)
            else:
                work.later(connection, row, at + wait, at, str(error) or type(error).__name__)


def _wait_after(error: Exception, attempts: int) -> float:
    """For how many seconds to leave work alone that failed: longer each time, and as long as GitHub says."""
    wait = min(0.5 * 2.0 ** min(attempts, 12), _LONGEST_WAIT)
    if isinstance(error, RateLimited):
        return max(error.wait, 0.1)
    if isinstance(error, Unreachable):
        return max(min(wait, 30.0), error.wait or 0.0)
    return wait if isinstance(error, GitHubError | StoreError) else max(wait, 1.0)
