"""Looks at the attempts of a deployment: what their runners said, and for how long they have said nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.decide.facts import Limits
from bot.executors.base import Executor, Life, Seen
from bot.runner.seal import SealError
from bot.store import attempts, gathering
from bot.store.gathering import Observed
from bot.store.reports import Report


@dataclass(slots=True)
class _Memory:
    """When this process last saw an attempt move, by its own monotonic clock."""

    sign: tuple[object, ...]
    since: float


@dataclass(slots=True)
class Look:
    """What one look at the active attempts of a deployment gave."""

    active: dict[str, attempts.Active] = field(default_factory=dict)  # those that were looked at
    claimed: list[attempts.Active] = field(default_factory=list)
    reports: dict[str, Report] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    revoked: dict[str, str] = field(default_factory=dict)
    still: dict[str, float] = field(default_factory=dict)
    runner_gone: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    @property
    def news(self) -> bool:
        """Whether there is anything to write down."""
        return bool(self.claimed or self.reports or self.ended or self.revoked)

    def observed(self, limits: Limits) -> Observed:
        """What is to be known of this look where it is decided what follows."""
        patience = min(limits.silence, limits.claim)
        named = {*self.reports, *self.ended, *self.revoked, *self.runner_gone, *(one.id for one in self.claimed)}
        named |= {attempt for attempt, still in self.still.items() if still > patience}
        cause = frozenset(one.task for one in self.active.values() if one.id in named)
        return Observed(self.still, frozenset(self.runner_gone), cause)


class Observer:
    """Remembers, for one process, when each attempt was last seen to move."""

    def __init__(self, executor: Executor, beat_every: float, clock: Callable[[], float]) -> None:
        """`clock` tells seconds that only ever grow; by it alone attempts count as silent."""
        self._executor = executor
        self._beat_every = beat_every
        self._clock = clock
        self._memory: dict[str, _Memory] = {}
        self._start_errors: dict[str, str] = {}

    def look(self, active: Sequence[attempts.Active]) -> Look:
        """What these attempts did since, as far as their executor knows."""
        look = Look({one.id: one for one in active})
        found = self._executor.look([one.id for one in active])
        for one in active:
            self._look_at(one, found.get(one.id, Seen()), look)
        return look

    def not_started(self, attempt: str, error: str) -> None:
        """An attempt could not be started: it is told when it is seen to be revoked."""
        self._start_errors[attempt] = error

    def look_anew(self, attempt: str) -> None:
        """The next look asks who of an attempt still lives."""
        self._memory.pop(attempt, None)

    def forget(self, look: Look) -> None:
        """What this look saw end is written down."""
        for attempt in (*look.reports, *look.ended, *look.revoked):
            self._memory.pop(attempt, None)
            self._start_errors.pop(attempt, None)

    def _look_at(self, one: attempts.Active, seen: Seen, look: Look) -> None:
        if seen.revoked:  # by whomever: an observer may have died between revoking and writing it down
            look.revoked[one.id] = self._start_errors.get(one.id) or self._executor.said(one.id)
            look.refused |= {one.id} if seen.refused else set()
            return
        if seen.reported and len(look.reports) >= gathering.AT_ONCE:
            return  # the next look takes it in
        if seen.reported and (report := self._report(one)) is not None:
            look.reports[one.id] = report
            return
        if seen.claimed and not one.claimed:
            look.claimed.append(one)
        now = self._clock()
        first = one.id not in self._memory
        sign = (seen.claimed, seen.beat)
        if first or self._memory[one.id].sign != sign or (seen.held and not seen.claimed):
            self._memory[one.id] = _Memory(sign, now)
        look.still[one.id] = now - self._memory[one.id].since
        if seen.claimed and (first or look.still[one.id] > 2 * self._beat_every):
            self._look_up(one, look)

    def _look_up(self, one: attempts.Active, look: Look) -> None:
        life = self._executor.look_up(one.id)
        if life is Life.TOOL:
            look.runner_gone.add(one.id)
        elif life is Life.ENDED:
            report = self._report(one)  # it may have come since we looked
            if report is None:
                look.ended.append(one.id)
            else:
                look.reports[one.id] = report

    def _report(self, one: attempts.Active) -> Report | None:
        """What the runner reported; None too where that is no report: the outcome is then not known."""
        try:
            report = self._executor.report(one.id, one.seal_key)
            return None if report is None else Report.of(report)
        except (SealError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
