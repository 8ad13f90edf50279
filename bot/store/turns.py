"""Writers of one process take turns, in the order that they came, but for those that may go first.

SQLite has one writer at a time, and those who wait sleep for a while and try again: with five threads that write, one
may be unlucky for more than a second, and most of the time nobody writes at all.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """One turn at a time; who waits longer than so many seconds gets none."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self, *, first: bool = False) -> Iterator[bool]:
        """Wait for a turn, and have it while the block runs; False where it did not come in time."""
        mine = self._take(first=first)
        try:
            yield mine
        finally:
            if mine:
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
