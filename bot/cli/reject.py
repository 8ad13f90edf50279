"""`headwater reject`: cancel an environment that waits for approval."""

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
    """Cancel ALIAS, which waits for approval; what lies downstream is blocked, all else goes on."""
    session = Session(settings)
    session.collect()
    with refusals_kept(settings, Deed.REJECT, [alias]):
        number = people.reject(session.project, session.environment(alias), by("reject"))
    finish(session, session.run([number]))
    return ExitCode.DONE
