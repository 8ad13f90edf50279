"""Named points at which a test can kill this process, to show that what follows heals everything.

Each store commit and each process start passes `point`. With `HEADWATER_CRASH_AT=N` in its environment a process kills
itself at its N-th point, as a power cut would; `HEADWATER_CRASH_LOG=FILE` keeps the names of the points passed.
"""

from __future__ import annotations

import itertools
import os
import signal

_numbers = itertools.count(1)


def point(name: str) -> None:
    """Pass one point; does nothing at all unless a test asked for it."""
    number = next(_numbers)
    if log := os.environ.get("HEADWATER_CRASH_LOG"):
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{name}\n".encode())
        finally:
            os.close(descriptor)
    if os.environ.get("HEADWATER_CRASH_AT") == str(number):
        os.kill(os.getpid(), signal.SIGKILL)
