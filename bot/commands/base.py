"""What every command has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.commands.case import Case, Deed, Outcome, done
from bot.decide.comment import Grammar, Option
from bot.decide.pull_facts import PullState


def _nothing_follows(case: Case) -> Outcome:
    """What was started goes its way; nothing is left for the command to do."""
    return done(*case.row.answer.get("said", ()))


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: how it is written, and what it does once it may.

    `act` finds out what is to be done, which may take its time, and gives the deed, which is kept together with its
    outcome: all of it, or nothing. It gives the outcome where there is nothing to keep with it. `follow` is asked again
    and again while the command is `going`: what comes after what it has started, likewise.
    """

    grammar: Grammar
    act: Callable[[Case], Outcome | Deed]
    follow: Callable[[Case], Outcome | Deed] = _nothing_follows


WHILE_OPEN = frozenset((PullState.OPEN,))
UNLESS_MERGED = frozenset((PullState.OPEN, PullState.CLOSED))

# The options that mean the same wherever they are taken.
ONLY = (Option.ONLY, "These alone, without what lies downstream.")
FROM = (Option.FROM, "This, and all that lies downstream, affected or not. May be given several times.")
WORKFLOW = (Option.WORKFLOW, "Only this workflow: its name, or its file.")
"""For commands that choose environments."""
