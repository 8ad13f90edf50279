"""Runs the tools of one attempt: beats, follows the log, and stops them when asked or when their time is over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from bot.runner.channel import Channel
from bot.runner.failure import Stop, StoppedError
from bot.runner.log import Log
from bot.runner.process import Process, start, wait

_TICK = 0.1
_CLOSING_TIME = 120.0
"""Seconds that reading the outputs may take once an apply has succeeded, however late that was."""


class Supervisor:
    """Runs one process after another for an attempt; times are seconds."""

    def __init__(self, channel: Channel, log: Log, *, timeout: float | None, grace: float, beat_every: float) -> None:
        self._channel = channel
        self._log = log
        self._grace = grace
        self._beat_every = beat_every
        now = time.monotonic()
        self._next_beat = now + beat_every
        self._deadline = None if timeout is None else now + timeout
        self._reason: Stop | None = None
        self._closing = False

    def stop(self) -> None:
        """End what runs, with its grace; safe in a signal handler."""
        self._reason = self._reason or Stop.STOP

    def close(self) -> None:
        """What comes now only reads what was done: a wish to stop comes too late for it, a kill does not."""
        self._closing = True
        self._reason = None
        self._deadline = time.monotonic() + _CLOSING_TIME

    def show(self, data: bytes) -> None:
        """Put into the log what a tool wrote elsewhere."""
        self._log.say(data.decode(errors="replace").rstrip("\n"))

    def call(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdout: int | None = None,
    ) -> int:
        """Run a process to its end and return its exit code; what it writes goes to the log, or to `stdout`.

        Raises StoppedError if the attempt was stopped and the process did not succeed in spite of it.
        """
        self._look()
        if self._reason:
            raise StoppedError(self._reason)
        running = start(
            argv,
            cwd=cwd,
            env=env,
            stdout=self._log.raw if stdout is None else stdout,
            stderr=self._log.raw,
            own_group=True,
            pass_fds=(self._channel.lock,) if self._channel.lock >= 0 else (),
            first=self._channel.keep_tool,
        )
        try:
            code = self._watch(running)
        except BaseException:
            _signal(running, signal.SIGKILL)
            running.wait()
            raise
        while self._log.follow():
            self._beat()
        if self._reason and code:
            raise StoppedError(self._reason)
        return code

    def pause(self, seconds: float) -> None:
        """Wait, and go on beating; raises StoppedError as soon as the attempt is to end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._beat()
            self._look()
            if self._reason:
                raise StoppedError(self._reason)
            time.sleep(min(_TICK, seconds))

    def say(self, line: str) -> None:
        """A line of Headwater's own in the log."""
        self._log.say(line)

    def _watch(self, running: Process) -> int:
        interrupted: float | None = None
        killed = False
        while (code := wait(running, _TICK)) is None:
            self._beat()
            self._log.follow()
            self._look()
            now = time.monotonic()
            if self._reason and interrupted is None:
                interrupted = now
                self._tell_stop()
                _signal(running, signal.SIGINT)
            late = interrupted is not None and now - interrupted >= self._grace
            if not killed and interrupted is not None and (late or self._reason is Stop.KILL):
                killed = True
                self._log.say(
                    "Headwater: the tool did not end in time and is killed." if late else "Headwater: killed."
                )
                _signal(running, signal.SIGKILL)
        if interrupted is not None or code < 0:
            _signal(running, signal.SIGKILL)  # what of its group is left, also where the tool alone was killed
        return code

    def _look(self) -> None:
        """See whether the attempt is to end, and why; a kill outweighs what was asked before."""
        asked = self._channel.asked()
        if asked is Stop.KILL or (asked and not self._closing):
            self._reason = asked if asked is Stop.KILL else self._reason or asked
        if self._reason is None and self._deadline is not None and time.monotonic() >= self._deadline:
            self._reason = Stop.TIMEOUT

    def _beat(self) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + self._beat_every
            with suppress(OSError):  # a full disk: silence makes us lost, not failed
                self._channel.beat()

    def _tell_stop(self) -> None:
        why = "its time is over" if self._reason is Stop.TIMEOUT else "asked to stop"
        self._log.say(f"Headwater: {why}; the tool has {self._grace:g} seconds to end.")


def _signal(running: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(running.pid, number)
