"""`headwater web`: what listens, for several processes that share a database."""

from __future__ import annotations

import click

from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.serving import HOST, PORT, run_server, server_settings


@click.command(cls=Command)
@HOST
@PORT
@click.pass_obj
def command(settings: Globals, host: str, port: int) -> ExitCode:
    """Only listen: take webhooks and what jobs report. Start as many as you like, beside workers, on PostgreSQL."""
    run_server(server_settings(settings, replica=True), (host, port), quiet=settings.quiet)
    return ExitCode.DONE
