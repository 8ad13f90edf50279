"""How a command is kept in a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.decide.comment import Command


def as_json(command: Command) -> dict[str, Any]:
    """A command as it is kept."""
    return {
        "text": command.text,
        "patterns": list(command.patterns),
        "only": command.only,
        "from": list(command.from_),
        "workflow": command.workflow,
        "commit": command.commit,
        "given": [list(pair) for pair in command.given],
        "forget": list(command.forget),
        "force": command.force,
        "confirm": command.confirm,
        "state": command.state,
        "kill": command.kill,
    }


def from_json(verb: str, line: int, kept: Mapping[str, Any]) -> Command:
    """A command as it was written."""
    return Command(
        verb=verb,
        line=line,
        text=kept["text"],
        patterns=tuple(kept["patterns"]),
        only=kept["only"],
        from_=tuple(kept["from"]),
        workflow=kept["workflow"],
        commit=kept["commit"],
        given=tuple((name, value) for name, value in kept["given"]),
        forget=tuple(kept["forget"]),
        force=kept["force"],
        confirm=kept["confirm"],
        state=kept["state"],
        kill=kept["kill"],
    )
