"""`headwater approve`: let an environment go on with the plan that it waits with."""

from __future__ import annotations

import click

from bot import people
from bot.cli.acting import Session
from bot.cli.completing import environment_aliases
from bot.cli.context import Command
from bot.cli.deploying import finish
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.here import by, refusals_kept
from bot.decide.deeds import Deed


@click.command(cls=Command)
@click.argument("alias", shell_complete=environment_aliases)
@click.pass_obj
def command(settings: Globals, alias: str) -> ExitCode:
    """Approve the plan that ALIAS waits with, and run what that frees.

    It is planned once more and applied if the plan is still that one.
    """
    session = Session(settings)
    session.collect()
    with refusals_kept(settings, Deed.APPROVE, [alias]):
        number = people.approve(session.project, session.environment(alias), by("approve"))
    return finish(session, session.run([number]))
