"""`headwater worker`: what works, for several processes that share a database."""

from __future__ import annotations

import click

from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.serving import run_server, server_settings


@click.command(cls=Command)
@click.pass_obj
def command(settings: Globals) -> ExitCode:
    """Only work on what has come. Start as many as you like, each with a state folder of its own, on PostgreSQL."""
    found = server_settings(settings, replica=True)
    from bot.state_lock import held  # noqa: PLC0415

    with held(found.state):
        run_server(found, None, quiet=settings.quiet)
    return ExitCode.DONE
