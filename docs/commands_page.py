"""The page of all commands, from their grammars."""

from __future__ import annotations

from bot.commands import GRAMMARS
from bot.commands.help import command_table, description
from bot.decide.comment import MOST_COMMANDS
from bot.decide.pull_facts import PullState

_INTRODUCTION = """\
<!-- Written by `make docs` from bot/commands/: do not edit. -->
# Commands on pull requests
"""

_WRITING = f"""\
## How to write one

In a new comment, at the start of a line (up to three spaces before it do no harm). There may be text around it, and
up to {MOST_COMMANDS} commands in one comment: they run in order.

- `/plan db`, `/headwater plan db` and `headwater /plan db` are the same; the longer ones tell them from those of other
  bots. `headwater plan db`, without a slash, works where the line does not read as a sentence.
- ENV is an alias or a glob, without regard to case. `*` and `?` stand for any characters, `[ab]` for one of these. An
  alias that is spelled like a glob is that alias.
- A name with spaces or signs is quoted: `'my db'`, `"my db"`, also with backticks or the quotes that telephones make.
  A quote within is doubled: `'it''s mine'`. A quote that is not at the beginning of a word is a sign like any other.
  What is quoted is never an option or a commit.
- A value is quoted as a whole or after its `=`: `-v NAME='a b'`.
- `--help` after any command is `/help` about it.

Headwater sees comments as GitHub shows them. Nothing is a command that is quoted, in code, in a list or table, hidden
(`<details>`, HTML comments), struck out, edited into an old comment, or written by a bot. A line that GitHub shows as
part of the quote, list, table or HTML right above it is not run either, but told: leave an empty line before it.

A slip such as `/deply` is answered with what was probably meant, and never run; so is a command with characters that
only look right (`/dеploy` with a Cyrillic е) or that nobody can see. Other words with a slash are left to others.
"""

_STATES = {
    PullState.OPEN: "an open pull request",
    PullState.MERGED: "a merged one",
    PullState.CLOSED: "one that was closed without a merge",
}


def commands_page() -> str:
    """All commands, how they are written, and where they work."""
    sections = [f"## /{one.verb}\n\n{description(one)}\n" for one in GRAMMARS.values()]
    return "\n".join([_INTRODUCTION, command_table(GRAMMARS.values()), "", _WRITING, _places(), *sections])


def _places() -> str:
    lines = [
        f"- {name}: {', '.join(f'`/{one.verb}`' for one in GRAMMARS.values() if state in one.where)}"
        for state, name in _STATES.items()
    ]
    return "\n".join(["## Where they work", "", "On", "", *lines, ""])
