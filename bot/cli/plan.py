"""`headwater plan`: what a deploy would do."""

from __future__ import annotations

import click

from bot.cli.acting import Session, asks_for, brief_option
from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.reviewing import review
from bot.prepare import prepare
from bot.request import Aim, Request
from bot.reviewed import no_changes


@click.command(cls=Command)
@asks_for(Aim.DEPLOY, plan_only=True)
@brief_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit 0 for no changes, 1 for an error, 2 for changes.")
def command(settings: Globals, request: Request, *, brief: bool, detailed_exitcode: bool) -> ExitCode:
    """Show what a deploy would do; changes nothing.

    ENV is an alias or a glob; none means all. Plans run all at once, whatever needs what: one that reads an output
    which does not exist yet is shown as "after" the environment that will have it.
    """
    session = Session(settings, brief=brief)
    reviews = review(session, prepare(session.project, request))
    if any(one.stopped for one in reviews):
        return ExitCode.CANCELLED
    if any(one.failed for one in reviews):
        return ExitCode.FAILED
    return ExitCode.WRONG if detailed_exitcode and not no_changes(reviews) else ExitCode.DONE
