"""What every command has."""

from __future__ import annotations

from dataclasses import dataclass

from bot.decide.comment import Grammar, Option
from bot.decide.pull_facts import PullState


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: how it is written."""

    grammar: Grammar


WHILE_OPEN = frozenset((PullState.OPEN,))
UNLESS_MERGED = frozenset((PullState.OPEN, PullState.CLOSED))

# The options that mean the same wherever they are taken.
ONLY = (Option.ONLY, "These alone, without what lies downstream.")
FROM = (Option.FROM, "This, and all that lies downstream, affected or not. May be given several times.")
WORKFLOW = (Option.WORKFLOW, "Only this workflow: its name, or its file.")
"""For commands that choose environments."""
