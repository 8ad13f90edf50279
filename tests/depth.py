"""How deep tests with random input dig: modestly in `make test`, and as deep as somebody asks."""

from __future__ import annotations

import os

DEPTH = float(os.environ.get("HEADWATER_TEST_DEPTH", "1"))
"""How many times as many examples, and as long ones, as in `make test`."""


def examples(number: int) -> int:
    """So many examples, or more where somebody asked for depth."""
    return max(1, round(number * DEPTH))
