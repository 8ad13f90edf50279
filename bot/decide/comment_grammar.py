"""What a command in a comment may say, and what was understood of one. Plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.decide.pull_facts import PullState


class Option(StrEnum):
    """Every option that some command takes, as it is written."""

    ONLY = "--only"
    FROM = "--from"
    WORKFLOW = "--workflow"
    VALUE = "-v"
    FORGET = "--forget"
    CONFIRM = "--confirm"
    STATE = "--state"
    FORCE = "--force"
    KILL = "--kill"


VALUES = {
    Option.FROM: "ALIAS",
    Option.WORKFLOW: "NAME",
    Option.VALUE: "KEY=VALUE",
    Option.FORGET: "KEY",
    Option.CONFIRM: "WORKFLOW",
    Option.STATE: "ID",
}
"""What follows an option; one that is not here stands alone."""

REPEATED = frozenset((Option.FROM, Option.VALUE, Option.FORGET))
"""The options that may be given several times."""


class Argument(StrEnum):
    """What a command takes beside its options, as its usage shows it."""

    NOTHING = ""
    ENVIRONMENT = "ENV"
    ENVIRONMENTS = "[ENV…]"
    COMMAND = "[COMMAND]"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An option that people look for here and that belongs to the command `verb`; `why` ends a sentence."""

    option: Option
    verb: str
    why: str


@dataclass(frozen=True, slots=True)
class Grammar:
    """How one command is written. Its help, its page and the parser's answers are made from this.

    `options`: those that it takes, each with what it does here. `commit`: whether it takes @SHA. `examples`: a line and
    what it does. `more`: further paragraphs, in Markdown. `where`: the states of a pull request on which it works.
    `brings`: what comes along with what is named, where that is not the affected downstream.
    """

    verb: str
    summary: str
    usage: tuple[str, ...]
    argument: Argument = Argument.NOTHING
    options: tuple[tuple[Option, str], ...] = ()
    commit: bool = False
    elsewhere: tuple[Elsewhere, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()
    more: str = ""
    brings: str = ""
    where: frozenset[PullState] = frozenset(PullState)

    def takes(self, option: Option) -> bool:
        """Whether the command has this option."""
        return any(option is own for own, _ in self.options)


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was written: `line` counts from 1, `text` is that line. All else is what its grammar takes.

    `patterns`: aliases and globs; of /help, the command that is asked about. `commit`: 7 to 64 lower-case hexadecimal
    digits. `given`: the names and values of `-v`, `forget` those of `--forget`. `confirm`: the workflow of
    `--confirm`. `state`: the id of a lock of a state.
    """

    verb: str
    line: int
    text: str
    patterns: tuple[str, ...] = ()
    only: bool = False
    from_: tuple[str, ...] = ()
    workflow: str | None = None
    commit: str | None = None
    given: tuple[tuple[str, str], ...] = ()
    forget: tuple[str, ...] = ()
    force: bool = False
    confirm: str | None = None
    state: str | None = None
    kill: bool = False


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that was meant as a command and cannot be run: `message` says why, `hint` what to type instead.

    All three are plain text, of which much was written by anybody: escape it before it is shown. `text` is the line,
    cut where it is long, without characters that cannot be stored or seen.
    """

    line: int
    text: str
    message: str
    hint: str


class WrongLine(Exception):  # noqa: N818 - says what it is; never leaves the parser
    """Why a line is no command after all, and what to type instead; no hint: the usage of its command."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)
