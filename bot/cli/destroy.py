"""`headwater destroy`: environments downstream first."""

from __future__ import annotations

from dataclasses import replace

import click

from bot.cli.acting import Session, asks_for, brief_option
from bot.cli.context import Command
from bot.cli.deploying import carry_out
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.errors import WrongUse
from bot.prepare import prepare
from bot.request import Aim, Request


@click.command(cls=Command)
@asks_for(Aim.DESTROY)
@brief_option
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Even if something that stays deployed needs it.")
def command(settings: Globals, request: Request, *, brief: bool, auto_approve: bool, force: bool) -> ExitCode:
    """Destroy environments, what needs others first.

    Shows what would be destroyed and asks first. ENV is an alias or a glob, none means all that is deployed, also
    what the workflow file no longer has. What something deployed still needs is refused.
    """
    if request.since_deployed or request.base is not None:
        raise WrongUse(
            "--since-deployed and --base choose by what has changed, which says nothing of what to destroy",
            "name it: headwater destroy ALIAS, or leave them out to destroy all",
        )
    session = Session(settings, brief=brief)
    session.collect()
    return carry_out(session, prepare(session.project, replace(request, force=force)), auto_approve=auto_approve)
