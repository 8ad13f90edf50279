"""What of a pull request waits for approval: environments with their plans, and commands with what they have shown."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from bot.decide.transitions import TaskState
from bot.store import conversation, views
from bot.store.asking import MAY_BE_APPROVED
from bot.store.conversation import CommandRow, CommandState
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


@dataclass(frozen=True, slots=True)
class Proposed:
    """One environment of what a command has shown; `plan` is the number of its plan, once there is one."""

    deployment: int
    alias: str
    workflow: str
    file: str
    plan: int | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A command that shows what it would do, and waits for `/approve`."""

    command: CommandRow
    parts: tuple[Proposed, ...]

    @property
    def name(self) -> str:
        """The command in short."""
        return f"/{self.command.verb}"


def proposals(connection: Connection, pull: PullRow) -> list[Proposal]:
    """What waits on a pull request for somebody to approve all of it, oldest first."""
    asking = conversation.commands_of(connection, pull.repository, pull.number, [CommandState.ASKED])
    return [Proposal(one, _parts(connection, one)) for one in asking]


def _parts(connection: Connection, command: CommandRow) -> tuple[Proposed, ...]:
    found = [views.deployment(connection, number) for number in command.deployments]
    return tuple(
        Proposed(view.id, task.alias, view.workflow, view.file, task.plan.id if task.plan else None)
        for view in found
        if view is not None
        for task in view.tasks
    )
