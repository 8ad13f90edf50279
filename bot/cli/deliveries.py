"""`headwater deliveries`: which webhooks came to the server, and what became of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from bot.cli.context import Command, CommandGroup
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import Cell, Tone, print_json, printable, say, table, terminal_width
from bot.cli.serving import server_database, server_store
from bot.cli.words import iso, when
from bot.errors import WrongUse

if TYPE_CHECKING:
    from bot.store.deliveries import DeliveryRow


@click.group(cls=CommandGroup, invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@click.pass_context
def command(context: click.Context, limit: int) -> ExitCode | None:
    """List the webhooks that came to the server, newest first, and what became of each."""
    if context.invoked_subcommand is not None:
        return None
    from bot.cli.global_options import globals_of  # noqa: PLC0415

    settings = globals_of(context)
    database = server_database(settings)
    found: list[DeliveryRow] = []
    if database is not None:
        from bot.store import deliveries  # noqa: PLC0415

        with database.reading() as connection:
            found = deliveries.recent(connection, limit)
    if not found and not settings.json:
        say(f"No webhook came yet, in {server_store(settings)}.")
        return ExitCode.DONE
    _show(found, as_json=settings.json)
    return ExitCode.DONE


@command.command(cls=Command, short_help="Have one worked on again.")
@click.argument("delivery", metavar="ID")
@click.pass_obj
def redo(settings: Globals, delivery: str) -> ExitCode:
    """Have a webhook worked on again, by the server that runs or the next one that is started."""
    database = server_database(settings)
    from bot.cli.here import by  # noqa: PLC0415
    from bot.store import deliveries  # noqa: PLC0415

    known = False
    if database is not None:
        with database.writing() as connection:
            known = deliveries.redo(connection, delivery, by("deliveries redo"), time.time())
    if not known:
        raise WrongUse(f"no webhook {printable(delivery)} came here", "'headwater deliveries' lists those that did")
    if not settings.quiet:
        say(f"{printable(delivery)} is worked on again.")
    return ExitCode.DONE


def _show(found: list[DeliveryRow], *, as_json: bool) -> None:
    if as_json:
        print_json([_as_json(one) for one in found])
        return
    rows = [_row(one) for one in found]
    say(table(["Received", "Event", "Action", "ID", "Outcome"], rows, width=terminal_width()))


def _row(one: DeliveryRow) -> list[str | Cell]:
    at, name = Cell(when(one.received_at), Tone.FAINT), Cell(one.id, Tone.FAINT)
    return [at, one.event, one.action, name, one.outcome]


def _as_json(one: DeliveryRow) -> dict[str, str | None]:
    return {
        "id": one.id,
        "event": one.event,
        "action": one.action or None,
        "receivedAt": iso(one.received_at),
        "outcome": one.outcome,
    }
