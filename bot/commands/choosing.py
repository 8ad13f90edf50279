"""Which of what waits, or is held, a command means: it knows these by their aliases, as it was told of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from bot.decide.comment import Command
from bot.errors import WrongUse
from planner.selection import GLOB_SIGNS


class Named(Protocol):
    """Something of an environment: its alias, and the workflow that this is in."""

    @property
    def alias(self) -> str:
        """The environment's alias."""

    @property
    def workflow(self) -> str:
        """The workflow's name."""

    @property
    def file(self) -> str:
        """The workflow's file."""


AnyNamed = TypeVar("AnyNamed", bound=Named)


def means(command: Command, one: Named) -> bool:
    """Whether the command names this environment; one that names none means all (of its `--workflow`)."""
    here = command.workflow in (None, one.workflow, one.file)
    return here and (not command.patterns or any(_names(pattern, one) for pattern in command.patterns))


def meant(command: Command, found: Iterable[AnyNamed]) -> list[AnyNamed]:
    """What the command means of these. Raises WrongUse for an alias that several workflows have, with their list."""
    chosen = [one for one in found if means(command, one)]
    for pattern in command.patterns:
        exact = [one for one in chosen if one.alias.casefold() == pattern.casefold()]
        owners = sorted({one.workflow for one in exact})
        if len({one.file for one in exact}) > 1:
            raise WrongUse(
                f"{pattern!r} is in several workflows: {', '.join(owners)}", "say which with --workflow NAME"
            )
    return chosen


def unmet(command: Command, found: Sequence[Named]) -> list[str]:
    """The names of the command that mean none of these."""
    return [pattern for pattern in command.patterns if not any(_names(pattern, one) for one in found)]


def _names(pattern: str, one: Named) -> bool:
    key, wanted = one.alias.casefold(), pattern.casefold()
    return key == wanted or (any(sign in wanted for sign in GLOB_SIGNS) and fnmatchcase(key, wanted))
