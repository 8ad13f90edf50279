"""What people and machines read: aligned tables, tones instead of colours, JSON, errors.

Names from a repository are data: whatever could steer a terminal is shown escaped.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import click

# Control characters, marks that turn the direction of writing, and the surrogates of names that are not UTF-8.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_GAP = "  "
_LEAST_LAST_COLUMN = 20


class Tone(StrEnum):
    """What a piece of text means; its colour is chosen here and nowhere else."""

    PLAIN = "plain"
    STRONG = "strong"
    FAINT = "faint"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    BUSY = "busy"


_STYLES: Mapping[Tone, Mapping[str, Any]] = {
    Tone.STRONG: {"bold": True},
    Tone.FAINT: {"dim": True},
    Tone.GOOD: {"fg": "green"},
    Tone.BAD: {"fg": "red"},
    Tone.WARN: {"fg": "yellow"},
    Tone.BUSY: {"fg": "cyan"},
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text with its tone. A plain `str` is a cell as well."""

    text: str
    tone: Tone = Tone.PLAIN


def printable(text: str) -> str:
    """One line of text that cannot steer a terminal: control and direction characters are shown escaped."""
    return _STEERING.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def paint(text: str, tone: Tone) -> str:
    """The text in its colour; `say` takes the colour out again where no terminal reads."""
    style = _STYLES.get(tone)
    return click.style(text, **style) if style and text else text


def width_of(text: str) -> int:
    """How many columns of a terminal the text takes (emoji and East Asian signs take two)."""
    if text.isascii():
        return len(text)
    return sum(_sign_width(sign) for sign in text)


def _sign_width(sign: str) -> int:
    if unicodedata.combining(sign) or sign in "\u200d\ufe0e\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def terminal_width() -> int | None:
    """The columns of the terminal that reads the answer; None where none does, so that nothing is cut or wrapped."""
    if not sys.stdout.isatty():
        return None
    import shutil  # noqa: PLC0415  (--help does without)

    return shutil.get_terminal_size().columns


def say(text: str = "") -> None:
    """Print a part of the answer."""
    click.echo(text)


def note(text: str, *, quiet: bool) -> None:
    """Tell something that is not the answer, on stderr, unless `--quiet`."""
    if not quiet:
        click.echo(text, err=True)


def print_json(value: object) -> None:
    """Print the answer for machines: one line, or indented where a person looks on. ASCII, hence always writable."""
    import json  # noqa: PLC0415  (--help does without)

    indent = 2 if sys.stdout.isatty() else None
    click.echo(json.dumps(value, indent=indent, separators=None if indent else (",", ":")))


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str | Cell]],
    *,
    right: Iterable[str] = (),
    width: int | None = None,
) -> str:
    """Columns under faint headers; `right` names those of numbers. The last column wraps at `width`."""
    title = [Cell(header, Tone.FAINT) for header in headers]
    lines = [title, *([_cell(one) for one in row] for row in rows)]
    widths = [max(width_of(line[column].text) for line in lines) for column in range(len(headers))]
    turned = [header in set(right) for header in headers]
    return "\n".join(_row(line, widths, turned, width) for line in lines)


def _cell(value: str | Cell) -> Cell:
    cell = value if isinstance(value, Cell) else Cell(value)
    return Cell(printable(cell.text), cell.tone)


def _row(cells: Sequence[Cell], widths: Sequence[int], turned: Sequence[bool], width: int | None) -> str:
    *front, last = cells
    start = sum(widths[:-1]) + len(_GAP) * len(front)
    parts = [_padded(cell, wide, right=turn) for cell, wide, turn in zip(front, widths, turned, strict=False)]
    if turned[-1]:
        parts.append(_padded(last, widths[-1], right=True))
    else:
        parts.append(f"\n{' ' * start}".join(paint(piece, last.tone) for piece in _wrapped(last.text, start, width)))
    return _GAP.join(parts).rstrip()


def _padded(cell: Cell, width: int, *, right: bool) -> str:
    space = " " * (width - width_of(cell.text))
    return space + paint(cell.text, cell.tone) if right else paint(cell.text, cell.tone) + space


def _wrapped(text: str, start: int, width: int | None) -> list[str]:
    """The last column's lines; left whole where the terminal is too narrow for a column of words."""
    if width is None or width - start < _LEAST_LAST_COLUMN:
        return [text]
    import textwrap  # noqa: PLC0415  (--help does without)

    return textwrap.wrap(text, width - start, break_long_words=False, break_on_hyphens=False) or [""]


def print_error(what: str, mend: str = "", *, color: bool | None = None) -> None:
    """Print `error: what` and below it, indented, what to do; on stderr."""
    first, *more = f"{what}\n{mend}".strip("\n").split("\n")
    click.echo(f"{paint('error:', Tone.BAD)} {printable(first)}", err=True, color=color)
    for line in more:
        click.echo(f"  {printable(line)}", err=True, color=color)


def print_lines_as_errors(lines: Iterable[str], *, color: bool | None = None) -> None:
    """Print problems one a line on stderr, without a word before them: editors jump to `file:line:column`."""
    for line in lines:
        click.echo(printable(line), err=True, color=color)
