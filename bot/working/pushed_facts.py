"""What is known of the environments that a push affects, and what was made of them at the same commit before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from bot.decide.facts import TaskAction
from bot.decide.pushed import Before, PushFacts
from bot.decide.transitions import BROKEN, FINISHED, Code, TaskState
from bot.preparing.situation import Prepared
from bot.store.environments import EnvironmentRow
from bot.store.tables import tasks
from bot.submit import Planned
from bot.working.shown_before import was_shown
from planner.changes import ReasonCode

_TASKS = select(tasks.c.environment_id, tasks.c.state, tasks.c.code, tasks.c.detail, tasks.c.started).order_by(
    tasks.c.id
)
_CALLED_OFF = (TaskState.CANCELLED.value, TaskState.BLOCKED.value)


def facts_of(prepared: Prepared, shown: Mapping[int, Planned], ahead: Collection[str]) -> dict[str, PushFacts]:
    """The facts of each environment that the push affects, by its alias."""
    return {
        alias: PushFacts(
            own=bool(prepared.causes(alias) - {ReasonCode.UPSTREAM_AFFECTED}),
            known=row is not None and _known(row),
            shown=row is not None and was_shown(shown.get(row.id)),
            ahead=alias in ahead,
        )
        for alias in prepared.order
        for row in [prepared.rows.get(alias)]
    }


def _known(row: EnvironmentRow) -> bool:
    """Whether Headwater deployed it, or began to; what people destroyed is nobody's again."""
    destroyed = row.facts.action is TaskAction.DESTROY and row.facts.state is TaskState.SUCCEEDED
    return row.used and not destroyed


def before(connection: Connection, numbers: Sequence[int], held: Collection[int]) -> dict[int, Before]:
    """By environment id, what these deployments came to; `held`: what other pull requests hold now."""
    return {
        row.environment_id: _came_to(_in_its_place(connection, row), held=row.environment_id in held)
        for row in connection.execute(_TASKS.where(tasks.c.deployment_id.in_(numbers)))
    }


def _in_its_place(connection: Connection, row: Row[*tuple[Any, ...]]) -> Row[*tuple[Any, ...]]:
    """What took the place of a task, and of that in turn, unless it was called off before it began: then, itself."""
    newer = row
    while newer.code == Code.SUPERSEDED.value:
        number = int(newer.detail.removeprefix("#"))
        of_it = (tasks.c.deployment_id == number) & (tasks.c.environment_id == row.environment_id)
        found = connection.execute(_TASKS.where(of_it)).first()
        if found is None:
            return row
        newer = found
    return newer if newer is row or newer.started or newer.state not in _CALLED_OFF else row


def _came_to(task: Row[*tuple[Any, ...]], *, held: bool) -> Before:
    state, code = TaskState(task.state), Code(task.code)
    locked = Before.HELD if held else Before.FREE
    if state is TaskState.BLOCKED:
        return locked if code is Code.LOCKED else Before.BEHIND
    if code is Code.SUPERSEDED:
        return locked
    if state not in FINISHED:
        return Before.AT_WORK
    return Before.STUCK if state in BROKEN else Before.DONE
