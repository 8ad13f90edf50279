"""How long to try again, and with what pauses."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

_FIRST = 0.5
_LONGEST = 15.0


def pauses(seconds: float) -> Iterator[float]:
    """The pauses between tries, one at least and longer each time, until so many seconds are over.

    Chance is part of them, so that the jobs of a whole matrix do not come back to a restarted server all at once.
    """
    end = time.monotonic() + seconds
    pause = _FIRST
    while True:
        yield max(0.0, min(pause * (0.5 + _chance()), end - time.monotonic()))
        if time.monotonic() >= end:
            return
        pause = min(2 * pause, _LONGEST)


def _chance() -> float:
    """A number from 0 to 1."""
    return int.from_bytes(os.urandom(2), "big") / 65536
