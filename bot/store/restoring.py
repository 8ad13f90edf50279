"""A backup that was restored: what it holds was true once, and nothing may be done twice because of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from bot.decide.deeds import ITSELF, By, Deed
from bot.decide.facts import TaskAction
from bot.decide.reconcile import Move
from bot.decide.transitions import DEPLOYMENT_FINISHED, Code, TaskState
from bot.store import attempts as attempt_rows
from bot.store import audit, hosting, publications, remote_jobs, work
from bot.store import deployments as deployment_rows
from bot.store.conversation import UNFINISHED, CommandState
from bot.store.database import Database
from bot.store.hosted_tables import commands, deliveries, dispatches, pulls, remote_attempts
from bot.store.hosted_tables import publications as publication_table
from bot.store.hosted_tables import work as work_table
from bot.store.tables import attempts, deployments, environments, restores, tasks

WHY = "a backup of the database was restored: this was unfinished in it"
_MEND = "look at what became of it meanwhile, and write the command again if it is still wanted"
_NOT_SENT = (TaskState.WAITING.value, TaskState.READY.value, TaskState.NEEDS_APPROVAL.value)
_ITSELF = By(ITSELF, "", ("the database is found to be a restored backup",))
_MUTATING = [one.value for one in TaskAction if one.mutates]


@dataclass(frozen=True, slots=True)
class Restore:
    """When a backup was restored, in seconds since the epoch; `heard_until`: GitHub's time, of its log of webhooks."""

    restored_at: float
    heard_until: str


def mark(file: Path, now: float) -> None:
    """Write into a copy of a SQLite database that it is one: whoever works with it first knows that it was restored."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO restores (backup_at) VALUES (?)", (now,))
        connection.commit()


def is_backup(connection: Connection) -> bool:
    """Whether this is a backup that nobody has worked with yet."""
    query = select(restores.c.id).where(restores.c.restored_at.is_(None)).limit(1)
    return connection.execute(query).first() is not None


def heed_backup(database: Database, now: float) -> None:
    """Take the database for a restored backup if it is one."""
    with database.reading() as connection:
        if not is_backup(connection):
            return
    with database.writing() as connection:
        if is_backup(connection):  # nobody else was faster
            restored(connection, now)


def last(connection: Connection) -> Restore | None:
    """The newest restore of this database, if there was any."""
    done = select(restores).where(restores.c.restored_at.is_not(None)).order_by(restores.c.id.desc()).limit(1)
    row = connection.execute(done).first()
    return None if row is None else Restore(row.restored_at, row.heard_until)


def restored(connection: Connection, now: float, heard_until: str = "", by: By = _ITSELF) -> int:
    """Take what is stored for that of an earlier moment; how many unfinished deployments were given up.

    What had not started is cancelled: it may be done by now. What was at work is looked up, as ever. Every environment
    is in doubt until something succeeds there: a push plans it first, and asks. Commands that were not carried out are
    refused, with the reason; all that open pull requests show is made anew.
    """
    pending = restores.c.restored_at.is_(None)
    values = {"restored_at": now, "heard_until": heard_until}
    if not connection.execute(update(restores).where(pending).values(values)).rowcount:
        connection.execute(insert(restores).values(values))
    kept = environments.c.detached.is_(False)
    connection.execute(update(environments).where(kept).values(doubted=True, touches=environments.c.touches + 1))
    given_up = _give_up(connection, now)
    _refuse_commands(connection, now)
    _forget_comments_to_come(connection)
    _show_anew(connection, now)
    audit.of_server(connection, Deed.RESTORED, by, now, f"unfinished deployments that were given up: {len(given_up)}")
    return len(given_up)


def overtaken(connection: Connection, numbers: Sequence[int]) -> bool:
    """Whether any of these deployments was given up because a backup was restored."""
    query = select(deployments.c.id).where(deployments.c.id.in_(numbers), deployments.c.overtaken).limit(1)
    return connection.execute(query).first() is not None


def _give_up(connection: Connection, now: float) -> Sequence[int]:
    """Cancel what was to be deployed or destroyed and had not started; give their numbers."""
    unfinished = deployments.c.state.not_in([state.value for state in DEPLOYMENT_FINISHED])
    query = select(deployments.c.id).where(unfinished, deployments.c.action.in_(_MUTATING)).order_by(deployments.c.id)
    numbers = connection.execute(query).scalars().all()
    for number in numbers:
        deployment_rows.flags(connection, number, lock=True)
        of_it = (tasks.c.deployment_id == number) & tasks.c.action.in_(_MUTATING)
        rows = connection.execute(select(tasks.c.id, tasks.c.state).where(of_it)).all()
        moves = [_cancel(row) for row in rows if row.state in _NOT_SENT]
        sent = [row.id for row in rows if row.state == TaskState.DISPATCHED.value]
        moves += _of_sent(connection, sent, now)
        deployment_rows.apply_moves(connection, moves, now)
    connection.execute(update(deployments).where(deployments.c.id.in_(numbers)).values(overtaken=True))
    return numbers


def _cancel(row: Row[*tuple[Any, ...]]) -> Move:
    return Move(row.id, TaskState(row.state), TaskState.CANCELLED, Code.CANCELLED, WHY)


def _of_sent(connection: Connection, sent: Sequence[int], now: float) -> list[Move]:
    """What was handed to a CI: it may have been claimed since, so it counts as claimed where its run is known.

    (An attempt on this machine says itself, by its folder, what became of it.)
    """
    query = (
        select(attempts.c.id, attempts.c.task_id, dispatches.c.run_id)
        .join(remote_attempts, remote_attempts.c.attempt_id == attempts.c.id)
        .outerjoin(dispatches, remote_attempts.c.dispatch_id == dispatches.c.id)
        .where(attempts.c.task_id.in_(sent), attempts.c.active.is_(True), attempts.c.revoked.is_(False))
    )
    moves = []
    for row in connection.execute(query).all():
        if row.run_id is not None:
            attempt_rows.claimed(connection, row.id)
            of_it = remote_attempts.c.attempt_id == row.id
            connection.execute(update(remote_attempts).where(of_it).values(claimed=True))
            moves.append(Move(row.task_id, TaskState.DISPATCHED, TaskState.RUNNING, Code.CLAIMED, WHY))
        else:
            remote_jobs.revoke(connection, row.id, WHY)
            attempt_rows.revoked(connection, row.id, WHY, now)
            moves.append(Move(row.task_id, TaskState.DISPATCHED, TaskState.CANCELLED, Code.CANCELLED, WHY))
    return moves


def _refuse_commands(connection: Connection, now: float) -> None:
    """Commands that were not carried out may have been since: nobody does them a second time by themselves."""
    waiting = commands.c.state.in_([one.value for one in UNFINISHED])
    for row in connection.execute(select(commands).where(waiting)).all():
        answer = {"refusals": [["error", WHY, _MEND, []]]}
        values = {"state": CommandState.REFUSED.value, "waits": "", "answer": answer}
        connection.execute(update(commands).where(commands.c.id == row.id).values(values))
        publications.want(connection, row.repository_id, publications.Kind.COMMAND, str(row.id), now, number=row.number)


def _forget_comments_to_come(connection: Connection) -> None:
    """Webhooks of comments that were not worked on were worked on since; the others are only hints."""
    due = deliveries.c.outcome.is_(None) & (deliveries.c.event == "issue_comment")
    guids = connection.execute(select(deliveries.c.guid).where(due)).scalars().all()
    connection.execute(update(deliveries).where(due).values(outcome=f"ignored: {WHY}"))
    connection.execute(delete(work_table).where(work_table.c.kind == "delivery", work_table.c.key.in_(guids)))


def _show_anew(connection: Connection, now: float) -> None:
    """Have open pull requests planned again, and all that they show posted once more."""
    connection.execute(update(pulls).where(pulls.c.state == "open").values(plan_id=None))
    for hosted in hosting.repositories(connection):
        for pull in hosting.open_pulls(connection, hosted.id):
            work.request(connection, "pull", f"{hosted.github_id}:{pull.number}", now, now)
            here = (publication_table.c.repository_id == hosted.id) & (publication_table.c.number == pull.number)
            connection.execute(update(publication_table).where(here).values(digest=""))
