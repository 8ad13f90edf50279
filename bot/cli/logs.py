"""`headwater logs`: what the tool printed."""

from __future__ import annotations

import time

import click

from bot.cli.acting import Session
from bot.cli.completing import environment_aliases
from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import note, printable, say
from bot.errors import NotAllowed
from bot.store import views

_CHUNK = 1 << 16
_POLL = 0.2  # seconds


@click.command(cls=Command)
@click.argument("alias", shell_complete=environment_aliases)
@click.option("--follow", "-f", is_flag=True, help="Go on until the attempt ends.")
@click.pass_obj
def command(settings: Globals, alias: str, *, follow: bool) -> ExitCode:
    """Print the log of the latest attempt at ALIAS (of a deploy or destroy, else of a plan); secrets are hidden."""
    session = Session(settings)
    session.collect()
    row = session.environment(alias)
    with session.project.database.reading() as connection:
        latest = views.latest_attempt(connection, row.id)
    if latest is None:
        raise NotAllowed(f"nothing has worked on {row.alias!r} yet", "plan it: headwater plan")
    attempt, _ = latest
    log = session.project.local.log(attempt)
    if not log.exists() and not follow:
        raise NotAllowed(
            f"the log of {row.alias!r} is not there (any more): a server keeps logs for HEADWATER_KEEP_DAYS",
            "plan or deploy it again",
        )
    note(f"{printable(row.alias)}, attempt {attempt}", quiet=settings.quiet)
    _print(session, attempt, row.id, follow=follow)
    return ExitCode.DONE


def _print(session: Session, attempt: str, environment: int, *, follow: bool) -> None:
    """The log from its beginning; with `follow`, until nothing is at work on it any more."""
    log = session.project.local.log(attempt)
    position, begun = 0, b""  # a line of which only the beginning has come
    while True:
        over = not follow or _ended(session, attempt, environment)  # asked first: what comes later is read below
        while log.exists():
            with log.open("rb") as stream:
                stream.seek(position)
                data = stream.read(_CHUNK)
            position += len(data)
            if not data:
                break
            *lines, begun = (begun + data).split(b"\n")
            for line in lines:
                say(printable(line.decode(errors="replace")))
        if over:
            if begun:
                say(printable(begun.decode(errors="replace")))
            return
        time.sleep(_POLL)


def _ended(session: Session, attempt: str, environment: int) -> bool:
    session.collect()
    with session.project.database.reading() as connection:
        return views.latest_attempt(connection, environment) != (attempt, True)
