"""`headwater retry`: run again what did not succeed."""

from __future__ import annotations

import click

from bot import people
from bot.cli.acting import Session, answer, brief_option
from bot.cli.context import Command
from bot.cli.deploying import carry_out, finish
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.here import by, refusals_kept
from bot.cli.output import note
from bot.decide.deeds import Deed
from bot.decide.transitions import TaskState
from bot.errors import NotAllowed
from bot.retrying import after_another, prepare_retry


@click.command(cls=Command)
@brief_option
@click.option("--auto-approve", is_flag=True, help="Do not ask; also apply what differs from the plan shown.")
@click.option(
    "--force",
    is_flag=True,
    help="Take lost attempts for ended, and destroy what something deployed needs by now. Make sure first.",
)
@click.option("--jobs", type=click.IntRange(1, 500), default=4, show_default=True, help="How many at once.")
@click.pass_obj
def command(settings: Globals, *, brief: bool, auto_approve: bool, force: bool, jobs: int) -> ExitCode:
    """Run again what failed, was cancelled or lost, and what that blocked; nothing else.

    At the same commit: a mend in git is deployed with 'headwater deploy --since-deployed'. What is unfinished (its
    command was killed, for example) goes on first. Plans first, and asks.
    """
    with refusals_kept(settings, Deed.RETRY):
        return _retry(Session(settings, brief=brief), auto_approve=auto_approve, force=force, jobs=jobs)


def _retry(session: Session, *, auto_approve: bool, force: bool, jobs: int) -> ExitCode:
    settings = session.settings
    session.collect()
    lost = [row for row in session.rows() if row.facts.state is TaskState.LOST]
    if force:
        for row in lost:
            people.give_up(session.project, row, by("retry"))
        session.collect()
    elif lost:
        names = ", ".join(row.alias for row in lost)
        note(f"{names}: lost, and perhaps still at work; '--force' takes it for ended", quiet=settings.quiet)
    gone_on = _go_on(session)
    broken = people.failed_deployments(session.rows())
    if not broken:
        if gone_on is None:
            answer(settings, "Nothing to retry: nothing failed, and nothing is unfinished.")
        return ExitCode.DONE if gone_on is None else gone_on
    if gone_on not in (None, ExitCode.DONE, ExitCode.FAILED):
        return gone_on
    with session.project.database.reading() as connection:
        needed = people.needed(connection, [row for rows in broken.values() for row in rows])
    later = after_another(broken, needed)
    if later:
        names = ", ".join(later.values())
        note(f"{names}: left; 'headwater retry' again once what they need is there", quiet=settings.quiet)
    prepared = [
        one
        for number, rows in sorted(broken.items())
        if (now := [row for row in rows if row.id not in later])
        for one in prepare_retry(session.project, number, now, by=by("retry"), jobs=jobs, force=force)
    ]
    if not prepared:
        raise NotAllowed("what failed is not in its commit any more", "deploy again: headwater deploy --since-deployed")
    return carry_out(session, prepared, auto_approve=auto_approve)


def _go_on(session: Session) -> ExitCode | None:
    """Drive what is unfinished to its end; None if there is nothing."""
    numbers = session.unfinished()
    return finish(session, session.run(numbers)) if numbers else None
