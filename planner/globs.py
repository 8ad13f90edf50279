"""Globs over paths of a repository: `*` and `?` stay within a folder, `**` does not, `{a,b}` is either."""

from __future__ import annotations

import re
from functools import lru_cache

SIGNS = frozenset("*?[{\\")


@lru_cache(maxsize=4096)
def glob_pattern(glob: str) -> re.Pattern[str]:
    """The regular expression that matches whole paths as the glob does."""
    return re.compile(_translated(glob), re.DOTALL)


def matches(glob: str, path: str) -> bool:
    """Whether the glob names this path; a glob that ends in `/` names all that lies below."""
    return glob_pattern(glob).fullmatch(path) is not None


def fixed_folder(glob: str) -> str:
    """The folder in which everything lies that the glob can match: its leading segments without a sign."""
    segments = _normal(glob).split("/")
    fixed = []
    for segment in segments[:-1]:
        if SIGNS & set(segment):
            break
        fixed.append(segment)
    return "/".join(fixed)


def escaped(path: str) -> str:
    """A glob that matches this very path."""
    return re.sub(r"([*?\[{\\])", r"\\\1", path)


def _normal(glob: str) -> str:
    plain = "/".join(part for part in glob.split("/") if part not in ("", "."))
    return plain + "/**" if glob.endswith("/") else plain


def _translated(glob: str) -> str:
    segments = _normal(glob).split("/")
    found: list[str] = []
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "**":
            found.append(".*" if last else "(?:.*/)?")
        else:
            found.append(_segment(segment) + ("" if last else "/"))
    return "".join(found)


def _segment(text: str) -> str:
    found: list[str] = []
    place = 0
    while place < len(text):
        piece, place = _piece(text, place)
        found.append(piece)
    return "".join(found)


def _piece(text: str, place: int) -> tuple[str, int]:
    sign = text[place]
    if sign == "*":
        end = place
        while end < len(text) and text[end] == "*":
            end += 1
        return "[^/]*", end
    if sign == "?":
        return "[^/]", place + 1
    if sign == "\\" and place + 1 < len(text):
        return re.escape(text[place + 1]), place + 2
    closing = text.find({"[": "]", "{": "}"}.get(sign, "\0"), place + 2)
    if sign == "[" and closing > 0:
        return _set(text[place + 1 : closing]), closing + 1
    if sign == "{" and closing > 0:
        return "(?:" + "|".join(_segment(one) for one in text[place + 1 : closing].split(",")) + ")", closing + 1
    return re.escape(sign), place + 1


def _set(inner: str) -> str:
    negated = inner[0] in "!^"
    members = inner[1:] if negated else inner
    if not members:
        return re.escape(f"[{inner}]")
    members = re.sub(r"([\\\[\]^&~|])", r"\\\1", members)
    return f"(?!/)[{'^' if negated else ''}{members}]"
