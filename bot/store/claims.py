"""Whose the environments of a deployment are by now: another pull request's, nobody's, a younger deployment's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from bot.decide.facts import TaskAction
from bot.store import locks
from bot.store.deployments import Flags
from bot.store.hosted_tables import pulls
from bot.store.rivals import newcomers
from bot.store.tables import deployments


def locked(connection: Connection, told: Flags, waiting: Sequence[Row[Any]]) -> dict[int, str]:
    """The environments that another pull request than the deployment's own holds, with its number (`#12`)."""
    ids = [row.environment_id for row in waiting if TaskAction(row.action).mutates]
    found = locks.held(connection, ids) if ids else {}
    return {environment: f"#{lock.number}" for environment, lock in found.items() if lock.pull != told.pull}


def freed(connection: Connection, told: Flags, active: Sequence[Row[Any]]) -> set[int]:
    """The environments that the deployment took for its pull request, and that this does not hold any more.

    A merge gives them back too, and then the default branch goes on with them; nothing is taken for an adoption.
    """
    took = {row.environment_id for row in active if row.action in (TaskAction.DEPLOY, TaskAction.DESTROY)}
    if told.pull is None or told.continuous or not took:
        return set()
    if connection.execute(select(pulls.c.state).where(pulls.c.id == told.pull)).scalar() == "merged":
        return set()
    return took - {one for one, lock in locks.held(connection, took).items() if lock.pull == told.pull}


def newer(connection: Connection, told: Flags, asking: Sequence[Row[Any]]) -> dict[int, int]:
    """For what waits for approval, the younger deployment that it gives way to: none, while its pull request holds it.

    A push, or another pull request, could not go on there anyway.
    """
    found = newcomers(connection, [row.id for row in asking])
    if told.pull is None or not found:
        return found
    mine = locks.held(connection, [row.environment_id for row in asking])
    kept = {row.id for row in asking if row.environment_id in mine and mine[row.environment_id].pull == told.pull}
    theirs = select(deployments.c.id).where(deployments.c.id.in_(found.values()), deployments.c.pull_id == told.pull)
    ours = set(connection.execute(theirs).scalars())
    return {task: number for task, number in found.items() if task not in kept or number in ours}
