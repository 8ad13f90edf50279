"""Who is at work where a task would work, or on what it needs: tasks of other deployments that it gives way to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from bot.decide.facts import TaskAction
from bot.decide.transitions import ACTIVE, FINISHED, TaskState
from bot.store.tables import attempts, environments, tasks

_Row = Row[*tuple[Any, ...]]
_MUTATING = tuple(action.value for action in TaskAction if action.mutates)
_UNFINISHED = tuple(state.value for state in TaskState if state not in FINISHED)
_ACTIVE = tuple(state.value for state in ACTIVE)
_OTHER = tasks.alias()
_MINE = select(tasks.c.id, tasks.c.deployment_id, tasks.c.environment_id, tasks.c.action, tasks.c.upstreams).where(
    tasks.c.id.in_(bindparam("ids", expanding=True)), tasks.c.action.in_(_MUTATING)
)
_THERE = select(tasks.c.deployment_id, tasks.c.environment_id, tasks.c.action, tasks.c.state).where(
    tasks.c.environment_id.in_(bindparam("places", expanding=True)),
    tasks.c.action.in_(_MUTATING),
    tasks.c.state.in_(_UNFINISHED),
)
_AT_WORK = (
    select(tasks.c.deployment_id, tasks.c.upstreams)
    .join(attempts, attempts.c.task_id == tasks.c.id)
    .where(attempts.c.active.is_(True), tasks.c.action == TaskAction.DEPLOY.value)
)
_NEWER = (
    select(tasks.c.id, func.min(_OTHER.c.deployment_id))
    .join(_OTHER, _OTHER.c.environment_id == tasks.c.environment_id)
    .where(
        tasks.c.id.in_(bindparam("ids", expanding=True)),
        tasks.c.action.in_(_MUTATING),
        _OTHER.c.action.in_(_MUTATING),
        _OTHER.c.state.in_(_UNFINISHED),
        _OTHER.c.deployment_id > tasks.c.deployment_id,
    )
    .group_by(tasks.c.id)
)
_ABSENT = select(environments.c.id, environments.c.alias).where(
    environments.c.id.in_(bindparam("places", expanding=True)),
    environments.c.deployed.is_(False),
    ~select(tasks.c.id)
    .where(tasks.c.deployment_id == bindparam("deployment"), tasks.c.environment_id == environments.c.id)
    .exists(),
)


def rivals(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """For each task, the oldest deployment that it waits for.

    That is one which may change the same environment and came before; or which works on what it needs, or is to
    destroy that and came before; or, for a destroy, which deploys something that needs this environment.
    """
    mine = connection.execute(_MINE, {"ids": ids}).all() if ids else []
    if not mine:
        return {}
    places = {place for row in mine for place in _places(row)}
    there: dict[int, list[_Row]] = {}
    for one in connection.execute(_THERE, {"places": list(places)}):
        there.setdefault(one.environment_id, []).append(one)
    users = list(connection.execute(_AT_WORK)) if any(row.action == TaskAction.DESTROY.value for row in mine) else []
    found = {row.id: {*_before(row, there), *_above(row, there), *_below(row, users)} for row in mine}
    return {task: min(numbers) for task, numbers in found.items() if numbers}


def newcomers(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """For each task, the oldest unfinished deployment after it that may change the same environment."""
    return dict(connection.execute(_NEWER, {"ids": ids}).all()) if ids else {}


def under_way(connection: Connection, places: Collection[int]) -> frozenset[int]:
    """Those environments that an unfinished task may change."""
    return frozenset(one.environment_id for one in connection.execute(_THERE, {"places": list(places)}))


def absent(connection: Connection, deployment: int, places: Collection[int]) -> dict[int, str]:
    """Those environments that are not deployed, and not of this deployment either, by alias."""
    given = {"deployment": deployment, "places": list(places)}
    return dict(connection.execute(_ABSENT, given).all()) if places else {}


def _places(row: _Row) -> set[int]:
    return {row.environment_id, *row.upstreams} if row.action == TaskAction.DEPLOY.value else {row.environment_id}


def _before(row: _Row, there: dict[int, list[_Row]]) -> set[int]:
    """The deployments that came before, and may change the environment of this task."""
    same = there.get(row.environment_id, ())
    return {one.deployment_id for one in same if one.deployment_id < row.deployment_id}


def _above(row: _Row, there: dict[int, list[_Row]]) -> set[int]:
    """The deployments that are at work on what this deploy needs, or came before and are to destroy it."""
    if row.action != TaskAction.DEPLOY.value:
        return set()
    others = [one for place in row.upstreams for one in there.get(place, ()) if one.deployment_id != row.deployment_id]
    return {one.deployment_id for one in others if one.state in _ACTIVE or _will_destroy(one, row)}


def _will_destroy(one: _Row, row: _Row) -> bool:
    """Whether it destroys for sure: what waits for an approval may never do so."""
    asks = one.state == TaskState.NEEDS_APPROVAL.value
    return bool(one.action == TaskAction.DESTROY.value and not asks and one.deployment_id < row.deployment_id)


def _below(row: _Row, users: Sequence[_Row]) -> set[int]:
    """The deployments that are just deploying what needs the environment of this destroy."""
    if row.action != TaskAction.DESTROY.value:
        return set()
    return {
        one.deployment_id
        for one in users
        if row.environment_id in one.upstreams and one.deployment_id != row.deployment_id
    }
