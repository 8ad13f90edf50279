"""Which plans still stand: nothing has happened since that they were made from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, func, select

from bot.decide.facts import Change, TaskAction
from bot.decide.transitions import TaskState
from bot.store.tables import deployments, environments, plans, tasks

_PLAN = func.coalesce(tasks.c.shown_plan_id, tasks.c.plan_id)
_SHOWN = (
    select(
        tasks.c.id,
        tasks.c.upstreams,
        tasks.c.environment_id,
        _PLAN.label("plan"),
        plans.c.summary,
        plans.c.touches,
        environments.c.touches.label("now"),
    )
    .join(plans, plans.c.id == _PLAN)
    .join(environments, tasks.c.environment_id == environments.c.id)
    .where(tasks.c.id.in_(bindparam("ids", expanding=True)))
)
"""Asked in each look at a deployment, so made once."""


def changed_since(connection: Connection, ids: Sequence[int]) -> dict[int, Change]:
    """Of tasks that have a plan: those whose environment was deployed with changes, or destroyed, since then.

    What the same commit made of it is no news: that is what the plan said.
    """
    planned, latest = tasks.alias(), tasks.alias()
    gone = and_(latest.c.action == TaskAction.DESTROY.value, latest.c.state == TaskState.SUCCEEDED.value)
    query = (
        select(planned.c.id, planned.c.started_at, tasks.c.action, tasks.c.commit, tasks.c.finished_at)
        .add_columns(plans.c.commit.label("as_planned"), environments.c.commit.label("now"), deployments.c.origin)
        .join(plans, plans.c.id == planned.c.plan_id)
        .join(environments, environments.c.id == planned.c.environment_id)
        .outerjoin(latest, latest.c.id == environments.c.last_task_id)
        .join(tasks, tasks.c.id == case((gone, latest.c.id), else_=environments.c.success_id))
        .join(deployments, deployments.c.id == tasks.c.deployment_id)
        .where(planned.c.id.in_(ids), plans.c.touches != environments.c.touches)
    )
    return {
        row.id: Change(TaskAction(row.action), row.commit, row.origin)
        for row in connection.execute(query)
        if (row.action == TaskAction.DESTROY.value or row.as_planned not in (row.commit, row.now))
        and (row.finished_at or 0.0) > (row.started_at or 0.0)
    }


def standing_empty(connection: Connection, ids: Sequence[int]) -> frozenset[int]:
    """The tasks whose plan, shown or made, has no changes, where nothing worked on the environment since.

    Nor may anything that it needs have changed since: the plan was made with what that gave out before.
    """
    if not ids:
        return frozenset()
    empty = [
        row for row in connection.execute(_SHOWN, {"ids": ids}) if row.summary.get("empty") and row.touches == row.now
    ]
    if not empty:
        return frozenset()
    asked = _asked_at(connection, empty)
    changed = changed_at(connection, {one for row in empty for one in row.upstreams})
    never = float("-inf")
    return frozenset(
        row.id for row in empty if all(changed.get(one, never) <= asked.get(row.plan, never) for one in row.upstreams)
    )


def _asked_at(connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[int, float]:
    """When each plan was asked for: what it was made from is not older."""
    query = (
        select(tasks.c.plan_id, func.min(tasks.c.created_at))
        .where(
            tasks.c.environment_id.in_([row.environment_id for row in rows]),
            tasks.c.plan_id.in_([row.plan for row in rows]),
        )
        .group_by(tasks.c.plan_id)
    )
    return dict(connection.execute(query).all())


def changed_at(connection: Connection, ids: Collection[int]) -> dict[int, float]:
    """When environments were last deployed with changes; those that are half done are changing still."""
    success = tasks.alias()
    query = (
        select(environments.c.id, environments.c.unfinished, success.c.finished_at)
        .outerjoin(success, environments.c.success_id == success.c.id)
        .where(environments.c.id.in_(ids))
    )
    found = connection.execute(query) if ids else ()
    return {row.id: float("inf") if row.unfinished else row.finished_at or 0.0 for row in found}
