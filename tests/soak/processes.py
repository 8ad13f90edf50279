"""Headwater's own processes of one run: started, killed, paused, started again. `roles` here is what they are in a nursery."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak import defects, hurry
from tests.soak.nursery import Forked, Nursery

ROLES = {"sqlite": ("serve",), "postgresql": ("web", "worker", "worker")}
_POINTS = "SOAK_POINTS"  # a file with the number of points that a process passes before it dies, once it is told to


ARGV = "SOAK_ARGV"  # a file for the arguments of all programs that are started


def server(argv: list[str]) -> int:
    """A process of the server, as `headwater` starts it."""
    from bot.cli.main import main  # noqa: PLC0415 (in the process that it is for)

    hurry.servers()
    _mortal()
    _write_arguments_down()
    defects.begin(os.environ.get("SOAK_DEFECT", ""))
    return int(main(argv))


def runner(argv: list[str]) -> int:
    """The runner of a job."""
    from bot.runner.__main__ import main  # noqa: PLC0415

    hurry.runners()
    _write_arguments_down()
    defects.begin(os.environ.pop("SOAK_DEFECT", ""))
    return main(argv)


def _write_arguments_down() -> None:
    """The arguments of every program that this process starts, whoever starts it: other users of a machine can see them."""
    file = os.open(os.environ.pop(ARGV), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def hook(event: str, given: tuple[object, ...]) -> None:
        if event in ("subprocess.Popen", "os.exec", "os.posix_spawn"):
            os.write(file, f"{given[1]}\n".encode("utf-8", "backslashreplace"))

    sys.addaudithook(hook)


def _mortal() -> None:
    """Die, once told to by a signal, at the n-th store commit, start of a process or call of GitHub from then on."""
    from bot.runner import crash, process  # noqa: PLC0415
    from bot.store import database  # noqa: PLC0415

    file, lock = os.environ[_POINTS], threading.Lock()
    left: list[int] = []

    def told(*_: object) -> None:
        left.append(int(Path(file).read_text()))

    def point(name: str) -> None:
        with lock:
            if not left:
                return
            left[-1] -= 1
            if left[-1] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    signal.signal(signal.SIGUSR1, told)
    if "HEADWATER_CRASH_LOG" not in os.environ:  # else the program itself counts its points, and dies at one
        crash.point = database.point = process.point = point  # type: ignore[attr-defined]


@dataclass(eq=False)
class Process:
    """One of them; `paused` while it is stopped by a signal."""

    role: str
    number: int
    forked: Forked
    paused: bool = False


@dataclass(eq=False)
class Processes:
    """All of them. `dies_at`: at which of their points one is killed; `passed` are those that they came by."""

    nursery: Nursery
    folder: Path
    database: str
    port: int
    settings: Mapping[str, object]
    defect: str = ""
    running: list[Process] = field(default_factory=list)
    dies_at: int = 0
    ahead: float = 0.0
    most_bytes: int = 0
    started: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def _passed(self) -> Path:
        return self.folder / "passed"

    def passed(self) -> list[str]:
        """The points that they came by, as long as they are counted."""
        return [one.strip() for one in self._passed.read_text().splitlines()] if self._passed.exists() else []

    @property
    def arguments(self) -> str:
        """The file with the arguments of programs that were started."""
        return str(self.folder / "arguments")

    def start(self, role: str, number: int) -> Process:
        """Start one more."""
        with self.lock:
            self.started += 1
            state = self.folder / f"state-{number}"
            state.mkdir(exist_ok=True)
            told = {f"HEADWATER_{name.upper()}": str(value) for name, value in self.settings.items()}
            told |= {
                "HEADWATER_STATE": str(state),
                _POINTS: str(self.folder / f"points-{number}"),
                ARGV: self.arguments,
            }
            if self.dies_at:
                told |= {"HEADWATER_CRASH_LOG": str(self._passed), "HEADWATER_CRASH_AT": str(self.dies_at)}
            if self.defect:
                told["SOAK_DEFECT"] = self.defect
            outer = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
            listen = [] if role == "worker" else ["--port", str(self.port)]
            forked = self.nursery.start(
                "server", [role, *listen], {**outer, **told, "HOME": str(self.folder)}, self.folder,
                self.folder / f"{role}-{number}.log", ahead=self.ahead, most_bytes=self.most_bytes,
            )  # fmt: skip
            made = Process(role, number, forked)
            self.running.append(made)
            return made

    def start_all(self) -> None:
        """Start those that do not run."""
        with self.lock:
            self.running = [one for one in self.running if one.forked.poll() is None]
            there = {one.number for one in self.running}
            for number, role in enumerate(ROLES[self.database]):
                if number not in there:
                    self.start(role, number)

    def alive(self, role: str = "") -> list[Process]:
        """Those that run, of one role or all; `serve` is both web and worker."""
        with self.lock:
            return [one for one in self.running if one.forked.poll() is None and role in ("", one.role)]

    def arm(self, process: Process, points: int) -> None:
        """Have it die at one of its next points."""
        (self.folder / f"points-{process.number}").write_text(str(points))
        process.forked.signal(signal.SIGUSR1)

    def kill(self, *chosen: Process) -> int:
        """kill -9; how many there were."""
        found = sum(one.forked.signal(signal.SIGKILL) for one in chosen)
        for one in chosen:
            one.forked.wait(5)
        return found

    def answers(self, seconds: float) -> bool:
        """Wait until the web process answers; whether it did."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return True
            except OSError:
                time.sleep(0.03)
        return False

    def said(self) -> str:
        """All that they logged."""
        return "\n".join(one.read_text(errors="replace") for one in sorted(self.folder.glob("*.log")))
