"""What people see of the store: deployments, their tasks, plans and history. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, func, literal, select

from bot.decide.facts import TaskAction
from bot.decide.transitions import DEPLOYMENT_FINISHED, Code, DeploymentState, TaskState
from bot.store.rivals import rivals
from bot.store.tables import attempts, deployments, environments, events, plans, task_needs, tasks, workflows


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as people read it; `counts` has the keys of `bot.store.reports.COUNTS`."""

    id: int
    digest: str
    counts: Mapping[str, int]
    empty: bool
    changes: Sequence[Mapping[str, Any]]
    text: str


@dataclass(frozen=True, slots=True)
class TaskView:
    """One environment of a deployment. Times are seconds since the epoch."""

    id: int
    environment: int
    alias: str
    action: TaskAction
    state: TaskState
    code: Code
    detail: str
    started_at: float | None
    finished_at: float | None
    waits_for: tuple[str, ...]
    behind: int | None  # the older deployment that works on the same environment
    reasons: tuple[str, ...]
    plan: PlanView | None
    attempt: str | None
    error: str
    requires_approval: bool
    shown: bool  # a plan of it was, before it was to be deployed
    usual: float | None  # seconds that the same took last time
    stopping: bool = False  # it was asked to stop
    deployed: bool = False  # its environment is

    @property
    def finished(self) -> bool:
        """Whether it has come to an end."""
        return self.finished_at is not None


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """A deployment; `tasks` in dependency order."""

    id: int
    workflow: str
    file: str
    action: TaskAction
    state: DeploymentState
    commit: str
    dirty: bool
    actor: str
    origin: str
    created_at: float
    finished_at: float | None
    tasks: tuple[TaskView, ...]
    retry_of: int | None = None
    unsure: str = ""


def deployment(connection: Connection, number: int, *, texts: bool = False) -> DeploymentView | None:
    """One deployment with its tasks; with `texts`, also the plans' texts."""
    query = (
        select(deployments, workflows.c.name, workflows.c.file)
        .join(workflows, deployments.c.workflow_id == workflows.c.id)
        .where(deployments.c.id == number)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    its_tasks = _tasks(connection, number, texts=texts)
    if row.stop is not None:
        its_tasks = tuple(replace(one, stopping=not one.finished) for one in its_tasks)
    return _deployment(row, its_tasks)


def retried_as(connection: Connection, number: int) -> int | None:
    """The newest deployment that tries again what did not succeed in this one."""
    query = select(func.max(deployments.c.id)).where(deployments.c.retry_of == number)
    return connection.execute(query).scalar()


def deployed_at(connection: Connection, repository: int, commit: str) -> frozenset[tuple[str, str]]:
    """The workflow's file and the alias of each environment that is deployed at this commit."""
    query = (
        select(workflows.c.file, environments.c.alias)
        .join(environments, environments.c.workflow_id == workflows.c.id)
        .where(
            workflows.c.repository_id == repository,
            environments.c.commit == commit,
            environments.c.deployed,
            environments.c.unfinished.is_(False),
            environments.c.detached.is_(False),
        )
    )
    return frozenset((row.file, row.alias) for row in connection.execute(query))


def workflow_name(connection: Connection, workflow: int) -> str:
    """What a workflow is called."""
    name: str = connection.execute(select(workflows.c.name).where(workflows.c.id == workflow)).scalar_one()
    return name


def recent(connection: Connection, repository: int, limit: int, *, plans_too: bool = False) -> list[DeploymentView]:
    """The newest deployments of a repository, newest first, without their tasks."""
    query = (
        select(deployments, workflows.c.name, workflows.c.file)
        .join(workflows, deployments.c.workflow_id == workflows.c.id)
        .where(workflows.c.repository_id == repository)
        .order_by(deployments.c.id.desc())
        .limit(limit)
    )
    if not plans_too:
        query = query.where(deployments.c.action != TaskAction.PLAN.value)
    return [_deployment(row, ()) for row in connection.execute(query)]


def task_counts(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[TaskState, int]]:
    """How many tasks of each deployment are in each state."""
    query = (
        select(tasks.c.deployment_id, tasks.c.state, func.count())
        .where(tasks.c.deployment_id.in_(numbers))
        .group_by(tasks.c.deployment_id, tasks.c.state)
    )
    found: dict[int, dict[TaskState, int]] = {}
    for number, state, count in connection.execute(query):
        found.setdefault(number, {})[TaskState(state)] = count
    return found


def _deployment(row: Row[Any], its_tasks: tuple[TaskView, ...]) -> DeploymentView:
    return DeploymentView(
        id=row.id,
        workflow=row.name,
        file=row.file,
        action=TaskAction(row.action),
        state=DeploymentState(row.state),
        commit=row.commit,
        dirty=row.dirty,
        actor=row.actor,
        origin=row.origin,
        created_at=row.created_at,
        finished_at=row.finished_at,
        tasks=its_tasks,
        retry_of=row.retry_of,
        unsure=row.unsure if DeploymentState(row.state) not in DEPLOYMENT_FINISHED else "",
    )


def _tasks(connection: Connection, number: int, *, texts: bool) -> tuple[TaskView, ...]:
    text = plans.c.text if texts else literal("")
    query = (
        select(tasks, environments.c.durations, environments.c.deployed)
        .add_columns(plans.c.digest, plans.c.summary, text.label("text"))
        .join(environments, tasks.c.environment_id == environments.c.id)
        .outerjoin(plans, tasks.c.plan_id == plans.c.id)
        .where(tasks.c.deployment_id == number)
        .order_by(tasks.c.position)
    )
    rows = connection.execute(query).all()
    newest = _newest_attempts(connection, number)
    waits = _awaited(connection, rows)
    queued = rivals(connection, [row.id for row in rows if row.state == TaskState.WAITING.value])
    return tuple(_task(row, newest.get(row.id), waits.get(row.id, ()), queued.get(row.id)) for row in rows)


def _newest_attempts(connection: Connection, number: int) -> dict[int, tuple[str, str]]:
    query = (
        select(attempts.c.task_id, attempts.c.id, attempts.c.error)
        .join(tasks, attempts.c.task_id == tasks.c.id)
        .where(tasks.c.deployment_id == number)
        .order_by(attempts.c.number)
    )
    return {row.task_id: (row.id, row.error) for row in connection.execute(query)}


def _awaited(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, tuple[str, ...]]:
    """For each task: the upstreams that it still waits for."""
    if not rows:
        return {}
    done = {row.id for row in rows if row.state in (TaskState.SUCCEEDED.value, TaskState.SKIPPED.value)}
    aliases = {row.id: row.alias for row in rows}
    query = (
        select(task_needs.c.task_id, task_needs.c.upstream_id)
        .join(tasks, task_needs.c.task_id == tasks.c.id)
        .where(tasks.c.deployment_id == rows[0].deployment_id)
    )
    waits: dict[int, list[str]] = {}
    for task, upstream in connection.execute(query):
        if upstream not in done:
            waits.setdefault(task, []).append(aliases[upstream])
    return {key: tuple(value) for key, value in waits.items()}


def _task(row: Row[Any], newest: tuple[str, str] | None, waits_for: tuple[str, ...], behind: int | None) -> TaskView:
    return TaskView(
        id=row.id,
        environment=row.environment_id,
        alias=row.alias,
        action=TaskAction(row.action),
        state=TaskState(row.state),
        code=Code(row.code),
        detail=row.detail,
        started_at=row.started_at,
        finished_at=row.finished_at,
        waits_for=waits_for,
        behind=behind,
        reasons=tuple(row.reasons),
        plan=_plan(row) if row.plan_id is not None else None,
        attempt=newest[0] if newest else None,
        error=newest[1] if newest else "",
        requires_approval=row.requires_approval,
        shown=row.shown_plan_id is not None,
        usual=row.durations.get(row.action),
        deployed=row.deployed,
    )


def _plan(row: Row[Any]) -> PlanView:
    summary = row.summary
    return PlanView(
        id=row.plan_id,
        digest=row.digest,
        counts={name: value for name, value in summary.items() if isinstance(value, int) and name != "empty"},
        empty=bool(summary.get("empty")),
        changes=summary.get("changes") or [],
        text=row.text or "",
    )


def latest_attempt(connection: Connection, environment: int) -> tuple[str, bool] | None:
    """The newest attempt that worked on an environment (a plan counts where nothing else did), and is it at work."""
    query = (
        select(attempts.c.id, attempts.c.active)
        .where(attempts.c.environment_id == environment)
        .order_by(attempts.c.mutates.desc(), attempts.c.task_id.desc(), attempts.c.number.desc())  # clocks go back
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (row.id, row.active)


def since(connection: Connection, deployment: int, task: int) -> float | None:
    """When a task last moved, in seconds since the epoch; None where it did not yet."""
    moved = (events.c.deployment_id == deployment) & (events.c.task_id == task) & (events.c.kind == "task")
    return connection.execute(select(func.max(events.c.at)).where(moved)).scalar()
