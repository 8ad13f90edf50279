"""Waits for connections to have something to read or to write, and has them handle it.

The loop that waitress comes with asks each connection each time what it waits for. With a hundred of them, and three
turns a request, that was a third of what the server did. What a connection waits for changes where it was heard of.
"""

from __future__ import annotations

import select
import time
from collections import deque
from typing import Any, Protocol

from waitress import wasyncore

_READ = select.POLLIN | select.POLLPRI
_ALL_SECONDS = 1.0
"""After so long all are asked again, whatever is known of them: maintenance closes those that idle for long."""


class Waiting(Protocol):
    """A connection, or whatever else waits in this loop."""

    accepting: bool

    def readable(self) -> bool:
        """Whether it wants to read."""

    def writable(self) -> bool:
        """Whether it wants to write."""


class Polling:
    """One loop over what is in a map (its descriptor -> what waits for it), for one thread."""

    def __init__(self, waiting: dict[int, Any]) -> None:
        self._waiting = waiting
        self._poll = select.poll()
        self._flags: dict[int, int] = {}
        self._changed: deque[int] = deque()
        self._all_at = 0.0

    def changed(self, descriptor: int) -> None:
        """Something new waits here, or for something else than before. For any thread; the loop is not woken."""
        self._changed.append(descriptor)

    def removed(self, descriptor: int) -> None:
        """Nothing waits here any more, and the descriptor may soon be another one's."""
        if self._flags.pop(descriptor, 0):
            self._poll.unregister(descriptor)

    def turn(self, seconds: float, *, everything: bool = False) -> None:
        """Wait so long at most, and have all handle what there is; `everything`: nothing is known of any of them."""
        if everything or time.monotonic() >= self._all_at:
            self._all_at = time.monotonic() + _ALL_SECONDS
            self._changed.extend(self._waiting)
        for _ in range(len(self._changed)):
            self._ask(self._changed.popleft())
        for descriptor, flags in self._poll.poll(seconds * 1000):
            self._changed.append(descriptor)
            if (one := self._waiting.get(descriptor)) is not None:
                wasyncore.readwrite(one, flags)

    def _ask(self, descriptor: int) -> None:
        one: Waiting | None = self._waiting.get(descriptor)
        if one is None:
            self.removed(descriptor)
            return
        flags = (_READ if one.readable() else 0) | (select.POLLOUT if one.writable() and not one.accepting else 0)
        if flags != self._flags.get(descriptor, 0):
            if flags:
                self._poll.register(descriptor, flags)
            else:
                self._poll.unregister(descriptor)
            self._flags[descriptor] = flags
