"""Rows of attempts at a CI: offered, claimed by a job, heard from, reported. All a runner says passes here."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from bot.store import dispatching
from bot.store.hosted_tables import attempt_logs, dispatches, github_repositories, remote_attempts
from bot.store.tables import attempts, deployments
from bot.vault import Vault
from planner.definition import Json

LOG_LIMIT = 10 * 1024 * 1024
"""Bytes of one attempt's log that are kept."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An attempt for a CI job: `job` is `plan` or `deploy`, `environment` the GitHub environment that it runs in."""

    attempt: str
    repository: int
    deployment: int
    job: str
    slug: str
    runs_on: tuple[str, ...]
    environment: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What a job proved of itself: its run, and where GitHub tells it, the very job."""

    run_id: int
    job_id: int | None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the identity of the job that may claim an attempt must be."""

    repository_id: int
    repository: str
    default_branch: str
    environment: str
    run_id: int | None
    job_id: int | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """The attempt is the caller's: `token` is shown to nobody else."""

    token: str
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not: `code` is taken, revoked or unknown."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Beat:
    """The answer to a sign of life: whether to stop, and how."""

    stop: str | None


@dataclass(frozen=True, slots=True)
class LogAnswer:
    """The size of the log now; `conflict`: the piece does not follow on it; `full`: it may not grow any more."""

    size: int
    full: bool = False
    conflict: bool = False


def hashed(token: str) -> str:
    """A token as it is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def offer(connection: Connection, vault: Vault, new: Offer, spec: dict[str, Json], now: float) -> None:
    """Write down that a job may take this attempt, with what it will be told."""
    values = {
        "attempt_id": new.attempt,
        "repository_id": new.repository,
        "deployment_id": new.deployment,
        "job": new.job,
        "slug": new.slug,
        "runs_on": list(new.runs_on),
        "environment": new.environment,
        "spec": vault.seal(spec),
        "offered_at": now,
    }
    connection.execute(insert(remote_attempts).values(values))


_EXPECTED = (
    select(
        remote_attempts.c.environment,
        func.coalesce(remote_attempts.c.run_id, dispatches.c.run_id).label("run_id"),
        remote_attempts.c.job_id,
        github_repositories,
    )
    .join(github_repositories, remote_attempts.c.repository_id == github_repositories.c.repository_id)
    .outerjoin(dispatches, remote_attempts.c.dispatch_id == dispatches.c.id)
    .where(remote_attempts.c.attempt_id == bindparam("attempt"))
)


def expectation(connection: Connection, attempt: str) -> Expectation | None:
    """What must be true of the job that claims this attempt; None if there is no such attempt.

    Its run is the one that has claimed it, else the one that GitHub said it had started for it, where that was heard.
    """
    row = connection.execute(_EXPECTED, {"attempt": attempt}).first()
    if row is None:
        return None
    return Expectation(row.github_id, row.full_name, row.default_branch, row.environment, row.run_id, row.job_id)


_TO_CLAIM = (
    select(remote_attempts, dispatches.c.key, dispatches.c.run_id.label("dispatched"), attempts.c.active)
    .join(attempts, remote_attempts.c.attempt_id == attempts.c.id)
    .outerjoin(dispatches, remote_attempts.c.dispatch_id == dispatches.c.id)
    .where(remote_attempts.c.attempt_id == bindparam("attempt"))
)


def claim(
    connection: Connection, vault: Vault, attempt: str, key: str, identity: Identity, nonce: str = ""
) -> Claimed | Refused:
    """Give an attempt to the first runner that asks with the key it was dispatched with; nobody else gets it.

    That very runner, told by its nonce, is answered again, with the same token: its first answer may have been lost, or
    come yet. Where the answer to the dispatch was lost, this tells which run came of it.
    """
    row = connection.execute(_TO_CLAIM, {"attempt": attempt}).first()
    if row is None or row.key is None or not secrets.compare_digest(row.key, key):
        return Refused("unknown", "there is no such attempt, or it was not dispatched with this key")
    if row.claimed and not _again(row, identity, nonce):
        return Refused("taken", "another job has this attempt: nothing is left to do here")
    if row.revoked or not row.active or row.spec is None:
        return Refused("revoked", row.why or "this attempt was given up before a job claimed it")
    run = row.dispatched
    if run is None and not dispatching.write_unless_found(connection, row.dispatch_id, run_id=identity.run_id):
        run = dispatching.run_of(connection, attempt)
    if run not in (None, identity.run_id):
        return Refused("taken", "another run was started for this attempt: nothing is left to do here")
    token = _token(vault, attempt, identity, nonce)
    free = (
        (remote_attempts.c.attempt_id == attempt)
        & remote_attempts.c.claimed.is_(row.claimed)
        & (remote_attempts.c.beats <= 1)
        & remote_attempts.c.revoked.is_(False)
    )
    values = {
        "claimed": True,
        "token_hash": hashed(token),
        "run_id": identity.run_id,
        "job_id": identity.job_id,
        "beats": 1,
        "nonce": nonce or None,
    }
    if not connection.execute(update(remote_attempts).where(free).values(values)).rowcount:
        return Refused("taken", "another job has this attempt: nothing is left to do here")
    spec = vault.open(row.spec)
    assert isinstance(spec, dict)  # noqa: S101 (as it was sealed)
    return Claimed(token, spec)


def _token(vault: Vault, attempt: str, identity: Identity, nonce: str) -> str:
    return vault.token(f"{attempt} {identity.run_id} {identity.job_id} {nonce}") if nonce else secrets.token_urlsafe(32)


def _again(row: Any, identity: Identity, nonce: str) -> bool:  # noqa: ANN401  (a row)
    """Whether the very runner that has it asks again, since the first answer never came: it has not begun then."""
    same = bool(nonce) and (row.nonce, row.run_id, row.job_id) == (nonce, identity.run_id, identity.job_id)
    return same and row.beats <= 1 and row.report is None


def beat(connection: Connection, attempt: str, token_hash: str, beats: int) -> Beat | None:
    """Take a sign of life; None if the token is not this attempt's, or the attempt is over.

    Whoever is heard is at work, whatever GitHub has said of its job before.
    """
    row = _of(connection, attempt, token_hash)
    if row is None or row.report is not None or not row.active:
        return None
    connection.execute(_FORWARD, {"attempt": attempt, "now": min(beats, 2**31 - 1)})
    return Beat(row.stop)


def append_log(connection: Connection, attempt: str, token_hash: str, offset: int, data: bytes) -> LogAnswer | None:
    """Take the next piece of a log; None if the token is not this attempt's."""
    row = _of(connection, attempt, token_hash)
    if row is None:
        return None
    if offset != row.log_size:
        return LogAnswer(row.log_size, conflict=True)
    if row.log_size + len(data) > LOG_LIMIT:
        return LogAnswer(row.log_size, full=True)
    if not data:
        return LogAnswer(row.log_size)
    here = (remote_attempts.c.attempt_id == attempt) & (remote_attempts.c.log_size == offset)
    size = offset + len(data)
    if not connection.execute(update(remote_attempts).where(here).values(log_size=size)).rowcount:
        return LogAnswer(_size(connection, attempt), conflict=True)
    connection.execute(insert(attempt_logs).values(attempt_id=attempt, place=offset, data=data))
    return LogAnswer(size)


def _size(connection: Connection, attempt: str) -> int:
    of_it = remote_attempts.c.attempt_id == attempt
    size: int = connection.execute(select(remote_attempts.c.log_size).where(of_it)).scalar_one()
    return size


def has(connection: Connection, attempt: str, token_hash: str) -> bool:
    """Whether the token is that of this attempt."""
    return _of(connection, attempt, token_hash) is not None


@dataclass(frozen=True, slots=True)
class Heard:
    """A report came. `first`: it was not told before."""

    first: bool
    correlation: str


def report(connection: Connection, vault: Vault, attempt: str, token_hash: str, body: bytes) -> Heard | None:
    """Keep what a runner says of its attempt; None if the token is not this attempt's."""
    row = _of(connection, attempt, token_hash)
    if row is None:
        return None
    first = (remote_attempts.c.attempt_id == attempt) & remote_attempts.c.report.is_(None)
    values = {"report": vault.seal(body.decode(errors="replace"))}
    kept = connection.execute(update(remote_attempts).where(first).values(values))
    return Heard(bool(kept.rowcount), row.correlation)


_OWN = (
    select(*(one for one in remote_attempts.c if one.name != "spec"), attempts.c.active, deployments.c.correlation)
    .join(attempts, remote_attempts.c.attempt_id == attempts.c.id)
    .join(deployments, remote_attempts.c.deployment_id == deployments.c.id)
    .where(remote_attempts.c.attempt_id == bindparam("attempt"))
)


_THIS = remote_attempts.c.attempt_id == bindparam("attempt")
_FORWARD = (
    update(remote_attempts)
    .where(_THIS, remote_attempts.c.beats < bindparam("now"))
    .values(beats=bindparam("now"), job_ended=False)
)


def _of(connection: Connection, attempt: str, token_hash: str) -> Any:  # noqa: ANN401  (a row)
    row = connection.execute(_OWN, {"attempt": attempt}).first()
    if row is None or row.token_hash is None or not secrets.compare_digest(row.token_hash, token_hash):
        return None
    return row
