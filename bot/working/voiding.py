"""What is called off: by a push what waits for approval of another commit, by an unlock what has not begun."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, select

from bot.decide.deeds import ITSELF, By
from bot.decide.facts import Stop, TaskAction
from bot.decide.reconcile import Move
from bot.decide.transitions import ACTIVE, DEPLOYMENT_FINISHED, Code, TaskState
from bot.server import Server
from bot.store import conversation, deployments, publications
from bot.store.conversation import CommandRow, CommandState
from bot.store.hosting import PullRow
from bot.store.locks import Lock
from bot.store.publications import Kind
from bot.store.tables import deployments as deployment_table
from bot.store.tables import environments, tasks

_MUTATING = tuple(one.value for one in TaskAction if one.mutates)
_NOT_BEGUN = (TaskState.WAITING, TaskState.READY, TaskState.NEEDS_APPROVAL)
_PUSHED = By(ITSELF, "push", ("a push voids what waits for approval",))


def void_former(server: Server, pull: PullRow) -> None:
    """Call off what waits for approval of the head before this one: a push while it waits voids the approval.

    What runs goes on, and so does what waits of another commit: a restore, a retry, a merge.
    """
    if not pull.open:
        return
    now = time.time()
    with server.database.writing() as connection:
        plan = conversation.plan(connection, pull.plan)
        if plan is None or plan.commit == pull.head:
            return
        voided = _void_tasks(connection, pull, plan.commit, now)
        for command in conversation.commands_of(connection, pull.repository, pull.number, [CommandState.ASKED]):
            if command.verb != "restore":
                call_off(connection, command, "something was pushed while it waited", _PUSHED, now)
                voided = True
    if voided:
        server.wake()


def void_asked(connection: Connection, pull: PullRow, by: By, now: float) -> None:
    """Call off what commands ask for on a pull request that has ended; a closed one can still be restored."""
    for command in conversation.commands_of(connection, pull.repository, pull.number, [CommandState.ASKED]):
        if command.verb != "restore" or pull.state == "merged":
            call_off(connection, command, f"the pull request was {pull.state} while it waited", by, now)


def lock_for(connection: Connection, held: Sequence[Lock]) -> None:
    """Let nobody else take or give back these locks until the transaction ends."""
    ids = [lock.environment for lock in held]
    query = select(environments.c.workflow_id).where(environments.c.id.in_(ids)).distinct()
    for workflow in sorted(connection.execute(query).scalars()):
        deployments.lock_workflow(connection, workflow)


def void_held(connection: Connection, held: Sequence[Lock], now: float) -> None:
    """Call off what has no job yet of these environments' deployments from the pull requests that hold them."""
    for lock in held:
        _cancel(connection, _of_holder(lock), _NOT_BEGUN, Code.FREED, now)


def at_work(connection: Connection, held: Sequence[Lock]) -> dict[int, int]:
    """By environment, the deployment from the pull request that holds it of which a job is at work there."""
    active = tasks.c.state.in_([one.value for one in ACTIVE])
    query = select(tasks.c.environment_id, deployment_table.c.id).join(
        deployment_table, tasks.c.deployment_id == deployment_table.c.id
    )
    return {
        row.environment_id: row.id for lock in held for row in connection.execute(query.where(_of_holder(lock), active))
    }


def _of_holder(lock: Lock) -> ColumnElement[bool]:
    its = and_(tasks.c.environment_id == lock.environment, tasks.c.action.in_(_MUTATING))
    return and_(its, deployment_table.c.pull_id == lock.pull, deployment_table.c.continuous.is_(False))


def _void_tasks(connection: Connection, pull: PullRow, commit: str, now: float) -> bool:
    which = and_(
        deployment_table.c.pull_id == pull.id,
        deployment_table.c.commit == commit,
        deployment_table.c.continuous.is_(False),
    )
    return _cancel(connection, which, (TaskState.NEEDS_APPROVAL,), Code.VOIDED, now)


def _cancel(
    connection: Connection, which: ColumnElement[bool], states: Sequence[TaskState], code: Code, now: float
) -> bool:
    """Cancel the tasks that are in one of these states; whether there were any."""
    query = (
        select(tasks.c.id, tasks.c.state, deployment_table.c.workflow_id, deployment_table.c.id.label("deployment"))
        .join(deployment_table, tasks.c.deployment_id == deployment_table.c.id)
        .where(which, tasks.c.state.in_([one.value for one in states]))
        .order_by(deployment_table.c.workflow_id, tasks.c.id)
    )
    rows = connection.execute(query).all()
    for row in rows:
        deployments.lock_workflow(connection, row.workflow_id)
        deployments.apply_move(connection, Move(row.id, TaskState(row.state), TaskState.CANCELLED, code), now)
        publications.refresh(connection, row.deployment, now)
    return bool(rows)


def call_off(connection: Connection, command: CommandRow, why: str, by: By, now: float) -> None:
    """Give up a command that waits, and stop the plans that are still made for it."""
    for number in command.deployments:
        told = deployments.flags(connection, number, lock=True)
        if told is not None and told.state not in DEPLOYMENT_FINISHED:
            deployments.ask_stop(connection, number, Stop.KILL, by, now)
    answer = {**command.answer, "called_off": why}
    conversation.set_command(connection, command.id, state=CommandState.DONE, waits="", answer=answer)
    publications.want(connection, command.repository, Kind.COMMAND, str(command.id), now, number=command.number)
