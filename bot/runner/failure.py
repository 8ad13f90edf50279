"""How an attempt ends before its time: with a message for people, or because somebody asked it to stop."""

from __future__ import annotations

from enum import StrEnum


class RunnerError(Exception):
    """The attempt cannot go on; the message says what happened, where, and what to do."""


class Stop(StrEnum):
    """Why a running attempt has to end: `stop` leaves the tool its grace, `kill` does not."""

    STOP = "stop"
    KILL = "kill"
    TIMEOUT = "timeout"


class StoppedError(Exception):
    """The attempt was stopped; `reason` says why."""

    def __init__(self, reason: Stop) -> None:
        self.reason = reason
        super().__init__(reason.value)
