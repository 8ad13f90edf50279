"""What the store holds, counted for those who watch it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from bot.decide.transitions import FINISHED, TaskState
from bot.store.hosted_tables import remote_attempts, work
from bot.store.tables import attempts, environments, tasks

WORK = frozenset({"delivery", "pull", "commands", "push", "publish", "dispatch", "runs", "sweep", "permit"})
"""The kinds of work that are told apart."""

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Measured:
    """What the store holds now: work by kind (how much, age of the oldest due in seconds), tasks, what is stuck."""

    work: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    unfinished: Mapping[str, int] = field(default_factory=dict)  # state -> tasks
    finished: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (tool, state) -> tasks
    stuck: int = 0


def measure(connection: Connection, now: float, patience: float) -> Measured:
    """Work, tasks, and what is stuck: lost, or without a job `patience` seconds after it was offered one."""
    return Measured(
        _work(connection, now),
        _unfinished(connection),
        _finished(connection),
        _stuck(connection, now - patience),
    )


def _work(connection: Connection, now: float) -> dict[str, tuple[int, float]]:
    query = select(work.c.kind, func.count(), func.min(work.c.due_at)).where(work.c.due_at <= now).group_by(work.c.kind)
    found: dict[str, tuple[int, float]] = {}
    for kind, many, due_at in connection.execute(query):
        name = kind if kind in WORK else OTHER
        before, oldest = found.get(name, (0, 0.0))
        found[name] = (before + many, max(oldest, now - due_at))
    return found


_FINISHED = [state.value for state in FINISHED]


def _unfinished(connection: Connection) -> dict[str, int]:
    query = select(tasks.c.state, func.count()).where(tasks.c.state.not_in(_FINISHED)).group_by(tasks.c.state)
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {state.value: found.get(state.value, 0) for state in TaskState if state not in FINISHED}


def _finished(connection: Connection) -> dict[tuple[str, str], int]:
    query = (
        select(environments.c.tool, tasks.c.state, func.count())
        .join(environments, tasks.c.environment_id == environments.c.id)
        .where(tasks.c.state.in_(_FINISHED))
        .group_by(environments.c.tool, tasks.c.state)
    )
    return {(tool, state): many for tool, state, many in connection.execute(query)}


def _stuck(connection: Connection, before: float) -> int:
    lost = select(func.count()).select_from(tasks).where(tasks.c.state == TaskState.LOST.value)
    unclaimed = (
        select(func.count())
        .select_from(remote_attempts.join(attempts, remote_attempts.c.attempt_id == attempts.c.id))
        .where(attempts.c.active, remote_attempts.c.claimed.is_(False), remote_attempts.c.offered_at < before)
    )
    return int(connection.execute(lost).scalar_one()) + int(connection.execute(unclaimed).scalar_one())
