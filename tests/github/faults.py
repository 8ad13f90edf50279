"""Switches that make GitHub misbehave: what it answers, how slowly, and what becomes of its webhooks and runs."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass, field
from enum import StrEnum

from tests.github.hooks import Delivery, Hooks, as_it_comes
from tests.github.world.limits import secondary
from tests.github.world.refusal import Refusal


class Kind(StrEnum):
    """What goes wrong with a call."""

    ERROR = "error"  # an answer of this status, nothing done
    RETRY_AFTER = "retry-after"  # 403 (or 429) with Retry-After, nothing done
    LOST = "lost"  # done, but the connection is cut before the answer
    CUT = "cut"  # the connection is cut, nothing done
    DRIP = "drip"  # the answer comes byte by byte
    EXPIRED = "expired"  # the token expires just before the call
    LATE = "late"  # the answer comes after so many seconds


@dataclass(eq=False)
class Fault:
    """One switch: which calls it meets and how many of them (None: all, until `mend`)."""

    kind: Kind
    path: re.Pattern[str]
    method: str | None = None
    times: int | None = 1
    status: int = 502
    seconds: float = 1.0
    met: list[str] = field(default_factory=list)


class Faults:
    """All switches of one GitHub."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.unlisted_seconds = 0.0  # how long a new run, comment, check or merge stays out of lists
        self.runs_never_start = 0  # so many of the next runs stay queued for ever
        self.runs_vanish = 0  # so many of the next dispatches are accepted and then forgotten
        self.jobs_die: list[re.Pattern[str]] = []  # the machine of a job of such a name is lost (once each)

    def _add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def error(self, path: str = "", status: int = 502, method: str | None = None, times: int | None = 1) -> Fault:
        """Answer 502, 503, 500 …"""
        return self._add(Fault(Kind.ERROR, re.compile(path), method, times, status))

    def retry_after(
        self, path: str = "", seconds: int = 1, status: int = 403, method: str | None = None, times: int | None = 1
    ) -> Fault:
        """Answer 403 or 429 with `Retry-After`."""
        return self._add(Fault(Kind.RETRY_AFTER, re.compile(path), method, times, status, seconds))

    def lose_answer(
        self, path: str = "", method: str | None = None, times: int | None = 1, seconds: float = 0.0
    ) -> Fault:
        """Do what was asked, and cut the connection instead of answering, after so many seconds."""
        return self._add(Fault(Kind.LOST, re.compile(path), method, times, seconds=seconds))

    def cut(self, path: str = "", method: str | None = None, times: int | None = 1) -> Fault:
        """Cut the connection without doing anything."""
        return self._add(Fault(Kind.CUT, re.compile(path), method, times))

    def drip(self, path: str = "", seconds: float = 1.0, method: str | None = None, times: int | None = 1) -> Fault:
        """Send the answer in small pieces over so many seconds."""
        return self._add(Fault(Kind.DRIP, re.compile(path), method, times, seconds=seconds))

    def late(self, path: str = "", seconds: float = 1.0, method: str | None = None, times: int | None = 1) -> Fault:
        """Answer after so many seconds."""
        return self._add(Fault(Kind.LATE, re.compile(path), method, times, seconds=seconds))

    def expire_token(self, path: str = "", method: str | None = None, times: int | None = 1) -> Fault:
        """The caller's token expires just before the call."""
        return self._add(Fault(Kind.EXPIRED, re.compile(path), method, times))

    def mend(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()
        self._hooks.plan = as_it_comes
        self.unlisted_seconds, self.runs_never_start, self.runs_vanish, self.jobs_die = 0.0, 0, 0, []

    def meeting(self, method: str, path: str) -> Fault | None:
        """The switch that this call meets, counted."""
        with self._lock:
            for fault in self._faults:
                if fault.method in (None, method) and fault.times != 0 and fault.path.search(path):
                    fault.times = None if fault.times is None else fault.times - 1
                    fault.met.append(f"{method} {path}")
                    return fault
        return None

    def webhooks(
        self, seed: int, lost: float = 0.0, doubled: float = 0.0, late: float = 0.0, seconds: float = 1.0,
        events: str = "",
    ) -> None:  # fmt: skip
        """Lose, double and delay webhooks by these chances; what is late comes out of order."""
        chance, pattern = random.Random(seed), re.compile(events)

        def plan(delivery: Delivery) -> list[float]:
            if not pattern.search(delivery.event):
                return [0.0]
            if chance.random() < lost:
                return []
            wait = chance.uniform(0, seconds) if chance.random() < late else 0.0
            return [wait, wait] if chance.random() < doubled else [wait]

        self._hooks.plan = plan


def refusal(fault: Fault) -> Refusal | None:
    """What a call is told instead of being done, or None."""
    if fault.kind is Kind.ERROR:
        return Refusal(fault.status, "Server Error")
    if fault.kind is Kind.RETRY_AFTER:
        told = secondary(int(fault.seconds))
        return Refusal(fault.status, told.message, headers=told.headers)
    return None
