"""Runs scenarios, some side by side: each in a process of its own that is forked from this one, which has all imported."""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.soak import processes
from tests.soak.databases import Databases
from tests.soak.faults import restarts
from tests.soak.nursery import Nursery, die_with_parent
from tests.soak.play import Outcome, play
from tests.soak.story import Scenario

LONGEST = 600.0
"""Seconds after which a run is given up."""
_IMPORTED = (
    "bot.server", "bot.web.running", "bot.work", "bot.settings", "bot.runner.__main__", "bot.runner.actions",
    "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg", "git", "jinja2", "networkx", "github",
    "planner.index", "bot.cli.serve", "bot.cli.web", "bot.cli.worker", "tests.github.localhost", "waitress.server",
)  # fmt: skip


class Laboratory:
    """Where runs take place. Use `opened`. What is judged goes into the folder `keep`."""

    def __init__(self, folder: Path, databases: Databases, keep: Path | None = None) -> None:
        self.folder, self.databases, self.keep = folder, databases, keep
        self._runs = 0

    def run(self, scenarios: Iterable[Scenario], beside: int, defect: str = "") -> Iterator[tuple[Scenario, Outcome]]:
        """Play scenarios, so many at a time; gives each with its outcome as it ends."""
        waiting = iter(scenarios)
        going: dict[int, tuple[Scenario, Path, str, float]] = {}
        more = True
        try:
            while more or going:
                while more and len(going) < beside:
                    found = next(waiting, None)
                    more = found is not None
                    if found is not None:
                        pid, folder, name = self._begin(found, defect)
                        going[pid] = (found, folder, name, time.monotonic() + LONGEST)
                for pid in list(going):
                    found, folder, name, end = going[pid]
                    ended, _, used = os.wait4(pid, os.WNOHANG)
                    if not ended:
                        if time.monotonic() > end:
                            os.killpg(pid, signal.SIGKILL)
                        continue
                    del going[pid]
                    yield found, self._ended(found, folder, name, round(used.ru_utime + used.ru_stime, 1))
                time.sleep(0.02)
        finally:
            for pid in going:
                os.killpg(pid, signal.SIGKILL)

    def _begin(self, scenario: Scenario, defect: str) -> tuple[int, Path, str]:
        self._runs += 1
        name = f"soak_{os.getpid()}_{self._runs}"
        folder = self.folder / name
        folder.mkdir()
        alone = any(restarts(one) for one in scenario.faults)
        address = self.databases.make(scenario.database, name, folder, alone=alone)
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _be(scenario, folder, address, defect, self.keep)
        return pid, folder, name

    def _ended(self, scenario: Scenario, folder: Path, name: str, used: float) -> Outcome:
        file = folder / "outcome"
        if file.exists():
            found = json.loads(file.read_text())
            found["violations"] = tuple(found["violations"])
            found["happened"] = {int(number): times for number, times in found["happened"].items()}
            outcome = Outcome(**{**found, "used": used})
        else:
            said = (folder / "said").read_text()[-4000:] if (folder / "said").exists() else ""
            outcome = Outcome(
                scenario.seed, scenario.database, (f"laboratory: it ended early: {said}",), {}, 0.0, {}, used
            )
        self.databases.drop(scenario.database, name)
        if not (outcome.violations and os.environ.get("SOAK_KEEP")):
            shutil.rmtree(folder, ignore_errors=True)
        return outcome


@contextmanager
def opened(*, postgresql: bool = False, keep: Path | None = None) -> Iterator[Laboratory]:
    """A laboratory; its files lie in memory where that can be, and are gone at the end, but for what is judged (`keep`)."""
    _keep_keys()
    for name in _IMPORTED:
        importlib.import_module(name)
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=memory if os.access(memory, os.W_OK) else None))
    try:
        with Databases(folder) as databases:
            if postgresql:
                databases.start()
            gc.freeze()
            yield Laboratory(folder, databases, keep)
    finally:
        if not os.environ.get("SOAK_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


def _keep_keys() -> None:
    """One key for all of GitHub's Apps, and one for its issuer: making them costs more than the rest of a world."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    from tests.github.world import apps, world  # noqa: PLC0415

    world.new_private_key = functools.cache(apps.new_private_key)  # type: ignore[assignment]
    world.new_private_key()
    rsa.generate_private_key = functools.cache(rsa.generate_private_key)  # type: ignore[assignment]
    rsa.generate_private_key(65537, 2048)


def _be(scenario: Scenario, folder: Path, address: str, defect: str, keep: Path | None) -> None:
    """Be the process of one run, with all that it starts in its own session."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        die_with_parent()
        out = os.open(folder / "said", os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
        nursery = Nursery({"server": processes.server, "runner": processes.runner})
        try:
            outcome = play(scenario, folder, nursery, address, defect, keep)
            (folder / "outcome.new").write_text(json.dumps(asdict(outcome)))
            (folder / "outcome.new").rename(folder / "outcome")
            code = 0
        finally:
            nursery.stop()
    except BaseException:  # noqa: BLE001 (told by whoever waits for the outcome)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
