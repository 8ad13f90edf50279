"""Headwater's own processes of one run: started, killed, paused, started again. `roles` here is what they are in a nursery."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak import defects, hurry
from tests.soak.nursery import Forked, Nursery

ROLES = {"sqlite": ("serve",), "postgresql": ("web", "worker", "worker")}
_POINTS = "SOAK_POINTS"  # a file with the number of points that a process passes before it dies, once it is told to


_CLOCK = "SOAK_CLOCK"  # a file with how many seconds the wall clock of a process is wrong, once it is told to look
ARGV = "SOAK_ARGV"  # a file for the arguments of all programs that are started


def server(argv: list[str]) -> int:
    """A process of the server, as `headwater` starts it."""
    from bot.cli.main import main  # noqa: PLC0415 (in the process that it is for)

    hurry.servers()
    _mortal()
    _movable_clock()
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


def _movable_clock() -> None:
    """A wall clock that steps when a signal says so, while everything goes on."""
    file, right, wrong = os.environ.pop(_CLOCK), time.time, [0.0]

    def told(*_: object) -> None:
        wrong[0] = float(Path(file).read_text())

    signal.signal(signal.SIGUSR2, told)
    time.time = lambda: right() + wrong[0]


@dataclass(eq=False)
class Process:
    """One of them."""

    role: str
    number: int
    forked: Forked

    def parts(self) -> dict[str, int]:
        """The process ids of what it is made of: `serve` is a web process, and a worker that this one started."""
        if self.forked.poll() is not None:
            return {}
        parts = {"web" if self.role == "serve" else self.role: self.forked.pid}
        children = Path(f"/proc/{self.forked.pid}/task/{self.forked.pid}/children")
        if self.role == "serve" and children.exists() and (told := children.read_text().split()):
            parts["worker"] = int(told[0])
        return parts

    def signal(self, number: int, part: str = "") -> bool:
        """Send a signal to all of it, or to one part; whether that was still there."""
        there = False
        for name, pid in self.parts().items():
            if part in ("", name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                    there = True
        return there

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so many seconds; whether it came."""
        return self.forked.wait(seconds) is not None


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
                _CLOCK: str(self.folder / f"clock-{number}"),
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

    def arm(self, process: Process, points: int, part: str) -> None:
        """Have a part of it die at one of its next points."""
        (self.folder / f"points-{process.number}").write_text(str(points))
        process.signal(signal.SIGUSR1, part)

    def step(self, process: Process, seconds: float) -> bool:
        """Have its wall clock be wrong by so many seconds from now on; whether it was there."""
        (self.folder / f"clock-{process.number}").write_text(str(seconds))
        return process.signal(signal.SIGUSR2)

    def kill(self, *chosen: Process, part: str = "") -> int:
        """kill -9 of them, or of a part, which the other one follows by itself; how many there were."""
        all_parts = [pid for one in chosen for pid in one.parts().values()]
        found = sum(one.signal(signal.SIGKILL, part) for one in chosen)
        for one in chosen:
            if not one.wait(5):
                one.signal(signal.SIGKILL)
                one.wait(5)
        _until_gone(all_parts, 3)
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


def _until_gone(pids: Sequence[int], seconds: float) -> None:
    """Wait for the end of processes; what is there still after so many seconds (stopped by a signal) is killed."""
    end = time.monotonic() + seconds
    for pid in pids:
        while _runs(pid) and time.monotonic() < end:
            time.sleep(0.01)
        if _runs(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
