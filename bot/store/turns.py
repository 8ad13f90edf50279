"""Writers take turns, in the order that they came, but for those that may go first.

SQLite has one writer at a time, and those who wait sleep for a while and try again: with five threads that write, one
may be unlucky for more than a second, and most of the time nobody writes at all. So the threads of a process queue up,
and processes pass a lock on a file to each other.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_SECONDS = 0.001


class Turns:
    """One turn at a time; who waits longer than so many seconds gets none.

    `file`: of all processes that take turns.
    """

    def __init__(self, seconds: float, file: Path | None = None) -> None:
        self._seconds = seconds
        self._between = _Between(file) if file is not None else None
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self, *, first: bool = False) -> Iterator[bool]:
        """Wait for a turn, and have it while the block runs; False where it did not come in time."""
        end = time.monotonic() + self._seconds
        if not self._take(first=first):
            yield False
            return
        try:
            if self._between is None:
                yield True
            else:
                with self._between.turn(end) as mine:
                    yield mine
        finally:
            self._hand_over()

    def _take(self, *, first: bool) -> bool:
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            called = threading.Lock()
            called.acquire()
            if first:
                self._waiting.appendleft(called)
            else:
                self._waiting.append(called)
        if called.acquire(timeout=self._seconds):
            return True
        with self._lock:
            if called not in self._waiting:  # it was just handed over
                return True
            self._waiting.remove(called)
            return False

    def _hand_over(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


class _Between:
    """Turns of processes, one thread of each: two locks on one file, which end with the process that holds them.

    Who waits for the turn holds the place behind it, so that who just had it does not get it again before.
    """

    _NEXT, _TURN = 0, 1

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._opened: int | None = None

    @contextmanager
    def turn(self, end: float) -> Iterator[bool]:
        """Wait for it until that time of the monotonic clock."""
        try:
            file = self._open()
        except OSError:  # without such a file SQLite's own patience has to do
            yield True
            return
        mine = self._wait(file, self._NEXT, end)
        if mine:
            mine = self._wait(file, self._TURN, end)
            fcntl.lockf(file, fcntl.LOCK_UN, 1, self._NEXT)
        try:
            yield mine
        finally:
            if mine:
                fcntl.lockf(file, fcntl.LOCK_UN, 1, self._TURN)

    def _open(self) -> int:
        with self._lock:
            if self._opened is None:
                self._opened = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                weakref.finalize(self, os.close, self._opened)
            return self._opened

    @staticmethod
    def _wait(file: int, place: int, end: float) -> bool:
        while True:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):
                if time.monotonic() > end:
                    return False
                time.sleep(_LOOK_SECONDS)
            else:
                return True
