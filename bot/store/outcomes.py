"""What the beginning and the end of a task mean for its environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, delete, select, update

from bot.decide.facts import Result, TaskAction
from bot.decide.reconcile import Move
from bot.decide.transitions import ACTIVE, Code, TaskState
from bot.store.deployments import Flags
from bot.store.reports import Report
from bot.store.tables import attempts, environments, outputs, tasks
from bot.store.values import WHOLE_WORKFLOW, keep, write_outputs
from bot.vault import Vault

# Statements of each task, so made once: making them costs more than running them.

_ENDED: Select[Any] = (
    select(
        tasks.c.id,
        tasks.c.action,
        tasks.c.commit,
        tasks.c.started,
        tasks.c.upstreams,
        tasks.c.environment_id,
        environments.c.deployed,
        environments.c.unfinished,
        environments.c.durations,
    )
    .join(environments, tasks.c.environment_id == environments.c.id)
    .where(tasks.c.id == bindparam("task"))
)
_OF_TASK = update(tasks).where(tasks.c.id == bindparam("task"))
_OF_ENVIRONMENT = update(environments).where(environments.c.id == bindparam("environment"))
_WORKED_ON = _OF_ENVIRONMENT.values(touches=environments.c.touches + 1)
_DESTROYED: dict[str, object] = {
    "deployed": False,
    "unfinished": False,
    "doubted": False,
    "commit": None,
    "deployed_at": None,
    "success_id": None,
    "seen": {},
}
_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_SUCCESSES = select(environments.c.id, environments.c.success_id).where(
    environments.c.id.in_(_IDS), environments.c.success_id.is_not(None)
)


def keep_given(connection: Connection, vault: Vault, told: Flags, now: float) -> None:
    """Keep the `-v` values of a deployment whose first work is about to be written down.

    Once, since what somebody keeps or forgets later must not be undone by its next task.
    """
    if told.given is None or told.action is TaskAction.ADOPT:  # nothing is applied there
        return
    of_it = attempts.join(tasks, attempts.c.task_id == tasks.c.id)
    begun = select(attempts.c.id).select_from(of_it).where(tasks.c.deployment_id == told.id).limit(1)
    if connection.execute(begun).first() is not None:
        return
    given = vault.open(told.given)
    if isinstance(given, dict):
        keep(connection, vault, told.workflow, told.keep_for or WHOLE_WORKFLOW, given, told.id, now)


def record_end(connection: Connection, vault: Vault, move: Move, report: Report | None, now: float) -> None:
    """Write what a finished task changed: last-deployed, outputs, what it saw upstream, how long it took."""
    if move.after is TaskState.RUNNING or (move.before not in ACTIVE and move.after is not TaskState.SUCCEEDED):
        return
    task = connection.execute(_ENDED, {"task": move.task}).one()
    action = TaskAction(task.action)
    values = _duration(task, report)
    worked = action.mutates and move.before in ACTIVE
    if worked:
        if move.code is Code.OUTCOME_UNKNOWN:
            connection.execute(_OF_TASK, {"task": task.id, "started": True})
        if _left_half_done(move, started=task.started):
            values["unfinished"] = True
    if action.mutates and move.after is TaskState.SUCCEEDED:
        # an attempt before this one may have changed it: what this one found done is news all the same
        changed = task.unfinished or (report is not None and report.result == Result.SUCCEEDED)
        connection.execute(_OF_TASK, {"task": task.id, "changed": changed})
        if action is TaskAction.DESTROY:
            values |= _DESTROYED
            connection.execute(delete(outputs).where(outputs.c.environment_id == task.environment_id))
        else:
            values |= _deployed(connection, task, now, changed=changed)
            if report is not None and report.outputs is not None:
                write_outputs(connection, vault, task.environment_id, report.outputs)
    if worked or values:
        statement = _WORKED_ON if worked else _OF_ENVIRONMENT
        connection.execute(statement, {"environment": task.environment_id, **values})


def _left_half_done(move: Move, *, started: bool) -> bool:
    """Whether an attempt ended so that its environment may be neither what it was nor what it should be."""
    failed = move.after in (TaskState.FAILED, TaskState.TIMED_OUT) and move.code is not Code.CANNOT_START
    return failed or (move.after is TaskState.CANCELLED and started)


def _deployed(connection: Connection, task: Row[Any], now: float, *, changed: bool) -> dict[str, object]:
    values: dict[str, object] = {
        "deployed": True,
        "commit": task.commit,
        "deployed_at": now,
        "seen": _seen(connection, task.upstreams),
        "last_task_id": task.id,
        "unfinished": False,
        "doubted": False,
    }
    return values | ({"success_id": task.id} if changed or not task.deployed else {})


def _seen(connection: Connection, upstreams: Sequence[int]) -> dict[str, int]:
    """The last success of each upstream, so that it can be told later which of them have deployed since."""
    if not upstreams:
        return {}
    return {str(row.id): row.success_id for row in connection.execute(_SUCCESSES, {"ids": list(upstreams)})}


def _duration(task: Row[Any], report: Report | None) -> dict[str, object]:
    if report is None or report.result not in (Result.SUCCEEDED, Result.NO_CHANGES):
        return {}
    return {"durations": {**task.durations, task.action: round(report.duration, 3)}}
