"""Globs over paths of a repository: `*` and `?` stay within a folder, `**` does not, `{a,b}` is either."""

from __future__ import annotations

import re
from functools import lru_cache

SIGNS = frozenset("*?[{\\")


MOST_CHOICES = 8  # of `{a,b}` in one glob; further ones stand for themselves, lest matching takes for ever


@lru_cache(maxsize=4096)
def glob_pattern(glob: str) -> re.Pattern[str]:
    """The regular expression that matches whole paths as the glob does, in a time that no glob can stretch."""
    try:
        return re.compile(_translated(glob), re.DOTALL)
    except re.error:  # a set such as [z-a]
        return re.compile(re.escape(_normal(glob)))


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
    """What stands between two `**` is found at its first place (`(?>…)` never looks for another): that is enough."""
    runs: list[list[str]] = [[]]
    choices = 0
    for segment in _normal(glob).split("/"):
        if segment != "**":
            choices += segment.count("{")
            runs[-1].append(_segment(segment if choices <= MOST_CHOICES else segment.replace("{", "\\{")))
        elif runs[-1] or len(runs) == 1:
            runs.append([])
    first, *others = ["/".join(run) for run in runs]
    if not others:
        return first
    *between, last = others
    found = f"{first}/" if first else ""
    found += "".join(f"(?>(?:[^/]+/)*?{run}/)" for run in between)
    return found + (f"(?:.*/)?{last}" if last else ".*")


def _segment(text: str) -> str:
    """What stands between two `*` is found at its first place, as above."""
    runs: list[str] = [""]
    place = 0
    while place < len(text):
        if text[place] == "*":
            place += 1
            if runs[-1] or len(runs) == 1:
                runs.append("")
        else:
            piece, place = _piece(text, place)
            runs[-1] += piece
    first, *others = runs
    if not others:
        return first
    *between, last = others
    return first + "".join(f"(?>[^/]*?{run})" for run in between) + f"[^/]*{last}"


def _piece(text: str, place: int) -> tuple[str, int]:
    sign = text[place]
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
