"""Rows of dispatches: batches of offered attempts, each sent to the CI under a key of our own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from bot.store.hosted_tables import dispatches, remote_attempts
from bot.store.tables import attempts, deployments, tasks


@dataclass(frozen=True, slots=True)
class Offered:
    """An attempt that waits for a job."""

    attempt: str
    deployment: int
    job: str
    slug: str
    runs_on: tuple[str, ...]
    environment: str
    offered_at: float


@dataclass(frozen=True, slots=True)
class DispatchRow:
    """A batch; `unsure`: it was sent, and nobody heard whether it arrived."""

    id: int
    key: str
    repository: int
    deployment: int
    state: str
    sent_at: float | None
    run_id: int | None
    created_at: float
    correlation: str = ""  # where it is asked for, as is
    origin: str = ""  # what asked for its deployment: #12, push to main
    action: str = ""  # and for what: plan, deploy, destroy, adopt


# Asked for every job, so made once: making them costs more than running them.

_WAITING = (  # without what a job will be told, which may be long
    select(
        remote_attempts.c.attempt_id,
        remote_attempts.c.deployment_id,
        remote_attempts.c.job,
        remote_attempts.c.slug,
        remote_attempts.c.runs_on,
        remote_attempts.c.environment,
        remote_attempts.c.offered_at,
    )
    .where(remote_attempts.c.revoked.is_(False))
    .order_by(remote_attempts.c.offered_at, remote_attempts.c.attempt_id)
)
_OFFERED = _WAITING.join(attempts, remote_attempts.c.attempt_id == attempts.c.id).where(
    remote_attempts.c.repository_id == bindparam("repository"),
    remote_attempts.c.dispatch_id.is_(None),
    attempts.c.active.is_(True),
)
_OF_DISPATCH = _WAITING.where(
    remote_attempts.c.dispatch_id == bindparam("dispatch"), remote_attempts.c.claimed.is_(False)
)
_OF_RUN = select(dispatches).where(
    dispatches.c.repository_id == bindparam("repository"), dispatches.c.run_id == bindparam("run")
)
_BY_KEY = select(dispatches).where(dispatches.c.key == bindparam("sought"))
_ATTEMPTS_OF = (
    select(
        remote_attempts.c.attempt_id,
        remote_attempts.c.slug,
        remote_attempts.c.job,
        remote_attempts.c.claimed,
        remote_attempts.c.revoked,
        remote_attempts.c.job_id,
        remote_attempts.c.job_ended,
        remote_attempts.c.held,
        remote_attempts.c.offered_at,
        remote_attempts.c.report.is_not(None).label("reported"),
        attempts.c.active,
        tasks.c.state,
    )
    .join(attempts, remote_attempts.c.attempt_id == attempts.c.id)
    .join(tasks, attempts.c.task_id == tasks.c.id)
    .where(remote_attempts.c.dispatch_id == bindparam("dispatch"))
)
_OF_ATTEMPT = update(remote_attempts).where(remote_attempts.c.attempt_id == bindparam("attempt"))


def offered(connection: Connection, repository: int) -> list[Offered]:
    """The attempts that wait for a job, oldest first."""
    return [_offered(row) for row in connection.execute(_OFFERED, {"repository": repository})]


def of_dispatch(connection: Connection, dispatch: int) -> list[Offered]:
    """The attempts of a batch that a job may still claim."""
    return [_offered(row) for row in connection.execute(_OF_DISPATCH, {"dispatch": dispatch})]


def _offered(row: Row[*tuple[Any, ...]]) -> Offered:
    return Offered(
        row.attempt_id,
        row.deployment_id,
        row.job,
        row.slug,
        tuple(row.runs_on),
        row.environment,
        row.offered_at,
    )


def batch(connection: Connection, repository: int, chosen: Sequence[Offered], now: float) -> DispatchRow:
    """Make one batch of these attempts."""
    values = {
        "key": secrets.token_hex(10),
        "repository_id": repository,
        "deployment_id": chosen[0].deployment,
        "state": "new",
        "created_at": now,
    }
    key = connection.execute(insert(dispatches).values(values)).inserted_primary_key
    assert key is not None  # noqa: S101
    for start in range(0, len(chosen), 500):
        ids = [one.attempt for one in chosen[start : start + 500]]
        connection.execute(
            update(remote_attempts).where(remote_attempts.c.attempt_id.in_(ids)).values(dispatch_id=key[0])
        )
    return _row(connection.execute(select(dispatches).where(dispatches.c.id == key[0])).one())


def _row(row: Row[Any]) -> DispatchRow:
    return DispatchRow(
        row.id, row.key, row.repository_id, row.deployment_id, row.state, row.sent_at, row.run_id, row.created_at
    )


def unsent(connection: Connection, repository: int) -> list[DispatchRow]:
    """The batches that are not known to have arrived."""
    query = (
        select(dispatches, deployments.c.correlation, deployments.c.origin, deployments.c.action)
        .join(deployments, dispatches.c.deployment_id == deployments.c.id)
        .where(dispatches.c.repository_id == repository, dispatches.c.state.in_(("new", "unsure")))
        .order_by(dispatches.c.id)
    )
    rows = connection.execute(query)
    return [replace(_row(row), correlation=row.correlation, origin=row.origin, action=row.action) for row in rows]


def keys(connection: Connection, repository: int, since: float) -> frozenset[str]:
    """The keys of all batches whose runs are known, or that were made since that moment."""
    known = dispatches.c.run_id.is_not(None) | (dispatches.c.created_at > since)
    query = select(dispatches.c.key).where(dispatches.c.repository_id == repository, known)
    return frozenset(connection.execute(query).scalars())


def under_way(connection: Connection, repository: int) -> list[DispatchRow]:
    """The batches whose runs are not known to have ended."""
    query = select(dispatches).where(dispatches.c.repository_id == repository, dispatches.c.state == "sent")
    return [_row(row) for row in connection.execute(query.order_by(dispatches.c.id))]


def of_run(connection: Connection, repository: int, run: int) -> DispatchRow | None:
    """The batch that a run was made of."""
    row = connection.execute(_OF_RUN, {"repository": repository, "run": run}).first()
    return None if row is None else _row(row)


def by_key(connection: Connection, key: str) -> DispatchRow | None:
    """The batch of that key."""
    row = connection.execute(_BY_KEY, {"sought": key}).first()
    return None if row is None else _row(row)


def write(connection: Connection, dispatch: int, **values: object) -> None:
    """Write down what became of a batch."""
    connection.execute(update(dispatches).where(dispatches.c.id == dispatch).values(**values))


def write_unless_found(connection: Connection, dispatch: int, **values: object) -> bool:
    """Write down what became of a batch while nobody knows its run; False once that is known."""
    query = update(dispatches).where(dispatches.c.id == dispatch, dispatches.c.run_id.is_(None))
    return bool(connection.execute(query.values(**values)).rowcount)


def sent(connection: Connection, dispatch: int, run: int, url: str) -> bool:
    """Keep that this run came of a batch; False where another one did: then the jobs of this one find nothing to do."""
    known = dispatches.c.run_id
    query = update(dispatches).where(
        dispatches.c.id == dispatch, known.is_(None) | (known == run), dispatches.c.state.in_(("new", "unsure"))
    )
    return bool(connection.execute(query.values(state="sent", run_id=run, run_url=url)).rowcount)


def attempts_of(connection: Connection, dispatch: int) -> list[Row[Any]]:
    """All attempts of a batch, with whether they are still at work, and the states of their tasks."""
    return list(connection.execute(_ATTEMPTS_OF, {"dispatch": dispatch}).all())


def run_of(connection: Connection, attempt: str) -> int | None:
    """The run of GitHub's in which an attempt was sent out, if that is known."""
    of_it = remote_attempts.c.attempt_id == attempt
    query = select(dispatches.c.run_id).join(remote_attempts, remote_attempts.c.dispatch_id == dispatches.c.id)
    run: int | None = connection.execute(query.where(of_it)).scalar()
    return run


def job_of(
    connection: Connection,
    attempt: str,
    *,
    url: str | None = None,
    job: int | None = None,
    ended: bool = False,
    held: bool | None = None,
) -> None:
    """Write down which job has an attempt, where people see it, whether it has ended, whether rules hold it."""
    values: dict[str, object] = {} if held is None else {"held": held}
    if url:
        values["job_url"] = url
    if ended:
        values["job_ended"] = True
    if job is not None:
        values["job_id"] = job
    if values:
        connection.execute(_OF_ATTEMPT, {"attempt": attempt, **values})


def active_count(connection: Connection, repository: int) -> int:
    """How many attempts of a repository were handed to jobs and have not ended."""
    query = (
        select(func.count())
        .select_from(remote_attempts.join(attempts, remote_attempts.c.attempt_id == attempts.c.id))
        .where(
            remote_attempts.c.repository_id == repository,
            remote_attempts.c.dispatch_id.is_not(None),
            attempts.c.active.is_(True),
        )
    )
    return connection.execute(query).scalar_one()
