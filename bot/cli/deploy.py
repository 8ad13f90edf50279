"""`headwater deploy`: environments in dependency order."""

from __future__ import annotations

import click

from bot.cli.acting import Session, asks_for, brief_option
from bot.cli.context import Command
from bot.cli.deploying import carry_out
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.prepare import prepare
from bot.request import Aim, Request


@click.command(cls=Command)
@asks_for(Aim.DEPLOY)
@brief_option
@click.option("--auto-approve", is_flag=True, help="Do not ask; also apply what differs from the plan shown.")
def command(settings: Globals, request: Request, *, brief: bool, auto_approve: bool) -> ExitCode:
    """Deploy environments in dependency order.

    Shows the plans and asks first. Each environment starts the moment all that it needs has succeeded; a failure
    stops only what lies downstream of it. What is applied is what was shown: where a plan comes out differently in
    its turn, that environment waits for 'headwater approve'.

    ENV is an alias or a glob, none means all. A named ENV brings its affected downstream along, never its upstream.
    """
    session = Session(settings, brief=brief)
    session.collect()
    return carry_out(session, prepare(session.project, request), auto_approve=auto_approve)
