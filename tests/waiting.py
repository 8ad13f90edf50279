"""Waiting for something to be so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(found: Callable[[], Any], what: str = "it", seconds: float = 20.0) -> Any:
    """Ask until the answer is true, and give it; fails, and names `what`, where it never is."""
    last = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < last, f"waited {seconds:g} s in vain for: {what}"
        time.sleep(0.01)
    return answer
