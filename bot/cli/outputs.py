"""`headwater outputs`: the outputs of what is deployed."""

from __future__ import annotations

import json

import click

from bot.cli.completing import environment_aliases
from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import Cell, Tone, print_json, say, table, terminal_width
from bot.cli.standing import current_standings
from bot.errors import WrongUse
from planner.nearest import meant


@click.command(cls=Command)
@click.argument("alias", required=False, shell_complete=environment_aliases)
@click.pass_obj
def command(settings: Globals, alias: str | None) -> ExitCode:
    """Show the outputs of every deployed environment, or of ALIAS. Sensitive ones are hidden."""
    found = current_standings(settings)
    everything = [(one.workflow.name, each) for one in found for each in one.environments]
    chosen = [
        (workflow, each) for workflow, each in everything if alias is None or each.alias.casefold() == alias.casefold()
    ]
    if alias is not None and not chosen:
        known = [each.alias for _, each in everything]
        raise WrongUse(f"there is no environment called {alias!r}", meant(alias, known))
    if settings.json:
        print_json({each.alias: dict(each.outputs) for _, each in chosen})
        return ExitCode.DONE
    rows = [
        [
            Cell(each.alias),
            Cell(name),
            Cell("(sensitive)", Tone.FAINT)
            if value is None
            else Cell(value if isinstance(value, str) else json.dumps(value)),
        ]
        for _, each in chosen
        for name, value in each.outputs.items()
    ]
    say(table(["Environment", "Output", "Value"], rows, width=terminal_width()) if rows else "No outputs.")
    return ExitCode.DONE
