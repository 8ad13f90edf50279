"""`headwater audit`: who did what to which environment at which commit, and what let them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import Cell, Tone, say, table, terminal_width
from bot.cli.serving import server_database, server_store
from bot.cli.words import SHORT, iso, when
from bot.errors import WrongUse
from planner.repository import GitError

if TYPE_CHECKING:
    from bot.project import Project
    from bot.store.audit import Entry
    from bot.store.database import Database

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d{1,6})([mhdw])")


@click.command(cls=Command)
@click.option("--since", metavar="WHEN", help="Only from then on: 2026-11-27, 2026-11-27T09:30, or 12h, 7d, 4w ago.")
@click.option("--environment", metavar="ALIAS", help="Only what was done to, or asked for, this environment.")
@click.pass_obj
def command(settings: Globals, since: str | None, environment: str | None) -> ExitCode:
    """Tell who did what to which environment at which commit, and which rules allowed it; oldest first.

    With --json one object a line, for other programs to read on. Nobody can change or delete what is listed here.
    """
    start = 0.0 if since is None else _moment(since, time.time())
    with _entries(settings, start, environment) as found:
        if settings.json:
            for one in found:
                click.echo(json.dumps(as_json(one), separators=(",", ":")))  # ASCII alone: a line stays a line
            return ExitCode.DONE
        rows = [_row(one) for one in found]
    if not rows:
        said = "Nothing was done yet" if since is None and environment is None else "Nothing of that was done"
        say(f"{said}, in {_store(settings)}.")
        return ExitCode.DONE
    say(
        table(
            ["When", "Who", "What", "Environment", "Commit", "Where", "Allowed by, or why"],
            rows,
            width=terminal_width(),
        )
    )
    return ExitCode.DONE


def _moment(text: str, now: float) -> float:
    """A moment in seconds since the epoch: a date or time (of this zone, unless it names one), or so long ago."""
    if ago := _AGO.fullmatch(text):
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise WrongUse(f"--since {text!r} is no moment", "for example: --since 2026-11-27, or --since 7d") from None


@contextmanager
def _entries(settings: Globals, since: float, environment: str | None) -> Iterator[Iterator[Entry]]:
    """The log; nothing where nothing was ever stored, which is not made by asking."""
    database = _database(settings)
    if database is None:
        yield iter(())
        return
    from bot.store import audit  # noqa: PLC0415

    with database.reading() as connection:
        found = audit.entries(connection, since=since, environment=environment)
        yield (one for one in found if settings.workflow in (None, one.workflow))


def _database(settings: Globals) -> Database | None:
    project = _project(settings)
    if project is None:
        return server_database(settings)
    return project.database if project.has_store else None


def _store(settings: Globals) -> str:
    """Where it was looked for."""
    project = _project(settings)
    return server_store(settings) if project is None else project.store


def _project(settings: Globals) -> Project | None:
    """The repository here, whose log it is; None where it is the server's: there is none, or its state is named."""
    from bot.cli.here import open_project  # noqa: PLC0415

    if settings.state is not None and (settings.state / "settings.env").exists():
        return None
    try:
        return open_project(settings)
    except GitError:  # it is run where the server is
        if find_spec("pydantic_settings") is None:
            raise
        return None


def as_json(one: Entry) -> dict[str, object]:
    """A row for machines."""
    return {
        "id": one.id,
        "at": iso(one.at),
        "actor": one.actor,
        "deed": one.deed,
        "result": one.result,
        "repository": one.repository,
        "origin": one.origin,
        "pullRequest": one.pull,
        "workflow": one.workflow,
        "environment": one.environment,
        "commit": one.commit,
        "deployment": one.deployment,
        "allowed": list(one.allowed),
        "codes": list(one.codes),
        "detail": one.detail,
        "correlation": one.correlation,
    }


_TOLD = frozenset({"move", "detach", "restored", "redo"})
_TONES = {"refused": Tone.WARN, "failed": Tone.BAD, "timed out": Tone.BAD, "succeeded": Tone.GOOD}


def _row(one: Entry) -> list[str | Cell]:
    where = one.origin if one.repository in ("", "local") else f"{one.repository} {one.origin}"
    why = "; ".join(
        [
            *([one.detail.partition("\n")[0]] if one.result == "refused" or one.deed in _TOLD else []),
            *one.allowed,
        ]
    )
    return [
        Cell(when(one.at), Tone.FAINT),
        one.actor,
        Cell(f"{one.deed} {one.result}", _TONES.get(one.result, Tone.PLAIN)),
        one.environment or "",
        Cell((one.commit or "")[:SHORT], Tone.FAINT),
        where,
        why,
    ]
