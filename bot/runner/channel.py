"""How a runner and the one who sent it speak: here through the files of an attempt folder, mode 0700.

| file | written by | what |
|---|---|---|
| `lock` | runner | flocked for as long as the runner or its tool lives: the tool inherits it |
| `claim` | runner, or the observer to revoke | made once and never again: who has this attempt |
| `tool` | the tool's process, before it begins | the tool that runs now |
| `beat` | runner | a counter |
| `stop` | observer | `stop` or `kill` |
| `sent-SIGINT` | observer | this signal was sent to the tool of a runner that is dead |
| `raw`, `log` | tool, runner | what the tool wrote, and what of it may be shown (bot/runner/log.py) |
| `report.json` | runner | how it ended; comes last |

A claim that is there while the lock can be had means: neither runner nor tool lives.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from bot.runner.failure import Stop
from bot.runner.files import create, replace
from bot.runner.process import started_at
from bot.runner.seal import unseal


class Channel(Protocol):
    """What a runner needs of the one who sent it; another executor brings another one."""

    lock: int
    """A file that tools inherit, so that it tells whether they still live; below 0: none."""

    @property
    def keep_tool(self) -> Callable[[], None] | None:
        """What keeps who a tool is; called in its process, leader of its own group, before it begins."""

    def claim(self) -> bool:
        """Take the attempt; False if it is revoked or somebody else has it: then nothing may be touched."""

    def beat(self) -> None:
        """Tell that this runner lives."""

    def asked(self) -> Stop | None:
        """Whether this attempt is to end; cheap, asked several times a second."""

    def report(self, report: dict[str, Any]) -> None:
        """Tell how the attempt ended; returns once that is safe."""


@dataclass(frozen=True, slots=True)
class Living:
    """A process, told from any other that has had its number, also after a restart of the machine."""

    host: str
    pid: int
    started: str | None

    @property
    def alive(self) -> bool:
        """Whether this very process lives; False on any other host or after a restart."""
        return self.host == host() and self.started is not None and started_at(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has an attempt: a runner, or nobody any more because it was revoked."""

    revoked: bool
    runner: Living | None  # None too if the machine died while the claim was written


class LocalChannel:
    """The runner's end of an attempt folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._beats = 0
        self._beat_file = -1
        self.lock = -1

    def claim(self) -> bool:
        """Lock, then claim: who comes second gets neither."""
        self.lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if not create(self._folder / "claim", _living(os.getpid())):
            return False
        self._beat_file = os.open(self._folder / "beat", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.beat()
        return True

    def beat(self) -> None:
        """Count on; one write of fixed width, so that nobody reads half of it."""
        self._beats += 1
        os.pwrite(self._beat_file, b"%020d\n" % self._beats, 0)

    def asked(self) -> Stop | None:
        """What the `stop` file says, if there is one."""
        text = asked_to_stop(self._folder)
        if text is None:
            return None
        return Stop.KILL if text == Stop.KILL.value else Stop.STOP

    def keep_tool(self) -> None:
        """Keep that this process is the tool, for the case that its runner dies before it."""
        with suppress(OSError):  # a full disk: the lock still tells whether it lives
            (self._folder / "tool").write_bytes(_living(os.getpid()))

    def report(self, report: dict[str, Any]) -> None:
        """Write the report whole."""
        replace(self._folder / "report.json", json.dumps(report).encode())


def revoke(folder: Path) -> bool:
    """Take an attempt away before a runner has claimed it; False if one has: then it may be running."""
    return create(folder / "claim", json.dumps({"revoked": True, **json.loads(_living(os.getpid()))}).encode())


def read_claim(folder: Path) -> Claim | None:
    """Who has the attempt; None if nobody has claimed it yet."""
    try:
        data = (folder / "claim").read_bytes()
    except FileNotFoundError:
        return None
    return Claim(b'"revoked": true' in data, _read_living(data))


def still_locked(folder: Path) -> bool:
    """Whether the runner or its tool still lives. Ask only where there is a claim: a runner may be about to lock."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_beat(folder: Path) -> int | None:
    """The beat counter; None before the first beat."""
    try:
        return int((folder / "beat").read_bytes())
    except (OSError, ValueError):
        return None


def asked_to_stop(folder: Path) -> str | None:
    """What the `stop` file says; None if there is none."""
    try:
        return (folder / "stop").read_text().strip()
    except OSError:
        return None


def ask_stop(folder: Path, *, kill: bool = False) -> None:
    """Ask the runner to end: with the tool's grace, or at once."""
    replace(folder / "stop", (Stop.KILL if kill else Stop.STOP).value.encode())


def read_report(folder: Path, seal_key: bytes) -> dict[str, Any] | None:
    """How the attempt ended, sensitive outputs opened; None if it has not. Raises SealError if tampered with."""
    try:
        data = (folder / "report.json").read_bytes()
    except FileNotFoundError:
        return None
    report: dict[str, Any] = json.loads(data)
    for name, output in (report.get("outputs") or {}).items():
        if (sealed := output.pop("sealed", None)) is not None:
            output["value"] = unseal(sealed, seal_key, seal_context(report["attempt"], name))
    return report


def seal_context(attempt: str, output: str) -> str:
    """What a sealed output is bound to."""
    return f"{len(attempt)} {attempt} {output}"


def read_tool(folder: Path) -> Living | None:
    """The tool that was last started in this attempt."""
    try:
        return _read_living((folder / "tool").read_bytes())
    except FileNotFoundError:
        return None


def signal_tool(folder: Path, number: signal.Signals) -> bool:
    """Send a signal to the tool's process group, for a runner that is dead; False if that tool lives no more.

    A second SIGINT would do harm, so it is sent once: the mark comes first, so that not even two observers send it
    twice. A SIGKILL is sent whenever it is asked for: who sent it before may have died before it did.
    """
    tool = read_tool(folder)
    if tool is None or not tool.alive:
        return False
    if number is not signal.SIGKILL and not create(folder / f"sent-{number.name}", b""):
        return False
    try:
        os.killpg(tool.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def host() -> str:
    """This machine since its last start: name and boot id."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    return f"{os.uname().nodename} {boot}".strip()


def _living(pid: int) -> bytes:
    return json.dumps(asdict(Living(host(), pid, started_at(pid)))).encode()


def _read_living(data: bytes) -> Living | None:
    try:
        found = json.loads(data)
        return Living(str(found["host"]), int(found["pid"]), found["started"])
    except (ValueError, KeyError, TypeError):
        return None
