"""Drives deployments: look, write down what was seen, decide, do. Safe to kill anywhere and to run twice."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row

from bot.briefing import Brief, Briefing, Settings
from bot.decide.facts import Facts, Limits, TaskAction
from bot.decide.reconcile import Action, Begin, Dispatch, Finish, Halt, LookUp, Move, Revoke, lack_words, reconcile
from bot.decide.transitions import Code, TaskState
from bot.errors import HeadwaterError, StoreError
from bot.executors.base import Executor
from bot.looking import Look, Observer
from bot.project import Project
from bot.store import attempts, deployments, gathering
from bot.store.attempts import NewAttempt, Took
from bot.store.deployments import Flags
from bot.store.gathering import Observed
from bot.store.outcomes import keep_given, record_end
from planner.problems import PlannerError

_PASSES = 4
"""Decisions in one transaction: enough for a task to go through all states that one look can bring."""
_NONE_MORE = (float("-inf"), 0)


@dataclass(slots=True)
class _Effects:
    """What to do outside once the transaction is kept."""

    starts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    rest: Observed | None = None  # there is more to look at, or to hand on
    took: tuple[Took, ...] = ()


def _nobody(_connection: Connection, _deployment: int) -> None:
    """Nobody else wants to know."""


def _always(_connection: Connection, _told: Flags) -> bool:
    """Nobody has to be asked whether something may begin."""
    return True


class Driver:
    """Takes steps of deployments until there is nothing left to do, or only people can go on."""

    POLL = 0.05
    """Seconds between looks at the attempts' folders; the database is asked when something moved, or each second."""

    def __init__(
        self,
        project: Project,
        limits: Limits,
        settings: Settings,
        *,
        executor: Executor | None = None,
        clock: Callable[[], float] = time.monotonic,
        moved: Callable[[Connection, int], None] = _nobody,
        may_begin: Callable[[Connection, Flags], bool] = _always,
        budget: int | None = None,
        took: Callable[[Took], None] | None = None,
    ) -> None:
        """`clock` tells seconds that only ever grow; by it alone attempts count as silent.

        `moved` is called in the transaction in which a deployment moved on, with its number. `may_begin` is asked in
        the transaction in which something of a deployment would begin; where it says no, that is left as it is.
        `budget`: how many attempts of the whole repository may be at work at once. `took` is told once of each attempt
        whose report this process took in.
        """
        self._moved = moved
        self._may_begin = may_begin
        self._budget = budget
        self._took = took
        self._project = project
        self._executor: Executor = executor or project.executor
        self._observer = Observer(self._executor, settings.beat_every, clock)
        self._limits = limits
        self._settings = settings
        self._active: dict[int, tuple[attempts.Active, ...]] = {}

    def run(self, repository: int, own: Sequence[int], watch: Callable[[bool], None]) -> None:
        """Drive every unfinished deployment of the repository until our own are finished, or wait for people.

        `watch` is called between looks, many times a second, and told whether anything moved.
        """
        asked, numbers = float("-inf"), self._unfinished(repository)
        while True:
            due = time.monotonic() - asked >= 1.0
            if due:
                asked, numbers = time.monotonic(), self._unfinished(repository)
            moved = [number for number in numbers if self.step(number, due=due)]
            watch(bool(moved))
            if moved:
                asked = float("-inf")  # what moved may let others go on
            elif due and not self._can_go_on(repository, own):
                return
            else:
                time.sleep(self.POLL)

    def collect(self, repository: int) -> None:
        """Take in what attempts left behind, and what follows from it, without starting anything."""
        for number in self._unfinished(repository):
            while self.step(number, due=True, start=False):
                pass

    def step(self, number: int, *, due: bool, start: bool = True) -> bool:
        """Look at a deployment, and do what can be done; whether anything moved."""
        if due or number not in self._active:
            self._active[number] = self._read_active(number)
        look = self._observer.look(self._active[number])
        if not (look.news or due):
            return False
        del self._active[number]
        observed = look.observed(self._limits)
        moved, rest = self._move_on(number, look, observed, start=start)
        while rest is not None:
            also, rest = self._move_on(number, Look(), rest, start=start)
            moved |= also
        return moved

    def _move_on(self, number: int, look: Look, observed: Observed, *, start: bool) -> tuple[bool, Observed | None]:
        """Write down, decide and do, in one transaction; whether anything moved, and with what to go on, if at all."""
        effects = _Effects()
        with self._project.database.writing() as connection:
            told = deployments.flags(connection, number, lock=True)
            if told is None:
                return False, None
            effects.took = self._write_down(connection, look)
            moved = self._decide(connection, told, look, observed, effects, start=start)
            if moved:
                self._moved(connection, number)
        if self._took is not None:
            for one in effects.took:
                self._took(one)
        self._act(effects)
        return moved, effects.rest

    # -- look

    def _unfinished(self, repository: int) -> list[int]:
        with self._project.database.reading() as connection:
            return deployments.unfinished_deployments(connection, repository, self._project.place)

    def _read_active(self, number: int) -> tuple[attempts.Active, ...]:
        with self._project.database.reading() as connection:
            return attempts.active(connection, self._project.vault, number)

    # -- write down

    def _write_down(self, connection: Connection, look: Look) -> tuple[Took, ...]:
        """Keep what was seen; how long what was reported took.

        What has ended is tidied up before that is kept: afterwards nobody would look again.
        """
        now = time.time()
        for one in look.claimed:
            attempts.claimed(connection, one.id)
        told = [
            attempt for attempt, report in look.reports.items() if attempts.reported(connection, attempt, report, now)
        ]
        news = [*told, *(attempt for attempt in look.ended if attempts.ended(connection, attempt, now))]
        news += [
            attempt
            for attempt, why in look.revoked.items()
            if attempts.revoked(connection, attempt, why, now, refused=attempt in look.refused)
        ]
        for attempt in news:
            self._executor.settle(connection, attempt, look.active[attempt].sensitive)
        self._observer.forget(look)
        return attempts.took(connection, told) if told and self._took is not None else ()

    # -- decide

    def _decide(
        self, connection: Connection, told: Flags, look: Look, observed: Observed, effects: _Effects, *, start: bool
    ) -> bool:
        """Reconcile until no more moves follow, or the transaction was long enough; whether anything moved."""
        briefing = Briefing(connection, self._project, told, self._settings)
        reports = {look.active[attempt].task: report for attempt, report in look.reports.items()}
        moved = False
        for _ in range(_PASSES):
            lacks = briefing.lacks(gathering.due_tasks(connection, told.id, observed))
            facts = gathering.gather(connection, told, observed, lacks, self._limits, self._budget)
            actions = reconcile(facts)
            moves = [action for action in actions if isinstance(action, Move)]
            if not moves:
                break
            for move in deployments.apply_moves(connection, moves, time.time()):
                record_end(connection, self._project.vault, move, reports.get(move.task), time.time())
            moved = True
        else:
            effects.rest = replace(observed, tasks=frozenset())
            return moved
        # One behind a rival stays dirty: a rival of another workflow (a move) could end unseen by this transaction.
        deployments.clean(connection, [task.id for task in facts.tasks if not task.queued])
        others = [task for task in facts.tasks if task.id not in observed.tasks]
        if len(others) == gathering.LOOKED_AT:
            effects.rest = Observed(after=(others[-1].rank, others[-1].position))
        if start and self._may_start(connection, told, facts, actions):
            moved |= self._start(connection, told, briefing, actions, effects)
        for action in actions:
            if isinstance(action, Finish):
                moved |= deployments.finish(connection, told.id, action.state, time.time())
            elif not isinstance(action, Begin | Dispatch):
                effects.actions.append(action)
        return moved

    def _may_start(self, connection: Connection, told: Flags, facts: Facts, actions: Iterable[Action]) -> bool:
        """Whether there is something to hand on, and it may be; what no runner has claimed is asked about too."""
        starts = any(isinstance(action, Dispatch) for action in actions)
        offered = any(task.state is TaskState.DISPATCHED for task in facts.tasks)
        return (starts or offered) and self._may_begin(connection, told) and starts

    def _start(
        self, connection: Connection, told: Flags, briefing: Briefing, actions: Iterable[Action], effects: _Effects
    ) -> bool:
        """Hand on what is to be handed on; whether there was any."""
        started = False
        for action in actions:
            if isinstance(action, Begin):
                deployments.begin(connection, told.id, time.time())
            elif isinstance(action, Dispatch):
                started = True
                if len(action.tasks) == gathering.AT_ONCE and effects.rest is None:
                    effects.rest = Observed(after=_NONE_MORE)
                self._dispatch(connection, told, briefing, action.tasks, effects)
                deployments.clean(connection, action.tasks)  # until their attempts are seen to move
        return started

    def _dispatch(
        self, connection: Connection, told: Flags, briefing: Briefing, ids: Sequence[int], effects: _Effects
    ) -> None:
        """Write attempts down and have them started once that is kept."""
        now, briefs = time.time(), []
        for row in briefing.rows(ids):
            try:
                brief = briefing.brief(row)
            except StoreError:
                raise
            except (HeadwaterError, PlannerError) as error:
                self._cannot_start(connection, row.id, str(error), now)
                continue
            if brief.inputs.missing:
                self._cannot_start(connection, row.id, lack_words(brief.inputs.missing), now)
            else:
                briefs.append((row, brief))
        moves = [Move(row.id, TaskState.READY, TaskState.DISPATCHED, Code.DISPATCHED) for row, _ in briefs]
        there = {move.task for move in deployments.apply_moves(connection, moves, now)}
        self._make_attempts(
            connection, told, briefing, [(row, brief) for row, brief in briefs if row.id in there], effects
        )

    def _cannot_start(self, connection: Connection, task: int, why: str, now: float) -> None:
        move = Move(task, TaskState.READY, TaskState.FAILED, Code.CANNOT_START, why)
        if deployments.apply_move(connection, move, now):
            record_end(connection, self._project.vault, move, None, now)

    def _make_attempts(
        self,
        connection: Connection,
        told: Flags,
        briefing: Briefing,
        briefs: Sequence[tuple[Row[Any], Brief]],
        effects: _Effects,
    ) -> None:
        now, vault = time.time(), self._project.vault
        new = [
            NewAttempt(
                id=f"{told.id}-{row.id}-{row.attempts + 1}-{os.urandom(4).hex()}",
                task=row.id,
                environment=row.environment_id,
                number=row.attempts + 1,
                mutates=TaskAction(row.action).mutates,
                seal_key=os.urandom(32),
                sensitive=brief.sensitive,
            )
            for row, brief in briefs
        ]
        working = [one.environment for one in new if one.mutates]
        if working:
            keep_given(connection, vault, told, now)
        attempts.add(connection, vault, new, now)
        deployments.touch(connection, working)
        for one, (row, brief) in zip(new, briefs, strict=True):
            spec = briefing.spec(row, brief, one.id, one.seal_key)
            self._executor.offer(connection, one.id, spec)
            effects.starts.append((one.id, spec))

    # -- do

    def _act(self, effects: _Effects) -> None:
        for attempt, spec in effects.starts:
            error = self._lacks_commit(spec) or self._executor.start(attempt, spec)
            if error is not None:
                self._observer.not_started(attempt, error)
                self._executor.revoke(attempt)
        for action in effects.actions:
            if isinstance(action, Halt):
                self._executor.halt(action.attempt, action.how)
            elif isinstance(action, Revoke):
                self._executor.revoke(action.attempt)
            elif isinstance(action, LookUp):
                self._observer.look_anew(action.attempt)

    def _lacks_commit(self, spec: dict[str, Any]) -> str | None:
        """Have the commit in the mirror, which somebody may have removed since; what failed, if that did."""
        try:
            self._project.mirror.keep(spec["commit"], spec["repository"])
        except HeadwaterError as error:
            return str(error)
        return None

    # -- until when

    def _can_go_on(self, repository: int, own: Sequence[int]) -> bool:
        """Whether our own deployments still have something to do that needs no person."""
        with self._project.database.reading() as connection:
            unfinished = set(deployments.unfinished_deployments(connection, repository, self._project.place))
            mine = [number for number in own if number in unfinished]
            return any(not gathering.waits_for_people(connection, number) for number in mine)
