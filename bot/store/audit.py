"""The audit log: who did what to which environment at which commit, and what let them.

Each row is written in the transaction of the deed, and stays: the database itself refuses to change or delete one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Float,
    Insert,
    Integer,
    Row,
    String,
    Text,
    bindparam,
    case,
    func,
    insert,
    literal,
    null,
    select,
)

from bot import correlation
from bot.decide.deeds import By, Deed, Result
from bot.decide.transitions import TaskState
from bot.store.hosted_tables import github_repositories, locks, pulls
from bot.store.tables import audit, deployments, environments, repositories, tasks, workflows

_AT_ONCE = 1000
"""Rows that are read together."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `at` is in seconds since the epoch; `pull` is a number; `environment` and `workflow` are alias and file.

    `allowed`: by which rules; `codes`: why it came to that; `environment` is None where a command that named none was
    refused, and of what concerns the whole server, where `repository` is "" too.
    """

    id: int
    at: float
    actor: str
    deed: str
    result: str
    repository: str
    origin: str
    pull: int | None
    workflow: str | None
    environment: str | None
    commit: str | None
    deployment: int | None
    allowed: tuple[str, ...]
    codes: tuple[str, ...]
    detail: str
    correlation: str


# -- writing


def of_tasks(
    connection: Connection,
    which: ColumnElement[bool],
    result: Result,
    now: float,
    *,
    deed: Deed | None = None,
    by: By | None = None,
    detail: str = "",
) -> None:
    """Write a row for each of these tasks. Without a deed it is what the task does, without `by` who asked for it."""
    told = {
        "deed": tasks.c.action if deed is None else literal(deed.value, String),
        "result": literal(result.value, String),
        "codes": literal([], JSON),
        "detail": literal(detail, Text),
        **(_AS_ASKED if by is None else _who(by)),
    }
    connection.execute(_of_tasks(told, which), {"now": now})


def ended(connection: Connection, ids: Sequence[int], state: TaskState, code: str, detail: str, now: float) -> None:
    """Write that these tasks have come to their end, whoever asked for them."""
    given = {"ids": ids, "state": state.value, "codes": [code], "detail": detail, "now": now}
    connection.execute(_ENDED, given)


def released(connection: Connection, which: ColumnElement[bool], by: By, now: float) -> None:
    """Write that these locks are given back; to be called before they are deleted."""
    told = {
        "deed": literal(Deed.LOCK.value, String),
        "result": literal(Result.RELEASED.value, String),
        "codes": literal([], JSON),
        "detail": literal("", Text),
        **_who(by),
    }
    values = {**told, **_PLACE, "pull": pulls.c.number, "commit": environments.c.commit, "at": literal(now, Float)}
    values |= {"environment": environments.c.alias, "deployment": locks.c.deployment_id}
    query = (
        select(*(one.label(name) for name, one in values.items()))
        .select_from(locks)
        .join(environments, locks.c.environment_id == environments.c.id)
        .join(pulls, locks.c.pull_id == pulls.c.id)
        .join(workflows, environments.c.workflow_id == workflows.c.id)
        .join(repositories, workflows.c.repository_id == repositories.c.id)
        .outerjoin(github_repositories, github_repositories.c.repository_id == repositories.c.id)
        .where(which)
        .order_by(locks.c.environment_id)
    )
    connection.execute(insert(audit).from_select(list(values), query))


def of_environments(connection: Connection, details: Mapping[int, str], deed: Deed, by: By, now: float) -> None:
    """Write that something was done to these environments themselves, as they are called now, each with its detail."""
    place = {**_PLACE, "environment": environments.c.alias, "commit": environments.c.commit}
    query = (
        select(environments.c.id, *(one.label(name) for name, one in place.items()))
        .join(workflows, environments.c.workflow_id == workflows.c.id)
        .join(repositories, workflows.c.repository_id == repositories.c.id)
        .outerjoin(github_repositories, github_repositories.c.repository_id == repositories.c.id)
        .where(environments.c.id.in_(details))
        .order_by(environments.c.id)
    )
    told = {"deed": deed.value, "result": Result.DONE.value, **_by(by, now)}
    found = [(row.id, {name: getattr(row, name) for name in place}) for row in connection.execute(query)]
    if found:
        connection.execute(insert(audit), [{**told, **where, "detail": details[one]} for one, where in found])


def of_server(connection: Connection, deed: Deed, by: By, now: float, detail: str) -> None:
    """Write that something was done that concerns no environment alone."""
    told = {"deed": deed.value, "result": Result.DONE.value, "repository": "", "detail": detail}
    connection.execute(insert(audit).values(**told, **_by(by, now)))


def _by(by: By, now: float) -> dict[str, object]:
    who = {"actor": by.actor, "origin": by.origin, "pull": by.pull, "allowed": list(by.allowed)}
    return {**who, "at": now, "codes": [], "correlation": correlation.current()}


def refused(
    connection: Connection,
    by: By,
    deed: str,
    now: float,
    *,
    repository: str,
    names: Sequence[str],
    commit: str | None,
    codes: Sequence[str],
    detail: str,
) -> None:
    """Write that a command was refused: a row for each environment that it named, or one if it named none."""
    row = {
        **_by(by, now),
        "deed": deed,
        "result": Result.REFUSED.value,
        "repository": repository,
        "commit": commit,
        "codes": list(codes),
        "detail": detail,
    }
    connection.execute(insert(audit), [{**row, "environment": name} for name in names or (None,)])


def _who(by: By) -> dict[str, ColumnElement[Any]]:
    return {
        "actor": literal(by.actor, Text),
        "origin": literal(by.origin, Text),
        "allowed": literal(list(by.allowed), JSON),
        "pull": pulls.c.number if by.pull is None else literal(by.pull, Integer),
        "correlation": literal(correlation.current(), String),
    }


_AS_ASKED: dict[str, ColumnElement[Any]] = {
    "actor": deployments.c.actor,
    "origin": deployments.c.origin,
    "allowed": case((deployments.c.allowed.is_(null()), literal([], JSON)), else_=deployments.c.allowed),
    "pull": pulls.c.number,
    "correlation": deployments.c.correlation,
}
_PLACE: dict[str, ColumnElement[Any]] = {
    "repository": func.coalesce(github_repositories.c.full_name, repositories.c.key),
    "workflow": workflows.c.file,
}


def _of_tasks(told: dict[str, ColumnElement[Any]], which: ColumnElement[bool]) -> Insert:
    values = {**told, **_PLACE, "at": bindparam("now", type_=Float)}
    values |= {"environment": tasks.c.alias, "commit": tasks.c.commit, "deployment": deployments.c.id}
    query = (
        select(*(one.label(name) for name, one in values.items()))
        .select_from(tasks)
        .join(deployments, tasks.c.deployment_id == deployments.c.id)
        .join(workflows, deployments.c.workflow_id == workflows.c.id)
        .join(repositories, workflows.c.repository_id == repositories.c.id)
        .outerjoin(github_repositories, github_repositories.c.repository_id == repositories.c.id)
        .outerjoin(pulls, deployments.c.pull_id == pulls.c.id)
        .where(which)
        .order_by(tasks.c.id)
    )
    return insert(audit).from_select(list(values), query)


# Run at the end of each task, so made once: making it costs more than running it.
_ENDED = _of_tasks(
    {
        "deed": tasks.c.action,
        "result": bindparam("state", type_=String),
        "codes": bindparam("codes", type_=JSON),
        "detail": bindparam("detail", type_=Text),
        **_AS_ASKED,
    },
    tasks.c.id.in_(bindparam("ids", expanding=True)),
)


# -- reading


def entries(connection: Connection, *, since: float = 0.0, environment: str | None = None) -> Iterator[Entry]:
    """The log from a moment on, oldest first; of one environment by its alias, without regard to case.

    It is read piece by piece: a log of years fits into no memory.
    """
    query = select(audit).where(audit.c.at >= since).order_by(audit.c.id)
    wanted = environment.casefold() if environment is not None else None
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(query):
        if wanted is None or (row.environment is not None and row.environment.casefold() == wanted):
            yield _entry(row)


def refusals(connection: Connection, repository: str, since: float, most: int) -> list[Entry]:
    """The newest refusals in a repository from a moment on, newest first."""
    query = (
        select(audit)
        .where(audit.c.repository == repository, audit.c.result == Result.REFUSED.value, audit.c.at >= since)
        .order_by(audit.c.id.desc())
        .limit(most)
    )
    return [_entry(row) for row in connection.execute(query)]


def _entry(row: Row[Any]) -> Entry:
    return Entry(**{**row._asdict(), "allowed": tuple(row.allowed), "codes": tuple(row.codes)})
