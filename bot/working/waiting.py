"""What of a pull request waits for approval."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from bot.decide.transitions import TaskState
from bot.store import conversation
from bot.store.hosting import PullRow
from bot.store.tables import deployments, plans, tasks


@dataclass(frozen=True, slots=True)
class WaitingTask:
    """An environment that waits for approval; `planned_at` is when its plan came, in seconds since the epoch."""

    task: int
    environment: int
    deployment: int
    alias: str
    commander: str
    planned_at: float | None


def of_pull(connection: Connection, pull: PullRow) -> list[int]:
    """The numbers of the deployments that were asked for on a pull request, or told on it after its merge."""
    told = [
        one for story in conversation.stories_of(connection, pull.repository, pull.number) for one in story.deployments
    ]
    query = select(deployments.c.id).where(or_(deployments.c.pull_id == pull.id, deployments.c.id.in_(told)))
    return sorted(connection.execute(query).scalars())


def waiting_tasks(connection: Connection, pull: PullRow) -> list[WaitingTask]:
    """What waits for approval of all that was asked for on a pull request, or told on it."""
    query = (
        select(tasks, deployments.c.actor, deployments.c.continuous, plans.c.created_at.label("planned_at"))
        .join(deployments, tasks.c.deployment_id == deployments.c.id)
        .outerjoin(plans, tasks.c.plan_id == plans.c.id)
        .where(tasks.c.deployment_id.in_(of_pull(connection, pull)), tasks.c.state == TaskState.NEEDS_APPROVAL.value)
        .order_by(tasks.c.id)
    )
    return [
        WaitingTask(
            row.id,
            row.environment_id,
            row.deployment_id,
            row.alias,
            "" if row.continuous else row.actor,
            row.planned_at,
        )
        for row in connection.execute(query)
    ]
