"""Rows of deployments and tasks: reading their flags, and moving them on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Row, and_, bindparam, insert, or_, select, update

from bot.decide.deeds import By, Deed, Result
from bot.decide.facts import Stop, TaskAction
from bot.decide.reconcile import Move
from bot.decide.transitions import (
    ALLOWED,
    DEPLOYMENT_ALLOWED,
    DEPLOYMENT_FINISHED,
    FINISHED,
    DeploymentState,
    TaskState,
)
from bot.store import audit
from bot.store.tables import deployments, environments, events, task_needs, tasks, workflows

_TOGETHER = 500
"""Rows in one statement."""

# Statements of each step, so made once: making them costs more than running them.

_FLAGS = select(deployments).where(deployments.c.id == bindparam("deployment"))
_LOCK = select(workflows.c.id).where(workflows.c.id == bindparam("workflow")).with_for_update()
_WORKFLOW = select(deployments.c.workflow_id).where(deployments.c.id == bindparam("deployment")).scalar_subquery()
_LOCK_OF = select(workflows.c.id).where(workflows.c.id == _WORKFLOW).with_for_update()
_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_MOVE = (
    update(tasks)
    .where(tasks.c.id.in_(_IDS), tasks.c.state == bindparam("before"))
    .returning(tasks.c.id, tasks.c.deployment_id, tasks.c.environment_id, tasks.c.alias, tasks.c.action)
)
_TOUCH = update(environments).where(environments.c.id.in_(_IDS)).values(touches=environments.c.touches + 1)
_ENVIRONMENTS: BindParameter[list[int]] = bindparam("environments", expanding=True)
_WAKE = (
    update(tasks)
    .where(
        or_(
            tasks.c.id.in_(select(task_needs.c.task_id).where(task_needs.c.upstream_id.in_(_IDS))),
            and_(
                tasks.c.environment_id.in_(_ENVIRONMENTS),
                tasks.c.state == TaskState.WAITING.value,
                tasks.c.deployment_id > bindparam("deployment"),
            ),
        )
    )
    .values(dirty=True)
)


def was_held_back(connection: Connection, told: Flags) -> bool:
    """Whether a push was blocked anywhere in a workflow at the commit of this deployment of a push."""
    query = (
        select(tasks.c.id)
        .join(deployments, tasks.c.deployment_id == deployments.c.id)
        .where(
            deployments.c.workflow_id == told.workflow,
            deployments.c.commit == told.commit,
            deployments.c.continuous.is_(True),
            tasks.c.state == TaskState.BLOCKED.value,
        )
    )
    return connection.execute(query.limit(1)).first() is not None


def lock_workflow(connection: Connection, workflow: int) -> None:
    """Let nobody else change anything of this workflow until the transaction ends.

    Whoever moves tasks or marks them takes this first: else somebody could mark as dirty what another one, who did
    not see why, is about to mark as clean. (SQLite has one writer anyway.)
    """
    connection.execute(_LOCK, {"workflow": workflow})


def unfinished_deployments(connection: Connection, repository: int, place: str) -> list[int]:
    """The numbers of a repository's deployments that are not finished and run at this place, oldest first."""
    query = (
        select(deployments.c.id)
        .join(workflows, deployments.c.workflow_id == workflows.c.id)
        .where(
            workflows.c.repository_id == repository,
            deployments.c.place == place,
            deployments.c.state.not_in([state.value for state in DEPLOYMENT_FINISHED]),
        )
        .order_by(deployments.c.id)
    )
    return list(connection.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class Flags:
    """What one deployment is told."""

    id: int
    workflow: int
    commit: str
    action: TaskAction
    state: DeploymentState
    jobs: int
    auto_approve: bool
    fail_fast: bool
    stop: Stop | None
    given: bytes | None
    keep_for: int | None
    dirty: bool
    forget: tuple[str, ...] = ()
    retry_of: int | None = None
    pull: int | None = None
    continuous: bool = False
    correlation: str = ""
    judged_at: float | None = None
    withdrawn: str = ""


def flags(connection: Connection, deployment: int, *, lock: bool = False) -> Flags | None:
    """A deployment's flags; with `lock`, nobody else takes a step of its workflow until this transaction ends."""
    of_it = {"deployment": deployment}
    if lock:
        connection.execute(_LOCK_OF, of_it)
    row = connection.execute(_FLAGS, of_it).first()
    if row is None:
        return None
    return Flags(
        row.id,
        row.workflow_id,
        row.commit,
        TaskAction(row.action),
        DeploymentState(row.state),
        row.jobs,
        row.auto_approve,
        row.fail_fast,
        Stop(row.stop) if row.stop else None,
        row.given,
        row.keep_for,
        row.dirty,
        tuple(row.forget),
        row.retry_of,
        row.pull_id,
        row.continuous,
        row.correlation,
        row.judged_at,
        row.withdrawn,
    )


_CLEAN = (
    update(tasks).where(tasks.c.id.in_(bindparam("ids", expanding=True)), tasks.c.dirty.is_(True)).values(dirty=False)
)


def clean(connection: Connection, ids: Sequence[int]) -> None:
    """These tasks were looked at, and there is nothing to do for them until something changes."""
    if ids:
        connection.execute(_CLEAN, {"ids": ids})


def apply_moves(connection: Connection, moves: Iterable[Move], now: float) -> list[Move]:
    """Move tasks on that still are where the decision saw them; gives the moves that were made.

    Those that depend on what ends are looked at again. Alike moves are written together: a thousand tasks may become
    ready at once.
    """
    alike: dict[Move, list[Move]] = {}
    for move in moves:
        if (move.before, move.after, move.code) not in ALLOWED:
            raise ValueError(f"no such move: {move}")
        alike.setdefault(replace(move, task=0), []).append(move)
    parts = [group[at : at + _TOGETHER] for group in alike.values() for at in range(0, len(group), _TOGETHER)]
    return [one for part in parts for one in _apply(connection, part, now)]


def apply_move(connection: Connection, move: Move, now: float) -> bool:
    """Move one task on; whether it still was where the decision saw it."""
    return bool(apply_moves(connection, [move], now))


def _apply(connection: Connection, alike: Sequence[Move], now: float) -> list[Move]:
    """Write moves that differ in their task alone."""
    move = alike[0]
    values: dict[str, object] = {
        "state": move.after.value,
        "code": move.code.value,
        "detail": move.detail,
        "broken_by": list(move.broken_by),
        "dirty": move.after not in FINISHED,
    }
    if move.after in FINISHED:
        values["finished_at"] = now
    if move.after is TaskState.RUNNING:
        values["started_at"] = now
    still_there = {"ids": [one.task for one in alike], "before": move.before.value}
    rows = connection.execute(_MOVE, {**still_there, **values}).all()
    if not rows:
        return []
    told = {"at": now, "kind": "task", "before": move.before.value, "after": move.after.value}
    told |= {"code": move.code.value, "detail": move.detail}
    connection.execute(
        insert(events),
        [{**told, "deployment_id": row.deployment_id, "task_id": row.id, "alias": row.alias} for row in sorted(rows)],
    )
    if move.after in FINISHED:
        _wake_those_behind(connection, rows)
        deeds = [row.id for row in rows if TaskAction(row.action).needs_power]
        if deeds:  # a plan changes nothing
            audit.ended(connection, deeds, move.after, move.code.value, move.detail, now)
    there = {row.id for row in rows}
    return [one for one in alike if one.task in there]


def _wake_those_behind(connection: Connection, ended: Sequence[Row[Any]]) -> None:
    """Have looked at what lies downstream, and at what queues for the same environment: younger deployments alone."""
    for number in {row.deployment_id for row in ended}:
        rows = [row for row in ended if row.deployment_id == number]
        told = {"ids": [row.id for row in rows], "environments": [row.environment_id for row in rows]}
        connection.execute(_WAKE, {**told, "deployment": number})


def behind(connection: Connection, deployment: int) -> list[int]:
    """The younger deployments of which something waits for an environment that this one is about."""
    about = select(tasks.c.environment_id).where(tasks.c.deployment_id == deployment)
    waiting = and_(tasks.c.state == TaskState.WAITING.value, tasks.c.deployment_id > deployment)
    query = select(tasks.c.deployment_id).where(waiting, tasks.c.environment_id.in_(about)).distinct()
    return sorted(connection.execute(query).scalars())


def begin(connection: Connection, deployment: int, now: float) -> None:
    """The deployment is not queued any more."""
    queued = and_(deployments.c.id == deployment, deployments.c.state == DeploymentState.QUEUED.value)
    values = {"state": DeploymentState.RUNNING.value}
    if connection.execute(update(deployments).where(queued).values(values)).rowcount:
        note(connection, now, "deployment", deployment=deployment, after=DeploymentState.RUNNING.value)


def finish(connection: Connection, deployment: int, state: DeploymentState, now: float) -> bool:
    """The deployment has ended; False if somebody else wrote that already."""
    befores = [before.value for before, after in DEPLOYMENT_ALLOWED if after is state]
    unfinished = deployments.c.state.in_(befores)
    values = {"state": state.value, "finished_at": now}
    done = connection.execute(update(deployments).where(deployments.c.id == deployment, unfinished).values(values))
    if done.rowcount:
        note(connection, now, "deployment", deployment=deployment, after=state.value)
    return bool(done.rowcount)


def ask_stop(connection: Connection, deployment: int, how: Stop, by: By, now: float, *, detail: str = "") -> None:
    """Have the deployment cancelled; a kill is never softened again."""
    note(connection, now, "cancel", deployment=deployment, detail=detail or how.value, actor=by.actor)
    unfinished = and_(tasks.c.deployment_id == deployment, tasks.c.state.not_in([one.value for one in FINISHED]))
    deed = Deed.CANCEL
    audit.of_tasks(connection, unfinished, Result.REQUESTED, now, deed=deed, by=by, detail=detail or how.value)
    weaker = or_(deployments.c.stop.is_(None), deployments.c.stop != Stop.KILL.value)
    connection.execute(update(deployments).where(deployments.c.id == deployment, weaker).values(stop=how.value))


def commanded(connection: Connection, deployment: int, now: float) -> None:
    """A command asked for this deployment: whether that is still allowed is judged again while it is under way."""
    connection.execute(update(deployments).where(deployments.c.id == deployment).values(judged_at=now))


def doubt(connection: Connection, pull: int, now: float) -> list[int]:
    """Let nothing more begin of what commands on a pull request asked for before that is judged anew; their numbers.

    Each doubt is another one: who judges by what was read before it does not take it away.
    """
    under_way = deployments.c.state.not_in([state.value for state in DEPLOYMENT_FINISHED])
    which = and_(deployments.c.pull_id == pull, deployments.c.judged_at.is_not(None), under_way)
    return list(
        connection.execute(
            update(deployments).where(which).values(judged_at=-now).returning(deployments.c.id)
        ).scalars()
    )


def judged(connection: Connection, deployment: int, before: float, at: float) -> bool:
    """It is allowed, as of this time; False if somebody has judged or doubted it since it was last read."""
    of_it = and_(deployments.c.id == deployment, deployments.c.judged_at == before)
    if not connection.execute(update(deployments).where(of_it).values(judged_at=at)).rowcount:
        return False
    _look_at(connection, deployment, tasks.c.state == TaskState.READY.value)
    return True


def unsure(connection: Connection, deployment: int, why: str) -> bool:
    """It is not known whether anything more of it may begin; whether that is new."""
    of_it = and_(deployments.c.id == deployment, deployments.c.unsure != why)
    return bool(connection.execute(update(deployments).where(of_it).values(unsure=why)).rowcount)


def withdraw(connection: Connection, deployment: int, why: str, now: float) -> None:
    """Nothing more of it may begin, for what let it begin is gone."""
    note(connection, now, "withdrawn", deployment=deployment, detail=why)
    connection.execute(update(deployments).where(deployments.c.id == deployment).values(withdrawn=why))
    _look_at(connection, deployment, tasks.c.state.not_in([one.value for one in FINISHED]))


def _look_at(connection: Connection, deployment: int, which: ColumnElement[bool]) -> None:
    connection.execute(update(tasks).where(tasks.c.deployment_id == deployment, which).values(dirty=True))


def note(connection: Connection, now: float, kind: str, *, deployment: int | None = None, **values: object) -> None:
    """Write down that something happened; nothing written here is ever changed."""
    row = {"at": now, "kind": kind, "deployment_id": deployment, "detail": "", **values}
    row["task_id"] = row.pop("task", None)
    connection.execute(insert(events), row)


def touch(connection: Connection, ids: Sequence[int]) -> None:
    """Work on these environments begins: what was planned before may not hold any more."""
    if ids:
        connection.execute(_TOUCH, {"ids": ids})
