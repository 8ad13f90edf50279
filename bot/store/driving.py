"""Which deployments are to be driven on, and how much there is to do."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from bot.decide.transitions import DEPLOYMENT_FINISHED, FINISHED, TaskState
from bot.store.hosted_tables import github_repositories
from bot.store.hosting import HostedRepository, repository_in
from bot.store.tables import deployments, tasks, workflows


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A deployment that has not ended. `dirty`: something of it is to be decided. `waits`: for room, or for an end.

    `stops`: somebody wants it to end.
    """

    number: int
    hosted: HostedRepository
    dirty: bool
    waits: bool
    correlation: str
    stops: bool


_OF_IT = tasks.c.deployment_id == deployments.c.id
_DIRTY = select(tasks.c.id).where(
    _OF_IT, tasks.c.dirty.is_(True), tasks.c.state.not_in([state.value for state in FINISHED])
)
_READY = select(tasks.c.id).where(_OF_IT, tasks.c.state == TaskState.READY.value)
_UNFINISHED = (
    select(
        deployments.c.id,
        (deployments.c.stop.is_not(None) | (deployments.c.withdrawn != "")).label("ends"),
        deployments.c.correlation,
        _DIRTY.exists().label("dirty"),
        _READY.exists().label("ready"),
        *github_repositories.c,
    )
    .join(workflows, deployments.c.workflow_id == workflows.c.id)
    .join(github_repositories, workflows.c.repository_id == github_repositories.c.repository_id)
    .where(deployments.c.state.not_in([state.value for state in DEPLOYMENT_FINISHED]))
    .order_by(deployments.c.id)
)


def unfinished(connection: Connection) -> list[Unfinished]:
    """All deployments of hosted repositories that have not ended, oldest first."""
    return [
        Unfinished(
            row.id,
            repository_in(row),
            row.dirty,
            row.ready or row.ends,
            row.correlation,
            row.ends,
        )
        for row in connection.execute(_UNFINISHED)
    ]


def commits(connection: Connection, deployment: int) -> list[str]:
    """The commits that its definitions are read at."""
    query = select(tasks.c.commit).where(tasks.c.deployment_id == deployment).distinct().order_by(tasks.c.commit)
    return list(connection.execute(query).scalars())
