"""Which events a workflow hears: branch, tag and path filters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

PULL_TYPES = ("opened", "synchronize", "reopened")


def pattern(text: str) -> re.Pattern[str]:
    """A filter pattern as a regular expression: `*` stays within a folder, `**` does not."""
    out, place = "", 0
    while place < len(text):
        sign = text[place]
        if text.startswith("**", place):
            out, place = out + ".*", place + 2
            continue
        if sign == "\\" and place + 1 < len(text):
            out, place = out + re.escape(text[place + 1]), place + 2
            continue
        if sign == "[" and "]" in text[place:]:
            end = text.index("]", place)
            out, place = out + text[place : end + 1], end + 1
            continue
        out += {"*": "[^/]*", "?": "?", "+": "+"}.get(sign, re.escape(sign))
        place += 1
    return re.compile(out + r"\Z")


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name is let through; a later `!pattern` takes back."""
    found = False
    for text in patterns:
        if text.startswith("!"):
            found = found and not pattern(text[1:]).match(name)
        else:
            found = found or pattern(text).match(name) is not None
    return found


def _let_through(filters: dict[str, Any], kind: str, name: str) -> bool:
    wanted, ignored = _list(filters.get(kind)), _list(filters.get(f"{kind}-ignore"))
    return (not wanted or matches(name, wanted)) and not (ignored and matches(name, ignored))


def _list(found: Any) -> list[str]:
    return [str(found)] if isinstance(found, str) else [str(one) for one in found or []]


def hears_push(filters: dict[str, Any] | None, ref: str, paths: Iterable[str]) -> bool:
    """Whether `on: push` with these filters hears of a push to this ref."""
    known = filters or {}
    kind, other = ("tags", "branches") if ref.startswith("refs/tags/") else ("branches", "tags")
    about_other = any(name in known for name in (other, f"{other}-ignore"))
    about_this = any(name in known for name in (kind, f"{kind}-ignore"))
    if about_other and not about_this:
        return False
    return _let_through(known, kind, ref.split("/", 2)[2]) and _paths(known, paths)


def hears_pull(filters: dict[str, Any] | None, action: str, base: str, paths: Iterable[str]) -> bool:
    """Whether `on: pull_request` with these filters hears of this."""
    known = filters or {}
    types = _list(known.get("types")) or PULL_TYPES
    return action in types and _let_through(known, "branches", base) and _paths(known, paths)


def _paths(filters: dict[str, Any], paths: Iterable[str]) -> bool:
    found = list(paths)
    wanted, ignored = _list(filters.get("paths")), _list(filters.get("paths-ignore"))
    if wanted and not any(matches(path, wanted) for path in found):
        return False
    return not ignored or any(not matches(path, ignored) for path in found)
