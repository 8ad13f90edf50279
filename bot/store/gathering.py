"""Gathering what is known of one deployment, so that the next step can be decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, and_, bindparam, func, or_, select

from bot.decide.facts import AttemptFacts, Facts, Limits, Missing, Ready, Result, TaskAction, TaskFacts, Upstream
from bot.decide.transitions import (
    ACTIVE,
    FINISHED,
    Code,
    DeploymentState,
    TaskState,
)
from bot.store.claims import freed, locked, newer
from bot.store.deployments import Flags
from bot.store.rivals import rivals
from bot.store.standing import standing_empty
from bot.store.tables import attempts, environments, task_needs, tasks, workflows

_MUTATING = tuple(action.value for action in TaskAction if action.mutates)
_UNFINISHED = tuple(state.value for state in TaskState if state not in FINISHED)
_FINISHED = tuple(state.value for state in FINISHED)
_FAILED = (TaskState.FAILED, TaskState.TIMED_OUT)

AT_ONCE, LOOKED_AT = 5, 20
"""Tasks that are handed on, or whose ends are taken in, in one transaction; and tasks that are looked at in one.

On SQLite nobody else writes meanwhile.
"""

# Asked at each step of each deployment, so made once: making them costs more than running them.

_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_MINE = tasks.c.deployment_id == bindparam("deployment")
_OTHER = tasks.alias()
_BEST_FIRST = (tasks.c.rank.desc(), tasks.c.position)
_KNOWN = (
    tasks.c.id,
    tasks.c.environment_id,
    tasks.c.alias,
    tasks.c.action,
    tasks.c.state,
    tasks.c.rank,
    tasks.c.position,
    tasks.c.requires_approval,
    tasks.c.shown_plan_id,
    tasks.c.plan_id,
    tasks.c.approved_plan_id,
)
_SEEN = select(*_KNOWN).where(tasks.c.id.in_(_IDS), tasks.c.state.in_(_UNFINISHED))
_COUNTS = select(tasks.c.state, func.count()).where(_MINE).group_by(tasks.c.state)
_AT_WORK = (
    select(func.count())
    .select_from(attempts.join(environments, attempts.c.environment_id == environments.c.id))
    .join(workflows, environments.c.workflow_id == workflows.c.id)
    .where(
        attempts.c.active.is_(True),
        workflows.c.repository_id
        == select(workflows.c.repository_id).where(workflows.c.id == bindparam("workflow")).scalar_subquery(),
    )
)
_UPSTREAMS = (
    select(task_needs.c.task_id, tasks.c.alias, tasks.c.state, tasks.c.changed, tasks.c.broken_by)
    .join(tasks, task_needs.c.upstream_id == tasks.c.id)
    .where(task_needs.c.task_id.in_(_IDS))
    .order_by(tasks.c.position)
)
_ATTEMPTS = select(attempts).where(attempts.c.task_id.in_(_IDS)).order_by(attempts.c.number)
_AFTER = and_(
    tasks.c.rank <= bindparam("rank"),
    or_(
        tasks.c.rank < bindparam("rank"),
        and_(tasks.c.rank == bindparam("rank"), tasks.c.position > bindparam("position")),
    ),
)
_UNSEEN = (
    select(*_KNOWN)
    .where(tasks.c.id.not_in(_IDS), tasks.c.state.not_in(_FINISHED), _AFTER)
    .order_by(*_BEST_FIRST)
    .limit(LOOKED_AT)
)
_LEFT = _UNSEEN.where(_MINE)
_DIRTY = _UNSEEN.where(or_(and_(_MINE, tasks.c.dirty.is_(True)), and_(_MINE, tasks.c.state == TaskState.LOST.value)))
_READY = (
    select(tasks.c.id, tasks.c.rank, tasks.c.position)
    .where(_MINE, tasks.c.state == TaskState.READY.value)
    .order_by(*_BEST_FIRST)
    .limit(bindparam("most"))
)
_SUPERSEDED = select(func.count()).select_from(tasks).where(_MINE, tasks.c.code == Code.SUPERSEDED.value)
_DUE: Select[Any] = (
    select(tasks.c.id, tasks.c.environment_id, tasks.c.alias, tasks.c.action, tasks.c.commit, tasks.c.upstreams)
    .where(
        _MINE,
        tasks.c.dirty.is_(True),
        tasks.c.state == TaskState.WAITING.value,
        _AFTER,
        ~select(task_needs.c.task_id)
        .join(_OTHER, task_needs.c.upstream_id == _OTHER.c.id)
        .where(task_needs.c.task_id == tasks.c.id, _OTHER.c.state.in_(_UNFINISHED))
        .exists(),
    )
    .order_by(*_BEST_FIRST)
    .limit(LOOKED_AT)
)


@dataclass(frozen=True, slots=True)
class Observed:
    """What the observer knows of attempts beyond their rows: id -> how long nothing moved, and is its runner gone.

    `tasks`: those whose attempts gave cause to look at them; other active ones have nothing to be decided.
    `after`: rank and position of the task that was looked at last, where there are many: they are looked at in parts.
    """

    still: Mapping[str, float] = field(default_factory=dict)
    runner_gone: frozenset[str] = frozenset()
    tasks: frozenset[int] = frozenset()
    after: tuple[float, int] = (float("inf"), -1)


def counts(connection: Connection, deployment: int) -> dict[TaskState, int]:
    """How many tasks of a deployment are in each state."""
    found = connection.execute(_COUNTS, {"deployment": deployment}).all()
    return {TaskState(state): number for state, number in found}


def gather(
    connection: Connection,
    told: Flags,
    observed: Observed,
    lacks: Mapping[int, tuple[Missing, ...]],
    limits: Limits,
    budget: int | None = None,
) -> Facts:
    """What is known of one deployment: its tasks that are to be looked at, their neighbours, and the best ready ones.

    `lacks`: the values that tasks lack, for those that were asked about. `budget`: how many attempts of the whole
    repository may be at work at once; plans leave a quarter of it to others.
    """
    number = counts(connection, told.id)
    active = sum(number.get(state, 0) for state in ACTIVE)
    failed = sum(number.get(state, 0) for state in _FAILED)
    superseded = 0
    if number.get(TaskState.CANCELLED):
        superseded = connection.execute(_SUPERSEDED, {"deployment": told.id}).scalar_one()
    sweeping = bool(told.stop or told.withdrawn or (told.fail_fast and failed))
    free = min(told.jobs - active, _within(connection, told, budget), AT_ONCE)
    return Facts(
        deployment=told.id,
        tasks=_facts(connection, told, _to_look_at(connection, told, observed, sweeping=sweeping), observed, lacks),
        ready=_ready(connection, told, free) if free > 0 else (),
        free_jobs=free,
        unfinished=sum(count for state, count in number.items() if state not in FINISHED),
        failed=failed,
        cancelled=number.get(TaskState.CANCELLED, 0) - superseded,
        superseded=superseded,
        queued=told.state is DeploymentState.QUEUED,
        stop=told.stop,
        fail_fast=told.fail_fast,
        withdrawn=told.withdrawn,
        limits=limits,
    )


def _within(connection: Connection, told: Flags, budget: int | None) -> int:
    """How many more attempts the repository may have at work, as far as this deployment is concerned."""
    if budget is None:
        return told.jobs
    most = budget if told.action.mutates else max(budget * 3 // 4, 1)
    return most - at_work(connection, told.workflow)


def at_work(connection: Connection, workflow: int) -> int:
    """How many attempts of the repository that a workflow is in may be at work."""
    number: int = connection.execute(_AT_WORK, {"workflow": workflow}).scalar_one()
    return number


def _to_look_at(connection: Connection, told: Flags, observed: Observed, *, sweeping: bool) -> list[Row[Any]]:
    """The tasks that gave cause, and the first of those that are dirty, or (sweeping) of all."""
    seen = connection.execute(_SEEN, {"ids": observed.tasks}).all() if observed.tasks else ()
    those = {"deployment": told.id, "ids": observed.tasks, **_place(observed)}
    return [*seen, *connection.execute(_LEFT if sweeping else _DIRTY, those)]


def _ready(connection: Connection, told: Flags, most: int) -> tuple[Ready, ...]:
    """The best of those that can be handed on."""
    found = connection.execute(_READY, {"deployment": told.id, "most": most})
    return tuple(Ready(*row) for row in found)


def _place(observed: Observed) -> dict[str, float]:
    rank, position = observed.after
    return {"rank": rank, "position": position}


def _facts(
    connection: Connection,
    told: Flags,
    rows: Sequence[Row[Any]],
    observed: Observed,
    lacks: Mapping[int, tuple[Missing, ...]],
) -> tuple[TaskFacts, ...]:
    if not rows:
        return ()
    ids = [row.id for row in rows]
    upstreams = _upstreams(connection, ids)
    newest = _attempts(connection, [row.id for row in rows if TaskState(row.state) in ACTIVE], observed)
    behind = rivals(connection, [row.id for row in rows if row.state == TaskState.WAITING.value])
    taken = locked(connection, told, [row for row in rows if row.state == TaskState.WAITING.value])
    given_back = freed(connection, told, [row for row in rows if TaskState(row.state) in ACTIVE])
    younger = newer(connection, told, [row for row in rows if row.state == TaskState.NEEDS_APPROVAL.value])
    empty = standing_empty(connection, [row.id for row in rows if row.shown_plan_id is not None])
    return tuple(
        TaskFacts(
            id=row.id,
            alias=row.alias,
            action=TaskAction(row.action),
            state=TaskState(row.state),
            rank=row.rank,
            position=row.position,
            upstreams=upstreams.get(row.id, ()),
            attempt=newest.get(row.id),
            rival=behind.get(row.id),
            newer=younger.get(row.id),
            locked_by=taken.get(row.environment_id, ""),
            freed=row.environment_id in given_back,
            requires_approval=row.requires_approval,
            approved=row.approved_plan_id is not None and row.approved_plan_id == row.plan_id,
            shown=row.shown_plan_id is not None,
            empty_plan=row.id in empty,
            missing=lacks.get(row.id, ()),
        )
        for row in rows
    )


def _upstreams(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[Upstream, ...]]:
    found: dict[int, list[Upstream]] = {}
    for row in connection.execute(_UPSTREAMS, {"ids": ids}):
        one = Upstream(row.alias, TaskState(row.state), row.changed, tuple(row.broken_by))
        found.setdefault(row.task_id, []).append(one)
    return {task: tuple(all_of_them) for task, all_of_them in found.items()}


def _attempts(connection: Connection, ids: Sequence[int], observed: Observed) -> dict[int, AttemptFacts]:
    if not ids:
        return {}
    newest: dict[int, Row[Any]] = {}
    unclaimed: Counter[int] = Counter()
    for row in connection.execute(_ATTEMPTS, {"ids": ids}):
        newest[row.task_id] = row
        unclaimed[row.task_id] = 0 if row.claimed else unclaimed[row.task_id] + 1
    return {task: _attempt(row, max(unclaimed[task], 1), observed) for task, row in newest.items()}


def _attempt(row: Row[Any], tries: int, observed: Observed) -> AttemptFacts:
    return AttemptFacts(
        id=row.id,
        tries=tries,
        claimed=row.claimed,
        revoked=row.revoked,
        refused=row.refused,
        still=observed.still.get(row.id, 0.0),
        runner_gone=row.id in observed.runner_gone,
        ended=row.ended,
        result=Result(row.result) if row.result else None,
        error=row.error,
    )


def due_tasks(connection: Connection, deployment: int, observed: Observed) -> list[Row[Any]]:
    """The waiting tasks for which nothing upstream is unfinished, of those that are to be looked at."""
    return list(connection.execute(_DUE, {"deployment": deployment, **_place(observed)}).all())


def waits_for_people(connection: Connection, deployment: int) -> bool:
    """Whether nothing of an unfinished deployment can go on before somebody approves or rejects."""
    number = counts(connection, deployment)
    if any(number.get(state) for state in (*ACTIVE, TaskState.READY)) or not number.get(TaskState.NEEDS_APPROVAL):
        return False
    asking = and_(tasks.c.deployment_id == deployment, tasks.c.state == TaskState.NEEDS_APPROVAL.value)
    approved = and_(asking, tasks.c.approved_plan_id == tasks.c.plan_id)
    if connection.execute(select(tasks.c.id).where(approved).limit(1)).first() is not None:
        return False  # its move is only about to be made
    waiting = and_(tasks.c.deployment_id == deployment, tasks.c.state == TaskState.WAITING.value)
    return not rivals(connection, list(connection.execute(select(tasks.c.id).where(waiting)).scalars()))
