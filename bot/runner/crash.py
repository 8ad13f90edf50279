"""Named points at which a test can kill a process, to show that what follows heals everything.

Each store commit and each process start passes `point`. With `HEADWATER_CRASH_LOG=FILE` in its environment a process
writes a line to that file at each point; all processes of a command share it, so that its lines count the points of
all. With `HEADWATER_CRASH_AT=N` too, the process that writes the N-th line kills itself, as a power cut would.
"""

from __future__ import annotations

import os
import signal
import sys

_WIDTH = 64  # bytes of each line, so that the place in the file tells the number


def point(name: str) -> None:
    """Pass one point; does nothing at all unless a test asked for it."""
    log = os.environ.get("HEADWATER_CRASH_LOG")
    if log is None:
        return
    ours = "bot.runner" in sys.orig_argv or any(one.endswith(".pyz") for one in sys.orig_argv)
    role = "runner" if ours else "driver"
    line = f"{role} {os.getpid()} {name}".encode()[: _WIDTH - 1].ljust(_WIDTH - 1) + b"\n"
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line)  # one append is whole, whoever else appends
        number = os.lseek(descriptor, 0, os.SEEK_CUR) // _WIDTH
    finally:
        os.close(descriptor)
    if os.environ.get("HEADWATER_CRASH_AT") == str(number):
        os.kill(os.getpid(), signal.SIGKILL)
