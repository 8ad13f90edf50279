"""`headwater status`: the state of every workflow and environment."""

from __future__ import annotations

from typing import Any

import click

from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import Cell, Tone, paint, print_json, printable, say, table, terminal_width
from bot.cli.standing import current_standings
from bot.cli.words import SHORT, when
from bot.standing import Standing

_TONES = {
    "deployed": Tone.GOOD,
    "in progress": Tone.BUSY,
    "lost": Tone.WARN,
    "needs approval": Tone.WARN,
    "blocked": Tone.WARN,
    "cancelled": Tone.WARN,
    "failed": Tone.BAD,
}
_STATUS_TONES = {"Active": Tone.GOOD, "Failed": Tone.BAD, "Inactive": Tone.FAINT}


@click.command(cls=Command)
@click.pass_obj
def command(settings: Globals) -> ExitCode:
    """Show the state of every workflow and its environments.

    Active, Inactive, Deploy in progress, Destroy in progress or Failed: each is told from what is stored, after
    looking at what runs.
    """
    found = current_standings(settings)
    if settings.json:
        print_json({"workflows": [_as_json(one) for one in found]})
        return ExitCode.DONE
    for number, one in enumerate(found):
        if number:
            say()
        _show(one)
    return ExitCode.DONE


def _as_json(one: Standing) -> dict[str, Any]:
    return {
        "file": one.workflow.file,
        "name": one.workflow.name,
        "status": one.summary.status.value,
        "partial": one.summary.partial,
        "deployed": one.summary.deployed,
        "of": one.summary.of,
        "environments": [
            {
                "alias": each.alias,
                "deployed": each.deployed,
                "state": each.state,
                "commit": each.commit,
                "deployedAt": each.deployed_at_iso,
                "outputs": dict(each.outputs),
            }
            for each in one.environments
        ],
    }


def _show(one: Standing) -> None:
    tone = _STATUS_TONES.get(one.summary.status.value, Tone.BUSY)
    say(f"{paint(printable(one.workflow.name), Tone.STRONG)}  {paint(str(one.summary), tone)}")
    say()
    rows = [
        [
            Cell(each.alias),
            Cell(each.state, _TONES.get(each.state, Tone.FAINT)),
            Cell((each.commit or "")[:SHORT], Tone.FAINT),
            Cell(when(each.deployed_at), Tone.FAINT),
            Cell(each.note, Tone.WARN),
        ]
        for each in one.environments
    ]
    say(table(["Environment", "State", "Commit", "Deployed", ""], rows, width=terminal_width()))
