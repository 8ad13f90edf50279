"""`headwater reject`: cancel an environment that waits for approval."""

from __future__ import annotations

import click

from bot import people
from bot.cli.acting import Session, actor
from bot.cli.completing import environment_aliases
from bot.cli.context import Command, Globals
from bot.cli.deploying import finish
from bot.cli.exit_codes import ExitCode


@click.command(cls=Command)
@click.argument("alias", shell_complete=environment_aliases)
@click.pass_obj
def command(settings: Globals, alias: str) -> ExitCode:
    """Cancel ALIAS, which waits for approval; what lies downstream is blocked, all else goes on."""
    session = Session(settings)
    session.collect()
    number = people.reject(session.project, session.environment(alias), actor())
    finish(session, session.run([number]))
    return ExitCode.DONE
