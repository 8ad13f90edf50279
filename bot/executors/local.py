"""Attempts as processes on this machine: a folder each, through which the runner and its observers speak."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bot.decide.facts import Stop
from bot.executors.base import Life, Seen
from bot.runner import channel, process
from bot.runner.checkout import clean
from bot.runner.crash import point
from bot.runner.failure import RunnerError
from bot.runner.log import finish_log
from bot.runner.nursery import write_order
from planner.definition import Json

if TYPE_CHECKING:
    from sqlalchemy import Connection


class LocalExecutor:
    """Starts runners in folders below `folder` and looks at what they leave there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._nursery: process.Process | None = None

    def place(self, attempt: str) -> Path:
        """The folder of an attempt."""
        return self.folder / attempt

    def offer(self, connection: Connection, attempt: str, spec: dict[str, Json]) -> None:
        """Nothing: a runner here is told through a pipe."""

    def start(self, attempt: str, spec: dict[str, Json]) -> str | None:
        """Start a runner of its own session; what it must know goes through a pipe. None, or what failed."""
        folder = self.place(attempt)
        order = json.dumps(spec).encode()
        try:
            folder.mkdir(mode=0o700, parents=True)
            point("order a runner")
            try:
                write_order(self._orders(), folder, order)
            except BrokenPipeError:  # somebody ended the nursery: an order that it had not read whole started nothing
                self.close()
                write_order(self._orders(), folder, order)
        except (OSError, RunnerError) as error:
            return str(error)
        return None

    def close(self) -> None:
        """End the nursery; runners go on."""
        nursery, self._nursery = self._nursery, None
        if nursery is not None and nursery.stdin is not None:
            with suppress(OSError):
                nursery.stdin.close()
            process.wait(nursery, 1.0)

    def _orders(self) -> IO[bytes]:
        """Where runners are ordered."""
        if self._nursery is None:
            self._nursery = process.start(
                [sys.executable, "-P", "-m", "bot.runner", "nursery"],
                cwd=self.folder,
                stdin=process.PIPE,
                new_session=True,
            )
        assert self._nursery.stdin is not None  # noqa: S101 (we asked for a pipe)
        return self._nursery.stdin

    def look(self, attempts: Sequence[str]) -> dict[str, Seen]:
        """What the attempts' folders show now."""
        return {one: self._seen(one) for one in attempts}

    def _seen(self, attempt: str) -> Seen:
        folder = self.place(attempt)
        claim = channel.read_claim(folder)
        reported = (folder / "report.json").exists()
        revoked = claim is not None and claim.revoked
        return Seen(claim is not None and not revoked, revoked, channel.read_beat(folder), reported)

    def report(self, attempt: str, seal_key: bytes) -> dict[str, Any] | None:
        """What the runner reported, its sensitive outputs opened."""
        return channel.read_report(self.place(attempt), seal_key)

    def look_up(self, attempt: str) -> Life:
        """Ask the lock who still lives. Sound only for claimed attempts: a runner takes the lock before it claims."""
        folder = self.place(attempt)
        claim = channel.read_claim(folder)
        if claim is None or claim.revoked or (claim.runner is not None and not _same_machine(claim.runner)):
            return Life.UNKNOWN
        if not channel.still_locked(folder):
            return Life.ENDED
        return Life.RUNNER if claim.runner is not None and claim.runner.alive else Life.TOOL

    def revoke(self, attempt: str) -> None:
        """Take the claim ourselves, so that no runner can, unless one was faster; `look` tells which it was."""
        folder = self.place(attempt)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        channel.revoke(folder)

    def halt(self, attempt: str, how: Stop) -> None:
        """Ask the runner to stop its tool; signal the tool itself where the runner is dead. Said twice is said once.

        A second SIGINT would have Terraform give up its state, so a tool gets that once.
        """
        folder = self.place(attempt)
        if channel.asked_to_stop(folder) not in (how, Stop.KILL):
            channel.ask_stop(folder, kill=how is Stop.KILL)
        if self.look_up(attempt) is Life.TOOL:
            channel.signal_tool(folder, signal.SIGKILL if how is Stop.KILL else signal.SIGINT)

    def settle(self, connection: Connection, attempt: str, sensitive: Sequence[Json]) -> None:  # noqa: ARG002
        """Leave only the log of an attempt that has ended: redact what a dead runner left, remove the rest."""
        folder = self.place(attempt)
        if folder.is_dir():
            _rescue_state(folder)
            finish_log(folder, sensitive)
            clean(folder)

    def log(self, attempt: str) -> Path:
        """The attempt's redacted log."""
        return self.place(attempt) / "log"

    def said(self, attempt: str) -> str:
        """What the runner itself said where it could not even start."""
        try:
            return (self.place(attempt) / "runner").read_text(errors="replace")[-2000:].strip()
        except OSError:
            return ""


def _rescue_state(folder: Path) -> None:
    """Keep what Terraform could not save to its backend, and wrote beside the code of a runner that died."""
    for left in (folder / "work").rglob("errored.tfstate"):
        left.replace(folder / left.name)


def _same_machine(runner: channel.Living) -> bool:
    """Whether the lock can be asked here: a machine that was restarted since has ended all that ran on it."""
    return runner.host.split(" ")[0] == channel.host().split(" ")[0]
