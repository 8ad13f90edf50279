"""What the beginning and the end of a task mean for its environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from bot.decide.facts import Result, TaskAction
from bot.decide.reconcile import Move
from bot.decide.transitions import ACTIVE, Code, TaskState
from bot.store.attempts import Report
from bot.store.deployments import Flags, touch
from bot.store.tables import attempts, environments, outputs, tasks
from bot.store.values import WHOLE_WORKFLOW, keep, write_outputs
from bot.vault import Vault


def record_start(connection: Connection, vault: Vault, told: Flags, task: Row[Any], now: float) -> None:
    """Work that may change an environment begins: plans made before are old.

    With the deployment's first such work its `-v` values are kept: once, since what somebody keeps or forgets later
    must not be undone by its next task.
    """
    touch(connection, task.environment_id)
    if told.given is None or told.action is TaskAction.ADOPT:  # nothing is applied there
        return
    of_it = attempts.join(tasks, attempts.c.task_id == tasks.c.id)
    begun = select(func.count()).select_from(of_it).where(tasks.c.deployment_id == told.id)
    if connection.execute(begun).scalar_one() > 1:
        return
    given = vault.open(told.given)
    if isinstance(given, dict):
        keep(connection, vault, told.workflow, told.keep_for or WHOLE_WORKFLOW, given, told.id, now)


def record_end(connection: Connection, vault: Vault, move: Move, report: Report | None, now: float) -> None:
    """Write what a finished task changed: last-deployed, outputs, what it saw upstream, how long it took."""
    if move.before not in ACTIVE and move.after is not TaskState.SUCCEEDED:
        return
    task = connection.execute(select(tasks).where(tasks.c.id == move.task)).one()
    action = TaskAction(task.action)
    if report is not None:
        _keep_duration(connection, task, report)
    if not action.mutates:
        return
    if move.before in ACTIVE:
        touch(connection, task.environment_id)
        if move.code is Code.OUTCOME_UNKNOWN:
            connection.execute(update(tasks).where(tasks.c.id == task.id).values(started=True))
        if _left_half_done(move, started=task.started):
            of_it = environments.c.id == task.environment_id
            connection.execute(update(environments).where(of_it).values(unfinished=True))
    if move.after is not TaskState.SUCCEEDED:
        return
    changed = _was_half_done(connection, task.environment_id) or (
        report is not None and report.result == Result.SUCCEEDED
    )
    connection.execute(update(tasks).where(tasks.c.id == task.id).values(changed=changed))
    if action is TaskAction.DESTROY:
        _destroyed(connection, task.environment_id)
    else:
        _deployed(connection, vault, task, report, now, changed=changed)


def _was_half_done(connection: Connection, environment: int) -> bool:
    """Whether an attempt before this one may have changed it: what this one found done is news all the same."""
    unfinished = select(environments.c.unfinished).where(environments.c.id == environment)
    return bool(connection.execute(unfinished).scalar_one())


def _left_half_done(move: Move, *, started: bool) -> bool:
    """Whether an attempt ended so that its environment may be neither what it was nor what it should be."""
    failed = move.after in (TaskState.FAILED, TaskState.TIMED_OUT) and move.code is not Code.CANNOT_START
    return failed or (move.after is TaskState.CANCELLED and started)


def _deployed(
    connection: Connection, vault: Vault, task: Row[Any], report: Report | None, now: float, *, changed: bool
) -> None:
    row = connection.execute(select(environments).where(environments.c.id == task.environment_id)).one()
    first = not row.deployed
    values: dict[str, object] = {
        "deployed": True,
        "commit": task.commit,
        "deployed_at": now,
        "seen": _seen(connection, task.upstreams),
        "last_task_id": task.id,
        "unfinished": False,
        "doubted": False,
    }
    if changed or first:
        values["success_id"] = task.id
    connection.execute(update(environments).where(environments.c.id == row.id).values(values))
    if report is not None and report.outputs is not None:
        write_outputs(connection, vault, row.id, report.outputs)


def _seen(connection: Connection, upstreams: Sequence[int]) -> dict[str, int]:
    """The last success of each upstream, so that it can be told later which of them have deployed since."""
    query = select(environments.c.id, environments.c.success_id).where(
        environments.c.id.in_(upstreams), environments.c.success_id.is_not(None)
    )
    return {str(row.id): row.success_id for row in connection.execute(query)}


def _destroyed(connection: Connection, environment: int) -> None:
    values: dict[str, object] = {
        "deployed": False,
        "unfinished": False,
        "doubted": False,
        "commit": None,
        "deployed_at": None,
        "success_id": None,
        "seen": {},
    }
    connection.execute(update(environments).where(environments.c.id == environment).values(values))
    connection.execute(delete(outputs).where(outputs.c.environment_id == environment))


def _keep_duration(connection: Connection, task: Row[Any], report: Report) -> None:
    if report.result not in (Result.SUCCEEDED, Result.NO_CHANGES):
        return
    row = connection.execute(select(environments.c.durations).where(environments.c.id == task.environment_id)).one()
    durations = {**row.durations, task.action: round(report.duration, 3)}
    connection.execute(update(environments).where(environments.c.id == task.environment_id).values(durations=durations))
