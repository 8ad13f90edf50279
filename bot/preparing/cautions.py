"""What somebody should know of a request before saying yes to it, whatever its plans say."""

from __future__ import annotations

from bot.preparing.situation import Prepared
from bot.since import unfinished
from bot.store.environments import EnvironmentRow
from planner.definition import Removal

_SHORT = 7


def about_preparation(prepared: Prepared) -> list[str]:
    """What is left out, gone, renamed, or given a kept value: a line each, names as they are."""
    return [
        *(f"{alias}: disabled, left out" for alias in prepared.left_out),
        *about_removed(prepared),
        *about_renamed(prepared),
        *_about_kept(prepared),
    ]


def about_removed(prepared: Prepared) -> list[str]:
    """What becomes of what is there and gone from the file: a line each."""
    there = [row for row in prepared.removed if row.deployed or unfinished(row)]
    return [_about_one_removed(prepared, row) for row in there]


def _about_one_removed(prepared: Prepared, row: EnvironmentRow) -> str:
    """What becomes of an environment that the file no longer has."""
    alias, gone = row.alias, f"{row.alias} is gone from {prepared.workflow.file}"
    if prepared.workflow.removal is Removal.DETACH:
        held = f"what it deployed at {row.commit[:_SHORT]} stays as it is" if row.commit else "it was never deployed"
        return f"{gone}: it will be forgotten; {held}"
    if row in prepared.doubtful:
        return f"{gone}, and is left as it is: renamed? say `movedFrom: {alias}`. Or: headwater destroy {alias}"
    return f"{gone}: its destroy waits for approval"


def about_renamed(prepared: Prepared) -> list[str]:
    """What is called otherwise now: a line each."""
    renamed = sorted(_renamed(prepared).items())
    return [f"{row} is now {new}: its state and history go along" for new, row in renamed]


def _renamed(prepared: Prepared) -> dict[str, str]:
    return {
        alias: prepared.moves[row.id]
        for alias, row in prepared.rows.items()
        if row.id in prepared.moves and prepared.moves[row.id] != alias
    }


def _about_kept(prepared: Prepared) -> list[str]:
    if not prepared.kept:
        return []
    return [f"kept values beat the files: {', '.join(sorted(prepared.kept))} ('--forget KEY' drops one)"]
