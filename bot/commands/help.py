"""`/help`, and the help texts of all commands, made from their grammars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.commands.base import Verb
from bot.commands.case import Case, Outcome
from bot.decide.comment import Argument, Grammar
from bot.decide.comment_grammar import VALUES, Option
from bot.decide.pull_facts import PullState
from bot.store.conversation import CommandState


def act(case: Case) -> Outcome:
    """List the commands, or tell more about one."""
    return Outcome(CommandState.DONE, answer=help_text(case.command.patterns[0] if case.command.patterns else None))


VERB = Verb(
    Grammar(
        verb="help",
        summary="This list, or more about one command",
        usage=("/help [COMMAND]",),
        argument=Argument.COMMAND,
        examples=(("/help deploy", "how `/deploy` is written, and what it does"),),
    ),
    act=act,
)

_ENVIRONMENT = "ENV is an alias."
_NAMES = "ENV is an alias, or a glob such as `net-*`; without one, all are meant."
_BRINGS = "What is named brings its affected downstream along, never its upstream."
_QUOTES = "A name with spaces or signs is quoted: `'my db'`."


def help_text(verb: str | None) -> str:
    """What `/help` and `/help VERB` answer, in Markdown; about a verb that there is none of, the list."""
    from bot.commands import GRAMMARS  # noqa: PLC0415 - the table of all commands holds this one

    grammar = GRAMMARS.get(verb or "")
    return _list(GRAMMARS) if grammar is None else f"### `/{grammar.verb}`\n\n{description(grammar)}"


def _list(grammars: Mapping[str, Grammar]) -> str:
    return "\n".join(
        [
            "### Commands",
            "",
            "Each at the start of a line, in a new comment.",
            "",
            command_table(grammars.values()),
            "",
            "`/help COMMAND` tells more of one. " + _QUOTES,
        ]
    )


def command_table(grammars: Iterable[Grammar]) -> str:
    """All commands with what each is for, as a table."""
    rows = [f"| `/{one.verb}` | {one.summary} |" for one in grammars]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def description(grammar: Grammar) -> str:
    """How a command is written and what it does, in Markdown without a heading."""
    parts = [
        f"{grammar.summary}.",
        "```text\n" + "\n".join(grammar.usage) + "\n```",
        _about_names(grammar),
        _options(grammar),
        grammar.more,
        "\n".join(f"- `{line}`: {what}" for line, what in grammar.examples),
        _where(grammar),
    ]
    return "\n\n".join(part for part in parts if part)


def _about_names(grammar: Grammar) -> str:
    if grammar.argument is Argument.ENVIRONMENT:
        return f"{_ENVIRONMENT} {_QUOTES}"
    if grammar.argument is not Argument.ENVIRONMENTS:
        return ""
    brings = grammar.brings or (_BRINGS if grammar.takes(Option.ONLY) else "")
    return " ".join(part for part in (_NAMES, brings, _QUOTES) if part)


def _options(grammar: Grammar) -> str:
    rows = [(f"{option} {VALUES.get(option, '')}".rstrip(), what) for option, what in grammar.options]
    if grammar.commit:
        rows.append(("@SHA", "At this commit: 7 to 64 hexadecimal digits."))
    lines = [f"| `{written}` | {what} |" for written, what in rows]
    return "\n".join(["| option | what it does |", "|---|---|", *lines]) if lines else ""


_STATES = {PullState.OPEN: "open", PullState.MERGED: "merged", PullState.CLOSED: "closed without a merge"}


def _where(grammar: Grammar) -> str:
    if grammar.where == frozenset(PullState):
        return ""
    return f"Works on pull requests that are {' or '.join(_STATES[one] for one in _STATES if one in grammar.where)}."
