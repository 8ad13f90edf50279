"""What a push calls off: whatever waits for approval was shown of a commit that is not the head any more."""

from __future__ import annotations

import time

from sqlalchemy import Connection, select

from bot.decide.deeds import ITSELF, By
from bot.decide.facts import Stop
from bot.decide.reconcile import Move
from bot.decide.transitions import DEPLOYMENT_FINISHED, Code, TaskState
from bot.server import Server
from bot.store import conversation, deployments, publications
from bot.store.conversation import CommandRow, CommandState
from bot.store.hosting import PullRow
from bot.store.publications import Kind
from bot.store.tables import deployments as deployment_table
from bot.store.tables import tasks

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


def _void_tasks(connection: Connection, pull: PullRow, commit: str, now: float) -> bool:
    query = (
        select(tasks.c.id, deployment_table.c.workflow_id, deployment_table.c.id.label("deployment"))
        .join(deployment_table, tasks.c.deployment_id == deployment_table.c.id)
        .where(
            deployment_table.c.pull_id == pull.id,
            deployment_table.c.commit == commit,
            deployment_table.c.continuous.is_(False),
            tasks.c.state == TaskState.NEEDS_APPROVAL.value,
        )
        .order_by(deployment_table.c.workflow_id, tasks.c.id)
    )
    rows = connection.execute(query).all()
    for row in rows:
        deployments.lock_workflow(connection, row.workflow_id)
        move = Move(row.id, TaskState.NEEDS_APPROVAL, TaskState.CANCELLED, Code.VOIDED)
        deployments.apply_move(connection, move, now)
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
