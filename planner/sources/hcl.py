"""A scanner for HCL: names, signs, texts and heredocs with what they interpolate. Comments are left out.

It gives tokens, not a tree: enough to find blocks, attributes and calls. It never fails; of a file that is no HCL
it gives what it can. Its time is linear in the length of the text.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple, TypeAlias

DEEPEST = 60  # texts within interpolations within texts; beyond, a file is taken as hostile and read no further


class Sort(IntEnum):
    """What a token is."""

    NAME = 0
    SIGN = 1
    TEXT = 2
    HEREDOC = 3


NAME, SIGN, TEXT, HEREDOC = Sort  # looked up often


class Token(NamedTuple):
    """A name (with what follows by dots) or sign as it stands, or a text.

    `parts` of a text are its literal pieces and, between them, the tokens that it interpolates.
    """

    sort: Sort
    text: str
    parts: tuple[Part, ...] = ()


Part: TypeAlias = "str | tuple[Token, ...]"

_SIGNS = {sign: Token(SIGN, sign) for sign in "{}()[],="}

_TOKEN = re.compile(
    r"""(?:[^\w"\#/<{}()\[\],=] | \d[\w.]* | =[=>] | /(?![/*]) | <(?!<))+  # spaces, numbers, operators
    | \#[^\n]* | //[^\n]* | /\*(?s:.*?)(?:\*/|\Z)
    | (?P<name>[^\W\d][\w-]*(?:\.[^\W\d][\w-]*)*)
    | (?P<sign>[{}()\[\],=])
    | "(?P<plain>[^"\\$%\n]*)"
    | (?P<quote>")
    | <<-?(?P<heredoc>[^\W\d][\w-]*)[ \t]*\r?\n
    | .""",
    re.VERBOSE,
)
_NAME, _SIGN, _PLAIN, _QUOTE, _HEREDOC = (
    _TOKEN.groupindex[one] for one in ("name", "sign", "plain", "quote", "heredoc")
)
_LITERAL = re.compile(r'(?:[^"\\$%\n]|\\[^\n]|\$\$\{|%%\{|\$(?!\{)|%(?!\{))+')
_BARE_LITERAL = re.compile(r"(?:[^$%]|\$\$\{|%%\{|\$(?!\{)|%(?!\{))+", re.DOTALL)
_HEREDOC_LINE = re.compile(r"(?:[^$%\n]|\$\$\{|%%\{|\$(?!\{)|%(?!\{))*\n?")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))|([$%])[$%](?=\{)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


class TooDeep(Exception):  # noqa: N818 - never leaves this module
    """More nesting than a person writes."""


def tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens of a file."""
    try:
        return _Scanner(text).tokens(closed_by=None)
    except TooDeep:
        return ()


def template_of(text: str) -> Token:
    """A text that stands in JSON, where HCL's quotes are not written."""
    scanner = _Scanner(text)
    try:
        return Token(TEXT, "", scanner.bare_parts())
    except TooDeep:
        return Token(TEXT, "", ())


class _Scanner:
    """One text and the place in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._names: dict[str, Token] = {}

    def tokens(self, closed_by: str | None) -> tuple[Token, ...]:
        """The tokens up to the end, or to the brace that closes an interpolation."""
        found: list[Token] = []
        open_braces = 0
        text, match_at, names = self._text, _TOKEN.match, self._names
        while (match := match_at(text, self._at)) is not None:
            self._at = match.end()
            kind = match.lastindex
            if kind is None:
                continue
            if kind == _NAME:
                name = match[0]
                found.append(names.get(name) or names.setdefault(name, Token(NAME, name)))
            elif kind == _SIGN:
                sign = match[0]
                if sign == "}" and closed_by == "}" and not open_braces:
                    break
                open_braces += (sign == "{") - (sign == "}")
                found.append(_SIGNS[sign])
            elif kind == _PLAIN:
                plain = match[kind]
                found.append(Token(TEXT, plain, (plain,)))
            elif kind == _QUOTE:
                found.append(Token(TEXT, "", self._quoted_parts()))
            else:
                found.append(Token(HEREDOC, "", self._heredoc_parts(match[_HEREDOC])))
        return tuple(found)

    def bare_parts(self) -> tuple[Part, ...]:
        """The parts of a text that ends where the scanner's text ends."""
        parts: list[Part] = []
        while self._at < len(self._text):
            literal = _BARE_LITERAL.match(self._text, self._at)
            if literal is not None:
                self._at = literal.end()
                parts.append(_ESCAPE.sub(_plain_dollar, literal[0]))
            else:
                parts.append(self._interpolated())
        return tuple(parts)

    def _quoted_parts(self) -> tuple[Part, ...]:
        """The parts of a text whose first quote was read; a line's end closes it too, for it may not stand there."""
        parts: list[Part] = []
        while self._at < len(self._text):
            literal = _LITERAL.match(self._text, self._at)
            if literal is not None:
                self._at = literal.end()
                parts.append(_ESCAPE.sub(_unescaped, literal[0]))
            elif self._text[self._at] in '"\n':
                self._at += 1
                break
            elif self._text[self._at] in "$%":
                parts.append(self._interpolated())
            else:
                self._at += 1
        return tuple(parts)

    def _heredoc_parts(self, marker: str) -> tuple[Part, ...]:
        parts: list[Part] = []
        end = re.compile(rf"[ \t]*{re.escape(marker)}[ \t]*\r?(?:\n|\Z)")
        at_line_start = True
        while self._at < len(self._text):
            if at_line_start and (closing := end.match(self._text, self._at)) is not None:
                self._at = closing.end()
                break
            literal = _HEREDOC_LINE.match(self._text, self._at)
            if literal is not None and literal[0]:
                self._at = literal.end()
                parts.append(_ESCAPE.sub(_plain_dollar, literal[0]))
                at_line_start = literal[0].endswith("\n")
            else:
                parts.append(self._interpolated())
                at_line_start = False
        return tuple(parts)

    def _interpolated(self) -> tuple[Token, ...]:
        """The tokens of `${…}` or `%{…}`, with the scanner at its sign."""
        self._at += 2
        self._depth += 1
        if self._depth > DEEPEST:
            raise TooDeep
        found = self.tokens(closed_by="}")
        self._depth -= 1
        return found


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    if code:
        number = int(code, 16)
        return chr(number) if number < 0x110000 else ""
    return match[4] or _ESCAPED.get(match[3], match[3])


def _plain_dollar(match: re.Match[str]) -> str:
    return match[4] or match[0]
