"""Rows of attempts at a CI, for those who look after them: what their jobs left, and what these are told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, or_, select, update

from bot.decide.facts import Stop
from bot.store.hosted_tables import attempt_logs, dispatches, remote_attempts
from bot.store.tables import attempts
from bot.vault import Vault

_THIS = remote_attempts.c.attempt_id == bindparam("attempt")
_REPORT = select(remote_attempts.c.report).where(_THIS)
_SETTLE = update(remote_attempts).where(_THIS).values(spec=None)


@dataclass(frozen=True, slots=True)
class RemoteRow:
    """An attempt as its job left it."""

    attempt: str
    claimed: bool
    revoked: bool
    beats: int
    reported: bool
    job_ended: bool
    held: bool
    refused: bool
    stop: str | None
    why: str
    run_id: int | None
    job_id: int | None
    job_url: str


_ROWS = select(
    *(one for one in remote_attempts.c if one.name not in ("spec", "report")),
    remote_attempts.c.report.is_not(None).label("reported"),
).where(remote_attempts.c.attempt_id.in_(bindparam("ids", expanding=True)))


def rows(connection: Connection, ids: Iterable[str]) -> dict[str, RemoteRow]:
    """The attempts of these ids."""
    chosen = list(ids)
    found: dict[str, RemoteRow] = {}
    for start in range(0, len(chosen), 500):
        for row in connection.execute(_ROWS, {"ids": chosen[start : start + 500]}):
            found[row.attempt_id] = RemoteRow(
                row.attempt_id, row.claimed, row.revoked, row.beats, row.reported, row.job_ended, row.held,
                row.refused, row.stop, row.why, row.run_id, row.job_id, row.job_url,
            )  # fmt: skip
    return found


def read_report(connection: Connection, vault: Vault, attempt: str) -> dict[str, Any] | None:
    """What the runner reported. Raises ValueError where that is no JSON."""
    sealed = connection.execute(_REPORT, {"attempt": attempt}).scalar()
    if sealed is None:
        return None
    found = json.loads(str(vault.open(sealed)))
    if not isinstance(found, dict):
        raise ValueError("a report that is no object")
    return found


def revoke(connection: Connection, attempt: str, why: str, *, refused: bool = False) -> bool:
    """Let no job claim the attempt any more; False if one was faster. `refused`: no other one shall be tried."""
    unclaimed = (remote_attempts.c.attempt_id == attempt) & remote_attempts.c.claimed.is_(False)
    values = {"revoked": True, "why": why, "refused": refused}
    return bool(connection.execute(update(remote_attempts).where(unclaimed).values(values)).rowcount)


def ask_stop(connection: Connection, attempt: str, how: Stop) -> None:
    """Have the runner told to stop with its next beat; a kill is never softened."""
    weaker = or_(remote_attempts.c.stop.is_(None), remote_attempts.c.stop != Stop.KILL.value)
    of_it = remote_attempts.c.attempt_id == attempt
    connection.execute(update(remote_attempts).where(of_it, weaker).values(stop=how.value))


def settle(connection: Connection, attempt: str) -> None:
    """The attempt is over: what it was told, and its sealed report, are needed no more."""
    connection.execute(_SETTLE, {"attempt": attempt})


def log(connection: Connection, attempt: str) -> bytes:
    """The log as far as it came."""
    of_it = attempt_logs.c.attempt_id == attempt
    pieces = connection.execute(select(attempt_logs.c.data).where(of_it).order_by(attempt_logs.c.place)).scalars()
    return b"".join(pieces)


def held(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those of these attempts whose jobs wait for the rules of their GitHub environment."""
    return {one.attempt for one in rows(connection, ids).values() if one.held and not one.revoked}


def job_urls(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Where people see the jobs of these attempts: the job itself once it is known, else its run."""
    chosen = list(ids)
    found: dict[str, str] = {}
    for start in range(0, len(chosen), 500):
        query = (
            select(remote_attempts.c.attempt_id, remote_attempts.c.job_url, dispatches.c.run_url)
            .outerjoin(dispatches, remote_attempts.c.dispatch_id == dispatches.c.id)
            .where(remote_attempts.c.attempt_id.in_(chosen[start : start + 500]))
        )
        found |= {row.attempt_id: row.job_url or row.run_url or "" for row in connection.execute(query)}
    return found


def forget_logs_before(connection: Connection, moment: float, most: int) -> int:
    """Delete the logs of some attempts that ended before that moment; how many pieces there were."""
    old = (
        select(attempt_logs.c.attempt_id)
        .join(attempts, attempt_logs.c.attempt_id == attempts.c.id)
        .where(attempts.c.ended_at < moment)
        .distinct()
        .limit(most)
    )
    ids = connection.execute(old).scalars().all()
    return connection.execute(delete(attempt_logs).where(attempt_logs.c.attempt_id.in_(ids))).rowcount
