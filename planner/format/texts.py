"""Texts from outside, as they may be shown."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")

PRINTABLE_PATTERN = (
    "^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ufeff\\ufffe\\uffff]+$"
)
"""The same as a pattern of JSON Schema."""


def unprintable(text: str) -> str | None:
    """The first character of a text that nobody can see or that turns its order, as `U+0007`; None if there is none.

    Joiners within emoji are no such characters, though `str.isprintable` says so.
    """
    odd = _UNPRINTABLE.search(text)
    return None if odd is None else f"U+{ord(odd[0]):04X}"


def shown(text: str) -> str:
    """A text of a file, quoted for a message: short, without control characters."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
