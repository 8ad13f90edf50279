"""A town whose server runs as processes of its own, as an operator starts them: they can be killed."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.conversations.town import Town

HEADWATER = Path(sys.executable).parent / "headwater"


@dataclass
class OutsideTown(Town):
    """`roles`: the commands that make up the server; `serve`, or one `web` and some `worker`s on PostgreSQL."""

    roles: tuple[str, ...] = ("serve",)
    processes: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)
    started: int = 0

    def _begin(self) -> None:
        self.key = base64.b64encode(os.urandom(32)).decode()
        self.start_server()

    def start_server(self) -> None:
        """Start all processes, and wait until the web answers."""
        for role in self.roles:
            self.start_one(role)
        self.wait_until_it_answers()

    def start_one(self, role: str) -> None:
        """Start one more process."""
        outer = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
        told = {f"HEADWATER_{name.upper()}": str(value) for name, value in self.values.items()}
        listen = [] if role == "worker" else ["--port", str(self.listener_port)]
        log = (self.folder / f"{role}-{len(self.processes)}.log").open("wb")
        made = subprocess.Popen(
            [str(HEADWATER), role, *listen],
            env={**outer, **told, "HEADWATER_KEY": self.key, "HEADWATER_STATE": str(self._state(role))},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.processes.append((role, made))

    def _state(self, role: str) -> Path:
        """Each worker has a state folder of its own; `serve` keeps its one over restarts."""
        self.started += 1
        return self.folder / f"state-{role}-{self.started}" if role == "worker" else self.settings.state

    def wait_until_it_answers(self, seconds: float = 60.0) -> None:
        """Wait for /readyz."""
        end = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(f"{self.settings.public_url}/readyz", timeout=2):
                    return
            except OSError:
                if time.monotonic() > end:
                    raise TimeoutError(self.said()) from None
                time.sleep(0.1)

    def kill(self, role: str | None = None) -> None:
        """kill -9 of all processes, or of the oldest of a role."""
        chosen = [one for one in self.processes if role in (None, one[0]) and one[1].poll() is None]
        for name, process in chosen if role is None else chosen[:1]:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            self.processes.remove((name, process))

    def stop_server(self) -> None:
        """End all processes."""
        for _, process in self.processes:
            process.terminate()
        for _, process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        self.processes.clear()
        self.server.database.engine.dispose()

    def said(self) -> str:
        """What the processes wrote to their logs."""
        return "\n".join(one.read_text()[-2000:] for one in sorted(self.folder.glob("*.log")))
