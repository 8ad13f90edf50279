"""The words of a command: an alias may hold anything, so it may be quoted.

A quote opens at the beginning of a word, or after its first `=`; anywhere else it is a sign like any other (`it's`).
Within quotes a doubled one stands for itself, as in YAML and SQL. Besides the plain ones there are backticks (what one
writes around a name in Markdown) and those into which telephones turn plain ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.decide.comment_grammar import WrongLine
from planner.format.texts import shown

MOST_WORDS = 500

_CLOSING = {"'": "'", '"': '"', "`": "`", "“": "”", "‘": "’", "„": "“”", "«": "»"}
_BARE = re.compile(r"[^ \t=]*")
_PLAIN = re.compile(r"\w[\w./:+-]*")


@dataclass(frozen=True, slots=True)
class Word:
    """One word, without its quotes. One that begins with a quote is never an option or a commit."""

    text: str
    quoted: bool = False


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a line, split at spaces and tabs outside quotes. Raises `WrongLine`."""
    found: list[Word] = []
    place = _after_spaces(text, 0)
    while place < len(text):
        if len(found) == MOST_WORDS:
            raise WrongLine(f"this is too much for one line: at most {MOST_WORDS} words")
        word, place = _word(text, place)
        found.append(word)
        place = _after_spaces(text, place)
    return tuple(found)


def spelled(name: str) -> str:
    """A name as it is written in a command: quoted, unless it is plain letters, digits and a few signs."""
    return name if _PLAIN.fullmatch(name) else "'" + name.replace("'", "''") + "'"


def _after_spaces(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t":
        place += 1
    return place


def _word(text: str, place: int) -> tuple[Word, int]:
    """The word that begins at this place, and the place after it."""
    if text[place] in _CLOSING:
        inner, end = _quoted(text, place)
        return Word(inner, quoted=True), end
    bare = _BARE.match(text, place)
    end = bare.end() if bare else place
    if text[end : end + 1] == "=" and text[end + 1 : end + 2] in _CLOSING:
        inner, after = _quoted(text, end + 1)
        return Word(text[place : end + 1] + inner), after
    while end < len(text) and text[end] not in " \t":
        end += 1
    return Word(text[place:end]), end


def _quoted(text: str, place: int) -> tuple[str, int]:
    """What stands between the quote at this place and its partner, and the place after that."""
    opening, closings = text[place], _CLOSING[text[place]]
    parts: list[str] = []
    start = place = place + 1
    while place < len(text):
        if text[place] not in closings:
            place += 1
            continue
        parts.append(text[start:place])
        if text[place : place + 2] == opening * 2:  # only a quote that closes itself can be doubled
            parts.append(opening)
            start = place = place + 2
            continue
        if text[place + 1 : place + 2] not in ("", " ", "\t"):
            raise WrongLine(f"there is no space after {shown(opening + ''.join(parts) + text[place])}")
        return "".join(parts), place + 1
    raise WrongLine(f"the quote {opening} is opened and never closed")
