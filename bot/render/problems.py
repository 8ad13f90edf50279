"""Problems of definitions as they are stored: `file:line:column: what is wrong, and how to mend it`."""

from __future__ import annotations

import re
from typing import NamedTuple

_PLACED = re.compile(r"(.+?):(\d{1,9}):(\d{1,9}): (.*)", re.DOTALL)
WARNING = "warning: "


class ProblemPlace(NamedTuple):
    """Where a problem is; line and column count from 1."""

    path: str
    line: int
    column: int


def place_of(problem: str) -> tuple[ProblemPlace | None, str]:
    """The place of a problem, if it tells one, and its message."""
    found = _PLACED.fullmatch(problem)
    if found is None:
        return None, problem
    return ProblemPlace(found[1], int(found[2]), int(found[3])), found[4]
