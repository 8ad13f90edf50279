"""What a comment asks for: text in, commands and mistakes out. Never fails, in a time linear in the text.

A command stands at the start of a line, as GitHub shows it: `/plan`, `/headwater plan`, `headwater /plan`, and
`headwater plan` where that does not read as a sentence. Other words with a slash are other people's, or paths; one that
is nearly a command, or looks like one, is a mistake that is told and never run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import islice

from bot.decide.comment_arguments import command_of
from bot.decide.comment_grammar import Argument, Command, Elsewhere, Grammar, Mistake, Option, WrongLine
from bot.decide.comment_lines import LINE_END, Standing, standings
from bot.decide.comment_lookalikes import character_name, meant_word, odd_character
from bot.decide.comment_words import spelled
from planner.format.texts import shown, unprintable

__all__ = ["Argument", "Command", "Elsewhere", "Grammar", "Mistake", "Option", "parse", "spelled"]

MOST_COMMANDS = 20
"""In one comment; each may start jobs and is answered."""

PROGRAM = "headwater"
_LONGEST_SHOWN = 200
_START = re.compile(r" {0,3}([^ \t]+)")
_FIRST = re.compile(r"([^ \t]+)[ \t]*(.*)", re.DOTALL)
_TABS = str.maketrans("\t", " ")

# Words that are in sentences and hardly ever names: `headwater plan is nice` asks for nothing.
_PROSE = frozenset((
    "a", "again", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "broke", "but", "by", "can",
    "cannot", "could", "did", "do", "does", "doesn't", "done", "failed", "fails", "fine", "for", "from", "good", "had",
    "has", "have", "here", "how", "i", "if", "in", "is", "isn't", "it", "its", "just", "like", "looks", "me", "my",
    "never", "nice", "not", "now", "of", "on", "or", "our", "output", "please", "says", "seems", "should", "shows",
    "so", "still", "stuck", "that", "the", "then", "there", "this", "to", "too", "was", "we", "were", "what", "when",
    "which", "why", "will", "with", "works", "would", "you", "your",
))  # fmt: skip


def parse(text: str, grammars: Mapping[str, Grammar]) -> tuple[Command | Mistake, ...]:
    """The commands of a comment, and what was meant as one and cannot be run, in the order of the lines.

    `grammars` holds the commands by their verbs. Only as many as `MOST_COMMANDS` are taken; then a mistake says so.
    """
    names = frozenset(f"/{verb}" for verb in (*grammars, PROGRAM))
    lines = LINE_END.split(text)
    maybe = [number for number, line in enumerate(lines, start=1) if _may_be_meant(line, names)]
    if not maybe:
        return ()
    where = standings(text)
    said = (_said(number, lines[number - 1], where[number], grammars) for number in maybe if number in where)
    told = tuple(islice((one for one in said if one is not None), MOST_COMMANDS + 1))
    if len(told) <= MOST_COMMANDS:
        return told
    rest = told[MOST_COMMANDS]
    message = f"this and what follows was not run: a comment may hold {MOST_COMMANDS} commands"
    return (*told[:MOST_COMMANDS], Mistake(rest.line, _cut(rest.text), message, "Write the rest in another comment"))


def _may_be_meant(line: str, names: Collection[str]) -> bool:
    """Whether it is worth finding out where a line stands: most comments hold no such line."""
    first = _START.match(line)
    if first is None:
        return False
    return first[1][0] == "/" or first[1].lower() == PROGRAM or meant_word(first[1], names) is not None


def _said(number: int, line: str, standing: Standing, grammars: Mapping[str, Grammar]) -> Command | Mistake | None:
    """What one line says. A command that only seems to be its author's own is told as a mistake."""
    if standing is not Standing.OWN:
        return _said_within(number, line, standing, grammars)
    text = line.strip(" \t")
    try:
        return _spoken(Command("", number, text), text, grammars)
    except WrongLine as wrong:
        return Mistake(number, _cut(text), wrong.message, _cut(wrong.hint.rstrip()) or "/help")


def _said_within(number: int, line: str, standing: Standing, grammars: Mapping[str, Grammar]) -> Mistake | None:
    """A line at the very left that GitHub shows as part of what is above it; only a whole command is worth a word."""
    text = line.strip(" \t")
    first, _ = _parted(line)
    if first.lower() not in (PROGRAM, f"/{PROGRAM}") and first[1:].lower() not in grammars:
        return None
    try:
        if _spoken(Command("", number, text), text, grammars) is None:
            return None
    except WrongLine:
        return None
    message = f"this line belongs to the {standing.value} above it: leave an empty line before it"
    return Mistake(number, _cut(text), message, _cut(text))


def _spoken(bare: Command, text: str, grammars: Mapping[str, Grammar]) -> Command | None:
    """The command that a line is; None where it is none. Raises `WrongLine` where it was meant as one."""
    first, rest = _parted(text)
    if first.isascii() and first.lower() == f"/{PROGRAM}":
        if not rest:
            raise WrongLine(f"{first} says no command; /help lists them")
        return _with_slash(bare, "/" + rest.removeprefix("/"), grammars, ours=True)
    if first.isascii() and first.lower() == PROGRAM and rest.startswith("/"):
        return _with_slash(bare, rest, grammars, ours=False)
    if first == PROGRAM:
        return _without_slash(bare, rest, grammars)
    return _with_slash(bare, text, grammars, ours=False)


def _parted(text: str) -> tuple[str, str]:
    """The first word, and the rest."""
    first = _FIRST.match(text)
    return (first[1], first[2]) if first else ("", "")


def _without_slash(bare: Command, rest: str, grammars: Mapping[str, Grammar]) -> Command | None:
    """`headwater plan db` is a command; what has a mistake in it or reads as a sentence is none."""
    verb, arguments = _parted(rest)
    if verb not in grammars or rest[-1] in ".,;:!?" or not _PROSE.isdisjoint(arguments.lower().split()):
        return None
    try:
        return _understood(bare, grammars[verb], arguments, grammars)
    except WrongLine:
        return None


def _with_slash(bare: Command, text: str, grammars: Mapping[str, Grammar], *, ours: bool) -> Command | None:
    """A command with its slash. `ours`: `/headwater` stands before it, so an unknown one is told, too."""
    word, rest = _parted(text)
    if word[:1] == "/" and word.isascii() and (verb := word[1:].lower()) in grammars:
        return _understood(bare, grammars[verb], rest, grammars)
    known = [f"/{verb}" for verb in (*grammars, PROGRAM)]
    meant = meant_word(word, known)
    if meant is not None:
        raise WrongLine(f"{shown(word)} is not {meant}: it has the character {odd_character(word)}", f"{meant} {rest}")
    if word[:1] == "/" and "/" not in word[1:]:
        near = _nearly(word[1:], grammars)
        if near is not None:
            raise WrongLine(f"there is no command {shown(word)}; did you mean /{near}?", f"/{near} {rest}")
    if ours:
        raise WrongLine(f"there is no command {shown(word)}; /help lists them")
    return None


def _understood(bare: Command, grammar: Grammar, rest: str, grammars: Mapping[str, Grammar]) -> Command:
    odd = next(filter(_is_odd, rest.translate(_TABS)), None)
    if odd is not None:
        raise WrongLine(f"this has the character {character_name(odd)}, which nobody can see", grammar.usage[0])
    try:
        return command_of(replace(bare, verb=grammar.verb), grammar, rest, grammars)
    except WrongLine as wrong:
        raise WrongLine(wrong.message, wrong.hint or grammar.usage[0]) from None


def _nearly(name: str, verbs: Collection[str]) -> str | None:
    """The verb of which this is a slip of the hand: one letter, or two in a long one."""
    distances = {verb: _distance(name.lower(), verb) for verb in verbs if abs(len(verb) - len(name)) <= 2}
    nearest = min(distances, key=distances.__getitem__, default="")
    return nearest if nearest and distances[nearest] <= (1 if len(nearest) < 7 else 2) else None


def _distance(one: str, other: str) -> int:
    """How many letters must be added, dropped, replaced or swapped with their neighbours (Damerau, Levenshtein)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        earlier, before, row = before, row, [i]
        for j, aim in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != aim))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == aim:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _cut(text: str) -> str:
    """A text short enough to be repeated, without what cannot be stored or seen."""
    short = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_odd(one) else one for one in short.translate(_TABS))


def _is_odd(character: str) -> bool:
    """Whether nobody can see it, it turns the order of others, or it is half a character, which nothing can store."""
    return unprintable(character) is not None or "\ud800" <= character <= "\udfff"
