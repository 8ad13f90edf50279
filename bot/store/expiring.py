"""What is old, and needed by nothing any more: each function deletes a little of it, so that transactions stay short.

Needed is: what is unfinished; what environments were last deployed by, or are worked on by; what holds a lock; what an
open pull request shows; the newest story of each branch. The newest row of each table stays as well, since SQLite
would give its number to another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, delete, exists, func, or_, select, union, update

from bot.decide.facts import TaskAction
from bot.decide.transitions import TaskState
from bot.store.conversation import CommandState
from bot.store.hosted_tables import (
    attempt_logs,
    commands,
    dispatches,
    locks,
    publications,
    pull_plans,
    pulls,
    remote_attempts,
    shows,
    stories,
)
from bot.store.tables import attempts, deployments, environments, events, plans, task_needs, tasks

Some = TypeVar("Some")

_TOGETHER = 500
"""Values in one statement."""
_OPEN_COMMANDS = [one.value for one in (CommandState.NEW, CommandState.WAITS, CommandState.ASKED, CommandState.GOING)]
_DEPLOYS = [TaskAction.DEPLOY.value, TaskAction.ADOPT.value]
_IN_USE = or_(pulls.c.state == "open", pulls.c.id.in_(select(locks.c.pull_id)))
"""Pull requests that somebody may still write on, or that hold something."""


def forget_texts(connection: Connection, before: float, most: int) -> int:
    """Drop the plans' texts, and what runners reported, of deployments that ended before that moment; how many."""
    bulky = exists().where(tasks.c.deployment_id == deployments.c.id, tasks.c.plan_id == plans.c.id, plans.c.text != "")
    found = _ended(connection, before, most, bulky)
    of_them = select(tasks.c.id).where(tasks.c.deployment_id.in_(found))
    old = select(tasks.c.plan_id).where(tasks.c.deployment_id.in_(found), tasks.c.plan_id.is_not(None))
    connection.execute(update(plans).where(plans.c.id.in_(old)).values(text="", leaves={}, unseen=[]))
    made = select(attempts.c.id).where(attempts.c.task_id.in_(of_them))
    connection.execute(update(remote_attempts).where(remote_attempts.c.attempt_id.in_(made)).values(report=None))
    return len(found)


def forget_deployments(connection: Connection, before: float, most: int) -> int:
    """Delete deployments that ended before that moment, with all that belongs to them; how many."""
    found = _ended(connection, before, most)
    rows = connection.execute(select(tasks).where(tasks.c.deployment_id.in_(found))).all()
    ids = [row.id for row in rows]
    made = connection.execute(select(attempts.c.id).where(attempts.c.task_id.in_(ids))).scalars().all()
    for part in _parts(made):
        connection.execute(delete(attempt_logs).where(attempt_logs.c.attempt_id.in_(part)))
        connection.execute(delete(remote_attempts).where(remote_attempts.c.attempt_id.in_(part)))
        connection.execute(delete(attempts).where(attempts.c.id.in_(part)))
    for part in _parts(ids):
        either = task_needs.c.task_id.in_(part) | task_needs.c.upstream_id.in_(part)
        connection.execute(delete(task_needs).where(either))
        connection.execute(delete(tasks).where(tasks.c.id.in_(part)))
    their = chain.from_iterable((row.plan_id, row.shown_plan_id, row.approved_plan_id) for row in rows)
    _forget_plans(connection, sorted({one for one in their if one is not None}))
    for table in (events, shows, dispatches):
        connection.execute(delete(table).where(table.c.deployment_id.in_(found)))
    connection.execute(delete(deployments).where(deployments.c.id.in_(found)))
    return len(found)


def forget_talk(connection: Connection, before: float, most: int) -> int:
    """Delete what was said, before that moment, on pull requests that are closed and hold nothing; how many rows."""
    gone = 0
    closed = select(pulls.c.id).where(~_IN_USE)
    there = and_(pulls.c.repository_id == commands.c.repository_id, pulls.c.number == commands.c.number)
    ended = commands.c.state.not_in(_OPEN_COMMANDS) & ~exists().where(there, _IN_USE)
    gone += _forget(connection, commands, ended & (commands.c.created_at < before), most)
    gone += _forget(connection, pull_plans, pull_plans.c.pull_id.in_(closed) & (pull_plans.c.created_at < before), most)
    newest = select(func.max(stories.c.id)).group_by(stories.c.repository_id, stories.c.branch)
    gone += _forget(connection, stories, stories.c.id.not_in(newest) & (stories.c.created_at < before), most)
    shown = exists().where(shows.c.publication_id == publications.c.id)
    there = and_(pulls.c.repository_id == publications.c.repository_id, pulls.c.number == publications.c.number)
    posted = (publications.c.posted_at < before) & ~shown & ~exists().where(there, _IN_USE)
    gone += _forget(connection, publications, posted, most)
    gone += _forget(connection, events, events.c.deployment_id.is_(None) & (events.c.at < before), most)
    return gone


def forget_pulls(connection: Connection, most: int) -> int:
    """Delete pull requests that are closed, and of which nothing else is left; how many."""
    told = exists().where(commands.c.repository_id == pulls.c.repository_id, commands.c.number == pulls.c.number)
    posted = exists().where(
        publications.c.repository_id == pulls.c.repository_id, publications.c.number == pulls.c.number
    )
    planned = exists().where(pull_plans.c.pull_id == pulls.c.id)
    made = exists().where(deployments.c.pull_id == pulls.c.id)
    return _forget(connection, pulls, ~_IN_USE & ~told & ~posted & ~planned & ~made, most)


def is_expired(connection: Connection, number: int) -> bool:
    """Whether a deployment of that number, which is not there, was there once."""
    newest: int | None = connection.execute(select(func.max(deployments.c.id))).scalar()
    return newest is not None and 0 < number < newest


def _ended(connection: Connection, before: float, most: int, also: ColumnElement[bool] | None = None) -> Sequence[int]:
    """The oldest deployments that ended before that moment and that nothing needs."""
    query = select(deployments.c.id).where(deployments.c.finished_at < before, deployments.c.id.not_in(_needed()))
    if also is not None:
        query = query.where(also)
    told = _told(connection)
    found = connection.execute(query.order_by(deployments.c.id)).scalars()
    chosen: list[int] = []
    for number in found:
        if number not in told:
            chosen.append(number)
        if len(chosen) >= most:
            break
    return chosen


def _needed() -> Select[tuple[int]]:
    """The deployments that rows need: those with the tasks of environments, with locks, of pull requests in use."""
    own = or_(tasks.c.id == environments.c.last_task_id, tasks.c.id == environments.c.success_id)
    last = select(tasks.c.deployment_id).join(environments, own).where(environments.c.detached.is_(False))
    succeeded = (tasks.c.state == TaskState.SUCCEEDED.value) & tasks.c.action.in_(_DEPLOYS)
    best = select(func.max(tasks.c.id)).where(succeeded).group_by(tasks.c.environment_id)
    good = select(tasks.c.deployment_id).where(tasks.c.id.in_(best))
    newest = select(tasks.c.deployment_id).where(tasks.c.id == select(func.max(tasks.c.id)).scalar_subquery())
    used = select(deployments.c.id).join(pulls, deployments.c.pull_id == pulls.c.id).where(_IN_USE)
    found = union(
        last, good, newest, used, select(locks.c.deployment_id), select(func.max(deployments.c.id))
    ).subquery()
    return select(found.c[0])


def _told(connection: Connection) -> frozenset[int]:
    """The deployments that the newest story of each branch tells, and those of commands that are not done yet."""
    newest = select(func.max(stories.c.id)).group_by(stories.c.repository_id, stories.c.branch)
    lists = connection.execute(select(stories.c.deployments).where(stories.c.id.in_(newest))).scalars().all()
    asked = select(commands.c.deployments, commands.c.answer).where(commands.c.state.in_(_OPEN_COMMANDS))
    for numbers, answer in connection.execute(asked):
        lists = [*lists, numbers, answer.get("moved", ())]
    return frozenset(chain.from_iterable(lists))


def _forget_plans(connection: Connection, ids: Sequence[int]) -> None:
    """Delete those of the plans that no task has any more."""
    for part in _parts(ids):
        theirs = (tasks.c.plan_id, tasks.c.shown_plan_id, tasks.c.approved_plan_id)
        unused = (~exists().where(one == plans.c.id) for one in theirs)  # each is found by the index of its own column
        _forget(connection, plans, and_(plans.c.id.in_(part), *unused), len(part))


def _forget(connection: Connection, table: Table, which: ColumnElement[bool], most: int) -> int:
    """Delete some of these rows, oldest first, but never the newest of the table."""
    newest = select(func.max(table.c.id)).scalar_subquery()
    query = select(table.c.id).where(which, table.c.id < newest).order_by(table.c.id).limit(most)
    ids = connection.execute(query).scalars().all()
    for part in _parts(ids):
        if table is pull_plans:
            connection.execute(update(pulls).where(pulls.c.plan_id.in_(part)).values(plan_id=None))
        connection.execute(delete(table).where(table.c.id.in_(part)))
    return len(ids)


def _parts(ids: Sequence[Some]) -> Iterable[Sequence[Some]]:
    return (ids[at : at + _TOGETHER] for at in range(0, len(ids), _TOGETHER))
