"""Rows of attempts: made before anything starts, closed when it is known how they ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from bot.decide.facts import Result
from bot.store.reports import COUNTS, Report, storable
from bot.store.tables import attempts, environments, plans, tasks
from bot.vault import Vault
from planner.definition import Json

# Statements of each attempt, so made once: making them costs more than running them.

_ADD = insert(attempts).values(
    touches=select(environments.c.touches).where(environments.c.id == bindparam("of_environment")).scalar_subquery()
)
_IF_ACTIVE = update(attempts).where(attempts.c.id == bindparam("attempt"), attempts.c.active.is_(True))
_REPORTED = _IF_ACTIVE.returning(attempts.c.task_id, attempts.c.environment_id, attempts.c.touches)
_OF_TASK = update(tasks).where(tasks.c.id == bindparam("task"))
_ADD_PLAN = insert(plans).values(
    commit=select(tasks.c.commit).where(tasks.c.id == bindparam("of_task")).scalar_subquery()
)
_ACTIVE = (
    select(attempts.c.id, attempts.c.task_id, attempts.c.claimed, attempts.c.seal_key, attempts.c.sensitive)
    .join(tasks, attempts.c.task_id == tasks.c.id)
    .where(attempts.c.active.is_(True), tasks.c.deployment_id == bindparam("deployment"))
)


@dataclass(frozen=True, slots=True)
class Active:
    """An attempt that may be at work."""

    id: str
    task: int
    claimed: bool
    sealed_key: bytes
    sealed_values: bytes
    vault: Vault

    @property
    def seal_key(self) -> bytes:
        """What its report is sealed with."""
        return bytes.fromhex(str(self.vault.open(self.sealed_key)))

    @property
    def sensitive(self) -> tuple[Json, ...]:
        """What its log must not show."""
        values = self.vault.open(self.sealed_values)
        return tuple(values) if isinstance(values, list) else ()


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """An attempt that is about to be handed to an executor."""

    id: str
    task: int
    environment: int
    number: int
    mutates: bool
    seal_key: bytes
    sensitive: Sequence[Json] = ()  # what its log must not show


@dataclass(frozen=True, slots=True)
class Took:
    """How long an attempt took, in seconds; `job`: plan or deploy."""

    tool: str
    job: str
    result: str
    seconds: float


def add(connection: Connection, vault: Vault, new: Sequence[NewAttempt], now: float) -> None:
    """Write attempts down, before they are handed to an executor."""
    rows = [
        {
            "id": one.id,
            "task_id": one.task,
            "environment_id": one.environment,
            "of_environment": one.environment,
            "number": one.number,
            "mutates": one.mutates,
            "seal_key": vault.seal(one.seal_key.hex()),
            "sensitive": vault.seal(list(one.sensitive)),
            "created_at": now,
        }
        for one in new
    ]
    if rows:
        connection.execute(_ADD, rows)
        connection.execute(_OF_TASK, [{"task": one.task, "attempts": one.number} for one in new])


def active(connection: Connection, vault: Vault, deployment: int) -> tuple[Active, ...]:
    """The attempts of a deployment that may be at work."""
    return tuple(Active(*row, vault) for row in connection.execute(_ACTIVE, {"deployment": deployment}))


def claimed(connection: Connection, attempt: str) -> None:
    """A runner has the attempt."""
    _close(connection, attempt, {"claimed": True})


def revoked(connection: Connection, attempt: str, error: str, now: float, *, refused: bool = False) -> bool:
    """Nobody can claim the attempt any more; it never touched anything. False if its end was written already.

    `refused`: and no other one is tried.
    """
    values = {"revoked": True, "refused": refused, "active": False, "ended": True, "ended_at": now, "error": error}
    return _close(connection, attempt, values)


def ended(connection: Connection, attempt: str, now: float) -> bool:
    """The attempt has ended, and left no report. False if its end was written already."""
    return _close(connection, attempt, {"active": False, "ended": True, "ended_at": now})


def _close(connection: Connection, attempt: str, values: Mapping[str, object]) -> bool:
    """Write what was seen of an attempt, unless another observer wrote its end first: it may have seen more."""
    return bool(connection.execute(_IF_ACTIVE, {"attempt": attempt, **values}).rowcount)


def reported(connection: Connection, attempt: str, report: Report, now: float) -> bool:
    """Keep what a runner said: how the attempt ended, and the plan that it made. False if that was done already."""
    values = {
        "claimed": True,
        "active": False,
        "ended": True,
        "ended_at": now,
        "result": report.result,
        "error": report.error,
        "duration": report.duration,
    }
    row = connection.execute(_REPORTED, {"attempt": attempt, **values}).first()
    if row is None:
        return False
    told: dict[str, object] = {}
    if report.plan is not None:
        empty = report.result is Result.NO_CHANGES
        told["plan_id"] = add_plan(connection, row, report.plan, now, empty=empty)
    if report.result is Result.NEEDS_APPROVAL:  # an approval that did not cover this plan is used up
        told["approved_plan_id"] = None
    if report.applied:
        told["started"] = True
    if told:
        connection.execute(_OF_TASK, {"task": row.task_id, **told})
    return True


def took(connection: Connection, ids: Sequence[str]) -> tuple[Took, ...]:
    """How long these attempts took, as their runners told."""
    query = (
        select(environments.c.tool, attempts.c.mutates, attempts.c.result, attempts.c.duration)
        .join(environments, attempts.c.environment_id == environments.c.id)
        .where(attempts.c.id.in_(ids))
    )
    return tuple(
        Took(row.tool, "deploy" if row.mutates else "plan", row.result, row.duration)
        for row in connection.execute(query)
    )


def needed(connection: Connection, ids: Sequence[str], before: float) -> frozenset[str]:
    """Those of these attempts that may be at work, or ended at that moment or later."""
    lately = attempts.c.active.is_(True) | attempts.c.ended_at.is_(None) | (attempts.c.ended_at >= before)
    return frozenset(connection.execute(select(attempts.c.id).where(attempts.c.id.in_(ids), lately)).scalars())


def add_plan(connection: Connection, attempt: Row[Any], plan: Mapping[str, Any], now: float, *, empty: bool) -> int:
    """Keep the plan that an attempt made; its number."""
    values = {
        "of_task": attempt.task_id,
        "environment_id": attempt.environment_id,
        "digest": plan["digest"],
        "summary": {**{name: plan[name] for name in COUNTS}, "changes": plan["changes"], "empty": empty},
        "leaves": plan["leaves"],
        "unseen": plan["unseen"],
        "text": storable(plan["text"]),
        "touches": attempt.touches,
        "created_at": now,
    }
    key = connection.execute(_ADD_PLAN, values).inserted_primary_key
    assert key is not None  # noqa: S101
    number: int = key[0]
    return number
