"""`headwater schema`: the JSON Schema of workflow files."""

from __future__ import annotations

import json

import click

from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.output import say
from planner.schema import json_schema


@click.command(cls=Command)
def command() -> ExitCode:
    """Print the JSON Schema of workflow files.

    Editors complete and check a file that begins with

    \b
        # yaml-language-server: $schema=./headwater.schema.json
    """
    say(json.dumps(json_schema(), indent=2, ensure_ascii=True))
    return ExitCode.DONE
