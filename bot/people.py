"""What people may do to a deployment that is there: approve, reject, cancel, run again."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, select, update

from bot.decide.deeds import By, Deed, Result
from bot.decide.facts import Stop, TaskAction
from bot.decide.reconcile import Move
from bot.decide.transitions import Code, TaskState
from bot.errors import NotAllowed
from bot.project import Project
from bot.store import audit, deployments, needs
from bot.store.asking import ASKS, MAY_BE_APPROVED
from bot.store.environments import EnvironmentRow
from bot.store.tables import attempts, tasks


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that waits for approval."""

    task: int
    deployment: int
    plan: int | None


def _waiting(connection: Connection, environment: EnvironmentRow, which: ColumnElement[bool] = ASKS) -> Waiting:
    """The task of an environment that waits for approval; nobody else moves it until the transaction ends."""
    deployments.lock_workflow(connection, environment.workflow_id)
    query = (
        select(tasks.c.id, tasks.c.deployment_id, tasks.c.plan_id)
        .where(tasks.c.environment_id == environment.id, which)
        .order_by(tasks.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        raise NotAllowed(
            f"{environment.alias!r} does not wait for approval",
            f"see how it stands: headwater explain {environment.alias}",
        )
    return Waiting(row.id, row.deployment_id, row.plan_id)


def approve(project: Project, environment: EnvironmentRow, by: By, plan: int | None = None) -> int:
    """Approve the plan that an environment waits with, and no other; the deployment's number.

    `plan` is the one that was read: raises NotAllowed where another one waits by now.
    """
    with project.database.writing() as connection:
        waiting = _waiting(connection, environment, MAY_BE_APPROVED)
        if plan is not None and waiting.plan != plan:
            raise NotAllowed(f"{environment.alias!r} waits with another plan by now", "read that, then approve it")
        connection.execute(
            update(tasks).where(tasks.c.id == waiting.task).values(approved_plan_id=waiting.plan, dirty=True)
        )
        now, number = time.time(), waiting.deployment
        told = {"task": waiting.task, "alias": environment.alias, "actor": by.actor}
        deployments.note(connection, now, "approved", deployment=number, **told)
        said = f"plan {waiting.plan}"
        audit.of_tasks(connection, tasks.c.id == waiting.task, Result.DONE, now, deed=Deed.APPROVE, by=by, detail=said)
        return waiting.deployment


def reject(project: Project, environment: EnvironmentRow, by: By) -> int:
    """Reject it: that task is cancelled, and what lies downstream is blocked; the deployment's number."""
    with project.database.writing() as connection:
        waiting = _waiting(connection, environment)
        move = Move(waiting.task, TaskState.NEEDS_APPROVAL, TaskState.CANCELLED, Code.REJECTED, f"by {by.actor}")
        now = time.time()
        audit.of_tasks(connection, tasks.c.id == waiting.task, Result.DONE, now, deed=Deed.REJECT, by=by)
        deployments.apply_move(connection, move, now)
        return waiting.deployment


def cancel(project: Project, numbers: list[int], how: Stop, by: By) -> None:
    """Have deployments cancelled: what has not started never will, what runs is asked to stop."""
    with project.database.writing() as connection:
        for number in numbers:
            deployments.flags(connection, number, lock=True)
            deployments.ask_stop(connection, number, how, by, time.time())


def give_up(project: Project, environment: EnvironmentRow, by: By) -> None:
    """An admin says that the lost attempt of an environment has ended, whatever cannot be seen from here."""
    with project.database.writing() as connection:
        deployments.lock_workflow(connection, environment.workflow_id)
        now, its_own = (
            time.time(),
            and_(tasks.c.environment_id == environment.id, tasks.c.state == TaskState.LOST.value),
        )
        lost = select(tasks.c.id).where(its_own)
        values = {"ended": True, "active": False, "ended_at": now}
        connection.execute(
            update(attempts).where(attempts.c.task_id.in_(lost), attempts.c.active.is_(True)).values(values)
        )
        deployments.note(connection, now, "given up", alias=environment.alias, actor=by.actor)
        audit.of_tasks(connection, its_own, Result.DONE, now, deed=Deed.GIVE_UP, by=by)


def failed_deployments(environments: list[EnvironmentRow]) -> dict[int, list[EnvironmentRow]]:
    """What `retry` would run again, by the deployment in which it did not succeed."""
    found: dict[int, list[EnvironmentRow]] = {}
    for row in environments:
        broken = row.facts.state in (TaskState.FAILED, TaskState.TIMED_OUT, TaskState.CANCELLED, TaskState.BLOCKED)
        if broken and row.deployment is not None and row.facts.action in (TaskAction.DEPLOY, TaskAction.DESTROY):
            found.setdefault(row.deployment, []).append(row)
    return found


def needed(connection: Connection, environments: Iterable[EnvironmentRow]) -> dict[int, set[int]]:
    """What environments needed in their latest deploy or destroy: ids of environments, by the id of each."""
    return needs.needed(connection, needs.OWN.c.id.in_([one.last_task for one in environments]))
