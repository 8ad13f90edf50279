"""`headwater restored`: says that the database is a backup of an earlier moment."""

from __future__ import annotations

import time
from contextlib import nullcontext

import click

from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import say
from bot.cli.serving import need_the_server, settings_of


@click.command(cls=Command)
@click.pass_obj
def command(settings: Globals) -> ExitCode:
    """Say, before the server is started, that its database is a restored backup. Nothing is deployed twice then."""
    need_the_server()
    from bot.cli.here import by  # noqa: PLC0415
    from bot.settings import StoreSettings  # noqa: PLC0415
    from bot.state_lock import held  # noqa: PLC0415
    from bot.store import restoring  # noqa: PLC0415
    from bot.store.database import Database  # noqa: PLC0415

    found = settings_of(StoreSettings, settings)
    alone = nullcontext() if found.database_url else held(found.state)  # elsewhere it may be another server's
    with alone, Database(found.database).writing() as connection:
        given_up = restoring.restored(connection, time.time(), by=by("restored"))
    if not settings.quiet:
        say(f"Taken for a restored backup; unfinished deployments that were given up: {given_up}.")
        say("A push plans every environment before it deploys it again. Start the server: it learns the rest.")
    return ExitCode.DONE
