"""`headwater backup`: a copy of the database, while it is used."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import printable, say
from bot.cli.serving import need_the_server, settings_of
from bot.errors import WrongUse


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def command(settings: Globals, file: Path) -> ExitCode:
    """Copy the server's SQLite database into FILE, also while the server runs. To restore, see docs/operations.md."""
    need_the_server()
    from bot.settings import StoreSettings  # noqa: PLC0415
    from bot.state_folder import has_store  # noqa: PLC0415
    from bot.store import restoring  # noqa: PLC0415
    from bot.store.database import Database  # noqa: PLC0415

    found = settings_of(StoreSettings, settings)
    if not found.embedded:
        raise WrongUse("this copies SQLite alone", "back PostgreSQL up with pg_dump, and see docs/operations.md")
    if not has_store(found.state, None):
        raise WrongUse(f"there is no database in {printable(str(found.state))}", "give its folder with --state DIR")
    file = settings.path(file)
    if file.exists():
        raise WrongUse(f"{printable(str(file))} is there already", "give another name, or move it away")
    half = file.with_name(f"{file.name}.{os.getpid()}.half")
    try:
        Database(found.database).copy_to(half)
        restoring.mark(half, time.time())
        half.rename(file)
    finally:
        half.unlink(missing_ok=True)
    if not settings.quiet:
        say(f"{printable(str(file))} holds the database. The key of sensitive values is not in it: keep that, too.")
    return ExitCode.DONE
