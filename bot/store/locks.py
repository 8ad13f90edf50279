"""Rows of locks: which environment belongs to which pull request, from its deploy until it is merged or restored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, exists, insert, select

from bot.decide.deeds import By, Deed, Result
from bot.decide.facts import TaskAction
from bot.decide.transitions import ACTIVE, DeploymentState, TaskState
from bot.store import audit
from bot.store.hosted_tables import locks, pulls
from bot.store.tables import deployments, environments, tasks, workflows

_MUTATING = tuple(one.value for one in TaskAction if one.mutates)
_WORKED = tuple(
    one.value for one in (*ACTIVE, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.TIMED_OUT)
)  # of what waits or was called off, nothing is there
_CALLED_OFF = (TaskState.CANCELLED.value, TaskState.BLOCKED.value, TaskState.SKIPPED.value)


@dataclass(frozen=True, slots=True)
class Lock:
    """An environment that belongs to a pull request."""

    environment: int
    alias: str
    pull: int
    number: int
    state: str  # of the pull request
    taken_at: float
    workflow: str  # its name
    file: str


def held(connection: Connection, ids: Iterable[int]) -> dict[int, Lock]:
    """The locks on these environments."""
    chosen = list(ids)
    found: dict[int, Lock] = {}
    for start in range(0, len(chosen), 500):
        for one in _read(connection, locks.c.environment_id.in_(chosen[start : start + 500])):
            found[one.environment] = one
    return found


def commits(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """The commit at which the holder of each of these has deployed it last, or is doing so."""
    found: dict[int, str] = {}
    chosen = list(ids)
    for start in range(0, len(chosen), 500):
        query = (
            select(tasks.c.environment_id, tasks.c.commit)
            .join(deployments, tasks.c.deployment_id == deployments.c.id)
            .join(
                locks, and_(locks.c.environment_id == tasks.c.environment_id, locks.c.pull_id == deployments.c.pull_id)
            )
            .where(
                tasks.c.environment_id.in_(chosen[start : start + 500]),
                tasks.c.action.in_(_MUTATING),
                tasks.c.state.in_(_WORKED),
            )
            .order_by(tasks.c.id)
        )
        found |= {row.environment_id: row.commit for row in connection.execute(query)}
    return found


def of_pull(connection: Connection, pull: int) -> list[Lock]:
    """What belongs to a pull request."""
    return _read(connection, locks.c.pull_id == pull)


def of_repository(connection: Connection, repository: int) -> list[Lock]:
    """All locks in a repository."""
    return _read(connection, workflows.c.repository_id == repository)


def _read(connection: Connection, where: object) -> list[Lock]:
    query = (
        select(locks, environments.c.alias, pulls.c.number, pulls.c.state, workflows.c.name, workflows.c.file)
        .join(environments, locks.c.environment_id == environments.c.id)
        .join(workflows, environments.c.workflow_id == workflows.c.id)
        .join(pulls, locks.c.pull_id == pulls.c.id)
        .where(where)  # type: ignore[arg-type]
        .order_by(locks.c.environment_id)
    )
    return [
        Lock(row.environment_id, row.alias, row.pull_id, row.number, row.state, row.taken_at, row.name, row.file)
        for row in connection.execute(query)
    ]


def take(connection: Connection, ids: Sequence[int], pull: int, deployment: int, now: float) -> Mapping[int, Lock]:
    """Lock all of these for a pull request, in their canonical order, or none: then, who holds what is in the way.

    A merged one takes none: nothing would give them back.
    """
    others = {one: lock for one, lock in held(connection, ids).items() if lock.pull != pull}
    if others:
        return others
    merged = connection.execute(select(pulls.c.state).where(pulls.c.id == pull)).scalar() == "merged"
    new = sorted(set(ids) - held(connection, ids).keys()) if not merged else []
    for one in new:
        values = {"environment_id": one, "pull_id": pull, "deployment_id": deployment, "taken_at": now}
        connection.execute(insert(locks).values(values))
    if new:
        taken = and_(tasks.c.deployment_id == deployment, tasks.c.environment_id.in_(new))
        audit.of_tasks(connection, taken, Result.TAKEN, now, deed=Deed.LOCK)
    return {}


def unused(connection: Connection, pull: int) -> list[Lock]:
    """What belongs to a pull request though every deploy of it there was called off before it began.

    A deployment that failed keeps what it has locked: it is to be tried again as a whole. So does what a restored
    backup may not tell all of.
    """
    called_off = and_(
        tasks.c.state.in_(_CALLED_OFF), ~tasks.c.started, deployments.c.state != DeploymentState.FAILED.value
    )
    used = (
        exists()
        .where(tasks.c.environment_id == locks.c.environment_id)
        .where(tasks.c.deployment_id == deployments.c.id)
        .where(deployments.c.pull_id == locks.c.pull_id)
        .where(deployments.c.id >= locks.c.deployment_id)
        .where(tasks.c.action.in_([one.value for one in TaskAction if one.mutates]))
        .where(~called_off)
    )
    return _read(connection, and_(locks.c.pull_id == pull, ~used, environments.c.doubted.is_(False)))


def release(connection: Connection, pull: int, by: By, now: float, ids: Sequence[int] | None = None) -> int:
    """Give back what belongs to a pull request (None: all of it); how many there were."""
    which = locks.c.pull_id == pull
    if ids is not None:
        which = and_(which, locks.c.environment_id.in_(ids))
    mine = select(locks.c.environment_id).where(which).order_by(locks.c.environment_id).with_for_update()
    connection.execute(mine)  # whoever else gives them back waits here, and finds none
    audit.released(connection, which, by, now)
    return connection.execute(delete(locks).where(which)).rowcount
