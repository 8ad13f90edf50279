"""One server for a state folder: a lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import NotAllowed, StoreError

LOCK_FILE = "server.lock"
_ENDING_SECONDS = 1.0


@contextmanager
def held(state: Path) -> Iterator[None]:
    """Hold the state folder, made if need be; raises NotAllowed where another server holds it."""
    file = state / LOCK_FILE
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"the state folder {state} cannot be written: {error.strerror}",
            "make it writable, or name another one with --state DIR",
        ) from error
    try:
        if not _taken(descriptor):
            found = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            holder = f" (process {found})" if found.isdigit() else ""
            raise NotAllowed(
                f"another server{holder} works with the state folder {state}",
                "stop that one first, or name another folder with --state DIR",
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Take the lock; one that was killed just now may have left a process that is about to end."""
    end = time.monotonic() + _ENDING_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        else:
            return True
