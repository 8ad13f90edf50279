"""A process that forks Headwater's processes: servers and runners without waiting for Python to import them.

Each is a process of its own all the same, with its own environment, folder, output and group, and dies as one. The
nursery itself has no threads, so that forking it is safe; it is forked before a run starts any.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Role = Callable[[list[str]], int]


@dataclass(eq=False)
class Forked:
    """One process of the nursery, as `subprocess.Popen` would show it."""

    pid: int
    ended: threading.Event = field(default_factory=threading.Event)
    returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self.returncode if self.ended.is_set() else None

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait for its end, at most so many seconds."""
        self.ended.wait(seconds)
        return self.poll()

    def signal(self, number: int) -> bool:
        """Send it a signal; whether it was still there."""
        if self.ended.is_set():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent is gone, however that came to be."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Nursery:
    """The parent's end. `roles`: what processes may be; each takes its arguments and gives an exit code."""

    def __init__(self, roles: Mapping[str, Role]) -> None:
        ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            die_with_parent()
            ours.close()
            _serve(theirs, roles)
        theirs.close()
        self._socket = ours
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._made: dict[int, Forked] = {}
        self._early: dict[int, int] = {}  # ended before its order was answered here
        self._answers: dict[int, int] = {}
        self._orders = 0
        threading.Thread(target=self._read, name="nursery", daemon=True).start()

    def start(
        self, role: str, argv: Sequence[str], environment: Mapping[str, str], folder: Path, out: Path,
        *, ahead: float = 0.0, most_bytes: int = 0,
    ) -> Forked:  # fmt: skip
        """Start one. `ahead`: how many seconds its wall clock is wrong; `most_bytes`: of a file that it may write."""
        with self._lock:
            self._orders += 1
            number = self._orders
            order = {
                "number": number, "role": role, "argv": list(argv), "environment": dict(environment),
                "folder": str(folder), "out": str(out), "ahead": ahead, "most_bytes": most_bytes,
            }  # fmt: skip
            self._socket.sendall(json.dumps(order).encode() + b"\n")
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._answers, 30):
                raise TimeoutError("the nursery does not answer")
            made = Forked(self._answers.pop(number))
            if made.pid in self._early:
                made.returncode = self._early.pop(made.pid)
                made.ended.set()
            else:
                self._made[made.pid] = made
            return made

    def stop(self) -> None:
        """End the nursery and all of its processes."""
        for one in list(self._made.values()):
            one.signal(signal.SIGKILL)
        self._socket.close()
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _read(self) -> None:
        with self._socket.makefile() as stream:
            for line in stream:
                told = json.loads(line)
                with self._changed:
                    if "number" in told:
                        self._answers[told["number"]] = told["pid"]
                    elif (found := self._made.pop(told["pid"], None)) is not None:
                        found.returncode = told["code"]
                        found.ended.set()
                    else:
                        self._early[told["pid"]] = told["code"]
                    self._changed.notify_all()


def _serve(orders: socket.socket, roles: Mapping[str, Role]) -> None:
    """Fork for each order, tell of each end; until the parent is gone."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    rest = b""
    while True:
        select.select([orders, woken], [], [])
        if select.select([woken], [], [], 0)[0]:
            os.read(woken, 4096)
        while (ended := _ended()) is not None:
            _tell(orders, {"pid": ended[0], "code": ended[1]})
        if not select.select([orders], [], [], 0)[0]:
            continue
        data = orders.recv(1 << 16)
        if not data:
            os._exit(0)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            pid = os.fork()
            if pid == 0:
                orders.close()
                os.close(woken)
                os.close(wake)
                _be(order, roles[order["role"]])
            _tell(orders, {"number": order["number"], "pid": pid})


def _tell(where: socket.socket, what: Mapping[str, int]) -> None:
    try:
        where.sendall(json.dumps(what).encode() + b"\n")
    except OSError:
        os._exit(0)


def _ended() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None


def _be(order: dict[str, object], role: Role) -> None:
    """Be that process."""
    die_with_parent()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(str(order["folder"]))
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    nothing = os.open(os.devnull, os.O_RDONLY)
    out = os.open(str(order["out"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, descriptor in ((0, nothing), (1, out), (2, out)):
        os.dup2(descriptor, number)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 (for the rest of the process)
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    _misplaced(float(order["ahead"]), int(order["most_bytes"]))  # type: ignore[arg-type, call-overload]
    code = 1
    try:
        code = role([str(one) for one in order["argv"]])  # type: ignore[attr-defined]
        sys.stdout.flush()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 (its last words)
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _misplaced(ahead: float, most_bytes: int) -> None:
    """A wall clock that is wrong; a file system that takes no more."""
    if ahead:
        import time  # noqa: PLC0415

        right = time.time
        time.time = lambda: right() + ahead
    if most_bytes:
        import resource  # noqa: PLC0415

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
