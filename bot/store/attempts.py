"""Rows of attempts: made before anything starts, closed when it is known how they ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from bot.decide.facts import Result
from bot.decide.inputs import Output
from bot.store.tables import attempts, environments, plans, tasks
from bot.vault import Vault
from planner.definition import Json


@dataclass(frozen=True, slots=True)
class Active:
    """An attempt that may be at work."""

    id: str
    task: int
    deployment: int
    claimed: bool
    seal_key: bytes


def add(
    connection: Connection,
    vault: Vault,
    attempt: str,
    *,
    task: int,
    environment: int,
    number: int,
    mutates: bool,
    seal_key: bytes,
    sensitive: Sequence[str],
    now: float,
) -> None:
    """Write an attempt down, before it is handed to an executor."""
    values = {
        "id": attempt,
        "task_id": task,
        "environment_id": environment,
        "number": number,
        "mutates": mutates,
        "seal_key": vault.seal(seal_key.hex()),
        "sensitive": vault.seal(list(sensitive)),
        "created_at": now,
    }
    connection.execute(insert(attempts).values(values))
    connection.execute(update(tasks).where(tasks.c.id == task).values(attempts=number))


def active(connection: Connection, vault: Vault, deployment: int) -> tuple[Active, ...]:
    """The attempts of a deployment that may be at work."""
    query = (
        select(attempts, tasks.c.deployment_id)
        .join(tasks, attempts.c.task_id == tasks.c.id)
        .where(attempts.c.active.is_(True), tasks.c.deployment_id == deployment)
    )
    return tuple(
        Active(
            row.id,
            row.task_id,
            row.deployment_id,
            row.claimed,
            bytes.fromhex(str(vault.open(row.seal_key))),
        )
        for row in connection.execute(query)
    )


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def claimed(connection: Connection, attempt: str) -> None:
    """A runner has the attempt."""
    connection.execute(update(attempts).where(attempts.c.id == attempt).values(claimed=True))


def revoked(connection: Connection, attempt: str, error: str, now: float) -> None:
    """Nobody can claim the attempt any more; it never touched anything."""
    values = {"revoked": True, "active": False, "ended": True, "ended_at": now, "error": error}
    connection.execute(update(attempts).where(attempts.c.id == attempt).values(values))


def ended(connection: Connection, attempt: str, now: float) -> None:
    """The attempt has ended, and left no report."""
    values = {"active": False, "ended": True, "ended_at": now}
    connection.execute(update(attempts).where(attempts.c.id == attempt).values(values))


@dataclass(frozen=True, slots=True)
class Report:
    """What a runner said of its attempt; texts are redacted already."""

    result: str
    error: str
    applied: bool
    duration: float
    plan: Mapping[str, Any] | None
    outputs: Mapping[str, Output] | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Report:
        """The report in these JSON values."""
        outputs = found.get("outputs")
        return cls(
            result=str(found["result"]),
            error=str(found.get("error") or ""),
            applied=bool(found.get("applied")),
            duration=float(found.get("duration") or 0.0),
            plan=found.get("plan"),
            outputs=None
            if outputs is None
            else {str(name): Output(one.get("value"), bool(one.get("sensitive"))) for name, one in outputs.items()},
        )


def reported(connection: Connection, attempt: str, report: Report, now: float) -> None:
    """Keep what a runner said: how the attempt ended, and the plan that it made."""
    row = connection.execute(
        select(attempts.c.task_id, attempts.c.environment_id).where(attempts.c.id == attempt)
    ).one()
    values = {
        "claimed": True,
        "active": False,
        "ended": True,
        "ended_at": now,
        "result": report.result,
        "error": report.error,
        "duration": report.duration,
    }
    connection.execute(update(attempts).where(attempts.c.id == attempt).values(values))
    if report.plan is not None:
        empty = report.result == Result.NO_CHANGES
        plan = add_plan(connection, row.task_id, row.environment_id, report.plan, now, empty=empty)
        connection.execute(update(tasks).where(tasks.c.id == row.task_id).values(plan_id=plan))
    if report.applied:
        connection.execute(update(tasks).where(tasks.c.id == row.task_id).values(started=True))


def add_plan(
    connection: Connection, task: int, environment: int, plan: Mapping[str, Any], now: float, *, empty: bool
) -> int:
    """Keep a plan; its number."""
    counts = {name: int(plan.get(name) or 0) for name in COUNTS}
    touches = select(environments.c.touches).where(environments.c.id == environment)
    commit = connection.execute(select(tasks.c.commit).where(tasks.c.id == task)).scalar_one()
    values = {
        "environment_id": environment,
        "commit": commit,
        "digest": str(plan["digest"]),
        "summary": {**counts, "changes": plan.get("changes") or [], "empty": empty},
        "leaves": plan["leaves"],
        "unseen": plan.get("unseen") or [],
        "text": str(plan.get("text") or ""),
        "touches": connection.execute(touches).scalar_one(),
        "created_at": now,
    }
    key = connection.execute(insert(plans).values(values)).inserted_primary_key
    assert key is not None  # noqa: S101
    number: int = key[0]
    return number


COUNTS = ("add", "change", "destroy", "replace", "move", "import", "outputs_changed")


def task_of(connection: Connection, attempt: str) -> int:
    """The task of an attempt."""
    task: int = connection.execute(select(attempts.c.task_id).where(attempts.c.id == attempt)).scalar_one()
    return task


def sensitive_values(connection: Connection, vault: Vault, attempt: str) -> tuple[str, ...]:
    """What the logs of an attempt must not show."""
    sealed = connection.execute(select(attempts.c.sensitive).where(attempts.c.id == attempt)).scalar_one()
    return _texts(vault.open(sealed))
