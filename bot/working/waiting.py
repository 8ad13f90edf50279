"""What of a pull request waits for approval."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from bot.decide.transitions import TaskState
from bot.store import conversation
from bot.store.asking import MAY_BE_APPROVED
from bot.store.hosting import PullRow
from bot.store.tables import deployments, tasks, workflows


@dataclass(frozen=True, slots=True)
class WaitingTask:
    """An environment that waits for approval of a plan; `commander` is "" where a push asked for it."""

    task: int
    environment: int
    deployment: int
    alias: str
    workflow: str
    file: str
    commander: str
    plan: int | None
    in_line: bool = False  # its turn has not come; it may be approved, not yet rejected


def of_pull(connection: Connection, pull: PullRow) -> list[int]:
    """The numbers of the deployments that were asked for on a pull request, or told on it after its merge."""
    told = [
        one for story in conversation.stories_of(connection, pull.repository, pull.number) for one in story.deployments
    ]
    query = select(deployments.c.id).where(or_(deployments.c.pull_id == pull.id, deployments.c.id.in_(told)))
    return sorted(connection.execute(query).scalars())


def waiting_tasks(connection: Connection, pull: PullRow) -> list[WaitingTask]:
    """What waits for approval, or will in its turn, of all that was asked for or is told on a pull request."""
    query = (
        select(tasks, deployments.c.actor, deployments.c.continuous, workflows.c.name, workflows.c.file)
        .join(deployments, tasks.c.deployment_id == deployments.c.id)
        .join(workflows, deployments.c.workflow_id == workflows.c.id)
        .where(tasks.c.deployment_id.in_(of_pull(connection, pull)), MAY_BE_APPROVED)
        .order_by(tasks.c.id)
    )
    return [
        WaitingTask(
            row.id,
            row.environment_id,
            row.deployment_id,
            row.alias,
            row.name,
            row.file,
            "" if row.continuous else row.actor,
            row.plan_id,
            row.state != TaskState.NEEDS_APPROVAL.value,
        )
        for row in connection.execute(query)
    ]
