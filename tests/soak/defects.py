"""Deliberate defects, one at a time: what the judges must catch (`make soak-selftest`)."""

from __future__ import annotations

from collections.abc import Callable

DEFECTS: dict[str, Callable[[], None]] = {}


def begin(name: str) -> None:
    """Break this process, if a defect is named."""
    if name:
        DEFECTS[name]()
