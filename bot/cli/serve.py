"""`headwater serve`: the whole server."""

from __future__ import annotations

import click

from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.serving import HOST, PORT, run_pair, server_settings


@click.command(cls=Command)
@HOST
@PORT
@click.pass_obj
def command(settings: Globals, host: str, port: int) -> ExitCode:
    """Serve GitHub: take webhooks, speak on pull requests, deploy. Web and workers in one."""
    found = server_settings(settings, replica=False)
    from bot.state_lock import held  # noqa: PLC0415

    with held(found.state):
        run_pair(found, (host, port), quiet=settings.quiet)
    return ExitCode.DONE
