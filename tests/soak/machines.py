"""The machines that GitHub's jobs run on here: they fork the runner instead of starting Python, and they can be lost.

A job's steps are those of the generated workflow file. What costs much and shows nothing (git for the set-up action,
Python's start) is done by the laboratory itself; the runner is the real one, in a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.github.actions import worker as machine
from tests.github.actions.commands import Files
from tests.github.actions.definition import StepDefinition
from tests.soak import processes
from tests.soak.nursery import Forked
from tests.soak.tools import KILLED, read_log, spans

if TYPE_CHECKING:
    from tests.soak.world import World

_RUNNER = 'headwater.pyz" actions'
_ORPHAN_SECONDS = (0.3, 2.5)
"""GitHub's machines end what a step left behind when the job ends; until then an orphaned tool goes on."""


class Machine(machine.Worker):
    """Runs one job."""

    soak: World  # set for the run, before the first job
    forked: Forked | None = None

    def lose(self) -> None:
        """Pull the plug: runner and tool die at once."""
        self.gone = True
        if self.forked is not None:
            self.forked.signal(signal.SIGKILL)
        self.soak.end_tools(self.job.id)
        super().lose()

    def execute(self, definition: StepDefinition) -> tuple[dict[str, str], str]:
        """Run one step."""
        text = str(definition.data.get("run", ""))
        if _RUNNER in text:
            return self._runner(machine.contexts.texts(definition.data.get("env"), self.context()))
        return {}, "cancelled" if self.cancelled else "success"

    def _runner(self, env: dict[str, str]) -> tuple[dict[str, str], str]:
        files = Files(self.temp)
        given = {**self._base_environment(), **self.env, **env, **files.variables()}
        given["HEADWATER_PATIENCE_SECONDS"] = "12"
        given["SOAK_DEFECT"] = self.soak.processes.defect
        given[processes.ARGV] = self.soak.processes.arguments
        out = self.temp / "out"
        argv = ["actions", "--attempt", given["HEADWATER_ATTEMPT"], "--key", given["HEADWATER_DISPATCH"]]
        self.forked = self.soak.nursery.start("runner", argv, given, self.workspace, out)
        self.soak.runners[self.job.id] = self.forked
        outcome = self._watched(self.forked)
        self.soak.runners.pop(self.job.id, None)
        for line in (said := _lines(out)):
            self.log.told(line)
        self.soak.printed += said
        return files.collect(self), outcome

    def _watched(self, runner: Forked) -> str:
        told: float | None = None
        while (code := runner.wait(0.02)) is None:
            if self.job.stopping and told is None:
                told = time.monotonic()
                runner.signal(signal.SIGINT)
            elif told is not None and time.monotonic() > told + self.actions.cancel_seconds:
                runner.signal(signal.SIGKILL)
        if code < 0:
            time.sleep(0.0 if self.gone else _ORPHAN_SECONDS[self.job.id % 2])
            self.soak.end_tools(self.job.id)
        if told is not None:
            return "cancelled"
        return "success" if code == 0 else "failure"


def _lines(out: Path) -> list[str]:
    try:
        return out.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def end_tools(tools: Path, job: int | None, step: str | None = None) -> int:
    """Kill the tools at work in a job (or one tool of any job), and write that down; how many."""
    log = tools / "log"
    if not log.exists():
        return 0
    left = [one for one in spans(read_log(log.read_text())) if one.event is None]
    chosen = [one for one in left if (job is None or one.job == job) and step in (None, one.step)]
    for one in chosen[:1] if job is None else chosen:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
        with log.open("a") as stream:
            stream.write(f"{KILLED} {one.step} {one.environment} {one.job} {one.pid} {one.commit} {one.text}\n")
    return len(chosen[:1] if job is None else chosen)


def use(actions: Any, soak: World) -> None:
    """Have jobs run on these machines."""
    actions.machine = type("Machine", (Machine,), {"soak": soak})
