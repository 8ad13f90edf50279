"""Why something is not done yet for which GitHub is needed. Reads only."""

from __future__ import annotations

from sqlalchemy import Connection, String, cast, literal, select

from bot.store.conversation import CommandRow, CommandState, from_row
from bot.store.hosted_tables import commands, dispatches, github_repositories, remote_attempts, work
from bot.store.tables import attempts

_QUESTIONS = ("explain", "status", "help")
_STATES = [one.value for one in (CommandState.NEW, CommandState.WAITS, CommandState.ASKED)]


def trouble(connection: Connection, repository: int) -> str:
    """Why nothing can be done in a repository: suspended, uninstalled, archived; "" where something can."""
    query = select(github_repositories.c.trouble).where(github_repositories.c.repository_id == repository)
    return connection.execute(query).scalar() or ""


def dispatch(connection: Connection, attempt: str) -> str:
    """Why an attempt that waits for a job was not sent to GitHub yet, if something keeps it from that; else ""."""
    query = (
        select(dispatches.c.error, work.c.error.label("work_error"))
        .select_from(
            remote_attempts.join(attempts, remote_attempts.c.attempt_id == attempts.c.id)
            .outerjoin(dispatches, remote_attempts.c.dispatch_id == dispatches.c.id)
            .outerjoin(
                work, (work.c.kind == "dispatch") & (work.c.key == cast(remote_attempts.c.repository_id, String))
            )
        )
        .where(
            remote_attempts.c.attempt_id == attempt,
            attempts.c.active.is_(True),
            remote_attempts.c.claimed.is_(False),
            remote_attempts.c.revoked.is_(False),
            dispatches.c.run_id.is_(None),
        )
    )
    row = connection.execute(query).first()
    return "" if row is None else _what(row.error or row.work_error)


def asked(connection: Connection, repository: int, most: int) -> list[tuple[CommandRow, str]]:
    """What was asked for in comments and is not done, oldest first, each with why it failed when it was last tried."""
    tried = (work.c.kind == "commands") & (
        work.c.key == cast(github_repositories.c.github_id, String) + literal(":") + cast(commands.c.number, String)
    )
    no_question = commands.c.verb.not_in(("", *_QUESTIONS))
    query = (
        select(commands, work.c.error)
        .join(github_repositories, github_repositories.c.repository_id == commands.c.repository_id)
        .outerjoin(work, tried)
        .where(commands.c.repository_id == repository, commands.c.state.in_(_STATES), no_question)
        .order_by(commands.c.comment_id, commands.c.line)
        .limit(most)
    )
    return [(from_row(row), _what(row.error)) for row in connection.execute(query)]


def _what(error: str | None) -> str:
    """What went wrong, without what to do about it."""
    return (error or "").partition("\n")[0]
