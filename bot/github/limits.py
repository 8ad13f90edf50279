"""GitHub's limits: what may be asked for now, and how long the rest waits. A pure decision, and its memory.

An installation has some thousand requests an hour; bursts have limits of their own (points and created content a
minute). Where it becomes scarce, what people wait for goes first: each class of calls leaves a share to the better
ones, and each repository a share to the others. Each process keeps its own count; what GitHub tells in each answer is
about all of them, and of what it does not tell (bursts) each of several processes takes its part.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum

from bot.github.answers import SECONDARY_SECONDS, number_in, seconds_since_1970
from bot.github.errors import RateLimited
from bot.github.wire import Answer


class Priority(IntEnum):
    """What a call is for; the lower the number, the longer it may go on when requests become scarce."""

    COMMAND = 0
    """Somebody waits for it, or a deployment does."""
    PLAN = 1
    SWEEP = 2
    """Looking for what was missed."""
    COSMETIC = 3
    """What is shown would be a little older without it."""


SHARE_LEFT = {Priority.COMMAND: 0.0, Priority.PLAN: 0.05, Priority.SWEEP: 0.2, Priority.COSMETIC: 0.3}
"""The share of each limit that calls of a class leave to better ones."""

MOST_OF_ONE = 0.75
"""What one repository may take of the share of a class, but for commands, where others of the payer ask too."""

POINTS_A_MINUTE = 900
READ_POINTS, WRITE_POINTS = 1, 5
CONTENT_A_MINUTE, CONTENT_AN_HOUR = 80, 500
MINUTE, HOUR = 60.0, 3600.0
_LONGEST_PAUSE = 900.0


@dataclass(frozen=True, slots=True)
class Hourly:
    """A limit as GitHub last told it; `reset` is when it begins anew, by the caller's clock."""

    limit: int
    remaining: int
    reset: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call weighs: as a write, and as one that creates content (a comment, a reaction, a check)."""

    writes: bool = False
    creates: bool = False

    @property
    def points(self) -> int:
        """GitHub's points for bursts."""
        return WRITE_POINTS if self.writes else READ_POINTS


@dataclass(slots=True)
class Spent:
    """When calls of one repository were answered, other than by what was kept here, and when they created content."""

    calls: deque[float] = field(default_factory=deque)
    created: deque[float] = field(default_factory=deque)


@dataclass(slots=True)
class Budget:
    """What is known of one payer; all times are seconds of a clock that only grows."""

    hourly: dict[str, Hourly] = field(default_factory=dict)
    blocked_until: float = 0.0
    pauses: int = 0
    """How many times in a row GitHub asked for a pause without naming its length."""
    points: deque[tuple[float, int]] = field(default_factory=deque)
    created: deque[float] = field(default_factory=deque)
    of: dict[str, Spent] = field(default_factory=dict)
    """Of each repository, in the last hour."""
    calls: int = 0
    limited: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a payer has left, for metrics; `payer` is the installation's id, 0 the App itself."""

    payer: int
    resource: str
    limit: int | None
    remaining: int | None
    reset_in: float
    blocked_for: float
    created_in_last_hour: int
    calls: int
    limited: int
    held: int


def wait_for(budget: Budget, resource: str, cost: Cost, priority: Priority, now: float, *, among: int = 1) -> float:
    """For how many seconds this call has to wait; 0 when it may go. `among`: how many processes share the limits."""
    left = 1.0 - SHARE_LEFT[priority]
    waits = [budget.blocked_until - now]
    hourly = budget.hourly.get(resource)
    if hourly is not None and hourly.remaining <= hourly.limit * SHARE_LEFT[priority]:
        waits.append(hourly.reset - now)
    waits.append(until_free(budget.points, POINTS_A_MINUTE * left / among - cost.points, MINUTE, now))
    if cost.creates:
        made = [(at, 1) for at in budget.created]
        waits.append(until_free(made, CONTENT_A_MINUTE * left / among - 1, MINUTE, now))
        waits.append(until_free(made, CONTENT_AN_HOUR * left / among - 1, HOUR, now))
    return max(0.0, *waits)


def wait_beside(
    budget: Budget, name: str, resource: str, cost: Cost, priority: Priority, now: float, *, among: int = 1
) -> float:  # fmt: skip
    """For how many seconds a repository leaves what there is to others of the same payer; 0 where it need not."""
    own = budget.of.get(name)
    if own is None or len(budget.of) == 1 or priority is Priority.COMMAND:
        return 0.0
    most = (1.0 - SHARE_LEFT[priority]) * MOST_OF_ONE / among
    waits = [0.0]
    hourly = budget.hourly.get(resource)
    if hourly is not None and len(own.calls) >= hourly.limit * most:
        waits.append(min(own.calls[0] + HOUR, hourly.reset) - now)
    if cost.creates and len(own.created) >= CONTENT_AN_HOUR * most:
        waits.append(own.created[0] + HOUR - now)
    return max(waits)


def until_free(spent: Iterable[tuple[float, int]], most: float, window: float, now: float) -> float:
    """In how many seconds what was spent (oldest first) within a sliding window has come down to `most`."""
    recent = [(at, weight) for at, weight in spent if at > now - window]
    whole, wait = sum(weight for _, weight in recent), 0.0
    for at, weight in recent:
        if whole <= most:
            break
        whole, wait = whole - weight, at + window - now
    return wait


class Limits:
    """The budgets of all payers, shared by threads. `clock` tells seconds that only ever grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._budgets: dict[int, Budget] = {}
        self._among = 1

    def share(self, among: int) -> None:
        """So many processes make calls: each takes its part of the bursts, whichever of them has more to do."""
        with self._lock:
            self._among = max(among, 1)

    def admit(self, payer: int, resource: str, cost: Cost, priority: Priority, of: str = "") -> None:
        """Let a call go and count it; `of`: which repository it is about, if any.

        Raises RateLimited (`held`) with the wait where it may not go yet.
        """
        with self._lock:
            budget, now = self._budgets.setdefault(payer, Budget()), self._clock()
            _forget(budget, now)
            wait = wait_for(budget, resource, cost, priority, now, among=self._among)
            wait = max(wait, wait_beside(budget, of, resource, cost, priority, now, among=self._among))
            if wait <= 0:
                budget.calls += 1
                budget.points.append((now, cost.points))
                if cost.creates:
                    budget.created.append(now)
                if of and cost.creates:
                    budget.of.setdefault(of, Spent()).created.append(now)
                return
            budget.held += 1
        secondary = resource not in budget.hourly or budget.hourly[resource].remaining > 0
        raise RateLimited(
            "requests to GitHub are held back to stay within its limits", wait, secondary=secondary, held=True
        )

    def heard(self, payer: int, answer: Answer, of: str = "") -> None:
        """Learn from an answer's headers; a good one ends a series of pauses. `of`: which repository it is about."""
        limit, remaining = number_in(answer, "x-ratelimit-limit"), number_in(answer, "x-ratelimit-remaining")
        reset, told = number_in(answer, "x-ratelimit-reset"), seconds_since_1970(answer)
        with self._lock:
            budget, now = self._budgets.setdefault(payer, Budget()), self._clock()
            if answer.status < 400:
                budget.pauses = 0
            if of and answer.status != 304:
                budget.of.setdefault(of, Spent()).calls.append(now)
            if limit is None or remaining is None:
                return
            ends = now + (min(max(reset - told, 0.0), HOUR) if reset is not None and told is not None else HOUR)
            budget.hourly[answer["x-ratelimit-resource"] or "core"] = Hourly(limit, remaining, ends)

    def limited(self, payer: int, resource: str, error: RateLimited, *, named: bool) -> RateLimited:
        """Keep all threads away for as long as GitHub asks; gives the error with the wait that holds.

        Where GitHub named no time (`named` is false), each pause in a row is twice as long as the one before.
        """
        with self._lock:
            budget, now = self._budgets.setdefault(payer, Budget()), self._clock()
            budget.limited += 1
            wait = error.wait
            if not named:
                wait = min(SECONDARY_SECONDS * 2**budget.pauses, _LONGEST_PAUSE)
                budget.pauses = min(budget.pauses + 1, 10)
            if error.secondary:
                budget.blocked_until = max(budget.blocked_until, now + wait)
            else:
                known = budget.hourly.get(resource, Hourly(0, 0, 0.0))
                budget.hourly[resource] = replace(known, remaining=0, reset=now + wait)
        return RateLimited(error.what, wait, secondary=error.secondary, status=error.status)

    def numbers(self) -> tuple[Numbers, ...]:
        """What each payer has left."""
        with self._lock:
            now, found = self._clock(), []
            for payer, one in sorted(self._budgets.items()):
                _forget(one, now)
                for resource in sorted(one.hourly) or ["core"]:
                    told = one.hourly.get(resource)
                    limit, remaining = (told.limit, told.remaining) if told else (None, None)
                    reset_in = max(0.0, told.reset - now) if told else 0.0
                    blocked, made = max(0.0, one.blocked_until - now), len(one.created)
                    found.append(
                        Numbers(
                            payer, resource, limit, remaining, reset_in, blocked, made, one.calls, one.limited, one.held
                        )
                    )
            return tuple(found)


def _forget(budget: Budget, now: float) -> None:
    """Drop what no window reaches any more."""
    while budget.points and budget.points[0][0] <= now - MINUTE:
        budget.points.popleft()
    while budget.created and budget.created[0] <= now - HOUR:
        budget.created.popleft()
    for one in budget.of.values():
        while one.calls and one.calls[0] <= now - HOUR:
            one.calls.popleft()
        while one.created and one.created[0] <= now - HOUR:
            one.created.popleft()
    for name in [name for name, one in budget.of.items() if not one.calls and not one.created]:
        del budget.of[name]
    for resource in [name for name, told in budget.hourly.items() if told.reset <= now]:
        del budget.hourly[resource]
