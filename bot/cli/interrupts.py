"""Ctrl-C while a command drives deployments: it cancels, then kills, then leaves."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

from bot.decide.facts import Stop

_STOPS = (Stop.GRACEFULLY, Stop.KILL)
"""What is asked for, the first time and the second."""


class Interrupts:
    """Counts Ctrl-C, as long as it is entered, instead of dying of it; a terminal that closes counts as one.

    The third leaves: what neither stops nor can be killed from here would else hold the terminal for ever. It does so
    between two steps, since within one it would tear a transaction apart; the fourth waits for nothing.
    """

    def __init__(self) -> None:
        self._asked = 0
        self._told = 0

    def __enter__(self) -> Interrupts:
        every = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._before = {number: signal.signal(number, self._count) for number in every}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1
        if self._asked > len(_STOPS) + 1:
            raise KeyboardInterrupt

    def new(self) -> tuple[Stop, ...]:
        """What is asked for since the last time. Ask between two steps; raises KeyboardInterrupt to leave."""
        found = _STOPS[self._told : self._asked]
        self._told += len(found)
        if not found and self._asked > len(_STOPS):
            raise KeyboardInterrupt
        return found
