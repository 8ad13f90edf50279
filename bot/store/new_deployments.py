"""Rows of new deployments with their tasks, and what they supersede."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, insert, or_, select, update

from bot import correlation
from bot.decide.deeds import By, Result
from bot.decide.facts import TaskAction
from bot.decide.reconcile import Move
from bot.decide.transitions import Code, DeploymentState, TaskState
from bot.store import audit, publications
from bot.store import deployments as moving
from bot.store.hosted_tables import locks
from bot.store.tables import deployments, environments, task_needs, tasks

_MUTATING = tuple(action.value for action in TaskAction if action.mutates)
_NOT_STARTED = (TaskState.WAITING.value, TaskState.READY.value, TaskState.NEEDS_APPROVAL.value)
_LAST_TASK = (
    update(environments).where(environments.c.id == bindparam("environment")).values(last_task_id=bindparam("task"))
)


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be: `needs` are the environment ids (in the same deployment) that must have succeeded first."""

    environment: int
    alias: str
    action: TaskAction
    commit: str
    source_commit: str
    rank: float = 0.0
    needs: tuple[int, ...] = ()
    requires_approval: bool = False
    shown_plan: int | None = None
    awaited_output: bool = False
    reasons: tuple[str, ...] = ()
    upstreams: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NewDeployment:
    """A deployment to be."""

    workflow: int
    action: TaskAction
    commit: str
    by: By
    place: str
    tasks: tuple[NewTask, ...]
    jobs: int
    dirty: bool = False
    auto_approve: bool = False
    fail_fast: bool = False
    given: bytes | None = None
    forget: tuple[str, ...] = ()
    keep_for: int | None = None
    retry_of: int | None = None
    pull: int | None = None
    continuous: bool = False


def create(connection: Connection, new: NewDeployment, now: float) -> int:
    """Write a deployment with its tasks; what it supersedes is cancelled. Its number."""
    moving.lock_workflow(connection, new.workflow)
    values = {
        "workflow_id": new.workflow,
        "action": new.action.value,
        "commit": new.commit,
        "dirty": new.dirty,
        "state": DeploymentState.QUEUED.value,
        "actor": new.by.actor,
        "origin": new.by.origin,
        "allowed": list(new.by.allowed),
        "correlation": correlation.current(),
        "place": new.place,
        "auto_approve": new.auto_approve,
        "fail_fast": new.fail_fast,
        "jobs": new.jobs,
        "given": new.given,
        "forget": list(new.forget),
        "keep_for": new.keep_for,
        "retry_of": new.retry_of,
        "pull_id": new.pull,
        "continuous": new.continuous,
        "created_at": now,
    }
    key = connection.execute(insert(deployments).values(values)).inserted_primary_key
    assert key is not None  # noqa: S101
    number: int = key[0]
    moving.note(connection, now, "deployment", deployment=number, detail=new.action.value, actor=new.by.actor)
    if new.action.mutates:
        ids = [task.environment for task in new.tasks]
        _supersede(connection, number, ids, now, continuous=new.continuous)
    _insert_tasks(connection, number, new.tasks, now)
    audit.of_tasks(connection, tasks.c.deployment_id == number, Result.REQUESTED, now, detail=_asked(new))
    return number


def _asked(new: NewDeployment) -> str:
    """How it was asked for, where that says more than what is done."""
    again = f"again, of deployment {new.retry_of}" if new.retry_of is not None else ""
    return ": ".join(one for one in (new.by.asked, again) if one)


def _insert_tasks(connection: Connection, deployment: int, new: Sequence[NewTask], now: float) -> None:
    rows = [
        {
            "deployment_id": deployment,
            "environment_id": task.environment,
            "alias": task.alias,
            "action": task.action.value,
            "commit": task.commit,
            "source_commit": task.source_commit,
            "position": position,
            "rank": task.rank,
            "state": TaskState.WAITING.value,
            "code": Code.SUBMITTED.value,
            "requires_approval": task.requires_approval,
            "shown_plan_id": task.shown_plan,
            "plan_id": task.shown_plan,
            "awaited_output": task.awaited_output,
            "reasons": list(task.reasons),
            "upstreams": list(task.upstreams),
            "created_at": now,
        }
        for position, task in enumerate(new)
    ]
    if not rows:
        return
    connection.execute(insert(tasks), rows)
    ids = dict(
        connection.execute(select(tasks.c.environment_id, tasks.c.id).where(tasks.c.deployment_id == deployment)).all()
    )
    edges = [
        {"task_id": ids[task.environment], "upstream_id": ids[upstream]} for task in new for upstream in task.needs
    ]
    if edges:
        connection.execute(insert(task_needs), edges)
    latest = [
        {"environment": task.environment, "task": ids[task.environment]}
        for task in new
        if task.action in (TaskAction.DEPLOY, TaskAction.DESTROY)
    ]
    if latest:
        connection.execute(_LAST_TASK, latest)


def _supersede(connection: Connection, number: int, ids: Sequence[int], now: float, *, continuous: bool) -> None:
    """Cancel older tasks of these environments that never started.

    A push (`continuous`) leaves alone what a pull request asked for, and queues behind it. Only what waits for an
    approval there gives way, once the pull request holds the environment no more.
    """
    query = select(tasks.c.id, tasks.c.state, tasks.c.deployment_id).where(
        tasks.c.environment_id.in_(ids), tasks.c.action.in_(_MUTATING), tasks.c.state.in_(_NOT_STARTED)
    )
    if continuous:
        held = select(locks.c.environment_id)
        asks = and_(tasks.c.state == TaskState.NEEDS_APPROVAL.value, tasks.c.environment_id.not_in(held))
        query = query.join(deployments, tasks.c.deployment_id == deployments.c.id)
        query = query.where(or_(deployments.c.pull_id.is_(None), asks))
    found = connection.execute(query).all()
    for row in found:
        move = Move(row.id, TaskState(row.state), TaskState.CANCELLED, Code.SUPERSEDED, f"#{number}")
        moving.apply_move(connection, move, now)
    for former in sorted({row.deployment_id for row in found}):
        publications.refresh(connection, former, now)
