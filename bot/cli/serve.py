"""`headwater serve`: the whole server in one process."""

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
    """Serve GitHub: take webhooks, speak on pull requests, deploy. Web and workers in one process."""
    found = server_settings(settings, replica=False)
    from bot.state_lock import held  # noqa: PLC0415

    with held(found.state):
        run_server(found, (host, port), work=True, quiet=settings.quiet)
    return ExitCode.DONE
