"""Waking workers and drivers: within the process by an event, in other processes by what joins it to them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Protocol


class Topic(StrEnum):
    """What there is to do."""

    WORK = "work"  # something was asked for
    DRIVE = "drive"  # a deployment may go on


class Others(Protocol):
    """The other processes of the server."""

    def tell(self, topics: Iterable[Topic]) -> None:
        """Wake those who wait for these; never waits itself."""

    def listen(self, hear: Callable[[Iterable[Topic]], None], stopped: threading.Event) -> None:
        """Call `hear` with what others tell; returns once it is stopped, or where nobody can tell anything."""


class Waking:
    """Tells those who wait that there is something to do; one who hears nothing looks each second all the same."""

    def __init__(self, others: Others) -> None:
        self._others = others
        self._condition = threading.Condition()
        self._counts: Counter[Topic] = Counter()
        self._stopped = threading.Event()

    def count(self, topic: Topic) -> int:
        """How often those were woken who wait for this; to be read before looking for work, and handed to `wait`."""
        return self._counts[topic]

    def wake(self, *topics: Topic) -> None:
        """Wake those who wait for this, here and in other processes; without topics, all of them."""
        self.here(*topics)
        self._others.tell(topics or tuple(Topic))

    def wait(self, topic: Topic, seen: int, seconds: float) -> None:
        """Wait until somebody was woken for this since `seen`, at most so many seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self._counts[topic] != seen, timeout=seconds)

    def listen(self) -> None:
        """Hear what other processes say, until `stop`."""
        self._others.listen(lambda topics: self.here(*topics), self._stopped)

    def stop(self) -> None:
        """Stop listening, and let nobody wait any more."""
        self._stopped.set()
        self.here()

    def here(self, *topics: Topic) -> None:
        """Wake those who wait in this process; without topics, all of them."""
        with self._condition:
            self._counts.update(topics or Topic)
            self._condition.notify_all()
