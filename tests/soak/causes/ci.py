"""Faults of the CI: runs, jobs and their machines."""

from __future__ import annotations

import contextlib
import signal
import time

from tests.github.actions import starting
from tests.github.actions.runs import Run
from tests.github.world.refusal import Refusal
from tests.soak.causes.moments import PATIENCE, at_work
from tests.soak.faults import Fault
from tests.soak.world import World

_FILE = ".github/workflows/headwater.yml"


def _never_starts(world: World, fault: Fault) -> int:
    """A dispatch is accepted, and no run comes of it; or one that waits until people cancel it, for nobody else would."""
    faults = world.github.faults
    if fault.choice % 2 == 1:
        faults.runs_vanish += 1
        met = world.wait_for(lambda: faults.runs_vanish == 0, 6.0)
        faults.runs_vanish = 0
        return int(met)
    faults.runs_never_start += 1
    met = world.wait_for(lambda: faults.runs_never_start == 0, 6.0)
    faults.runs_never_start = 0
    world.over.wait(1.0)
    for run in list(world.repository.runs.values()):
        if run.stuck and not run.done:
            world.github.actions.cancel(world.repository, run)
    return int(met)


def _by_hand(world: World, fault: Fault) -> int:
    """A run is cancelled in GitHub's page; or one that has ended is run again there."""
    return (_run_again if fault.choice % 3 == 1 else _cancelled)(world, fault)


def _run_again(world: World, fault: Fault) -> int:
    def done() -> list[Run]:
        return [one for one in list(world.repository.runs.values()) if one.done]

    if not world.wait_for(lambda: bool(done()), PATIENCE):
        return 0
    found = done()
    with contextlib.suppress(Refusal), world.github.world.lock:
        starting.again(
            world.github.actions, world.repository, found[fault.choice % len(found)], world.github.world.user("ada")
        )
        return 1
    return 0


def _cancelled(world: World, fault: Fault) -> int:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not world.over.is_set():
        for run in list(world.repository.runs.values()):
            if not run.done and not run.cancelled:
                with contextlib.suppress(Refusal):
                    world.github.actions.cancel(world.repository, run)
                return 1
        time.sleep(0.01)
    return 0


def _cut_off(world: World, fault: Fault) -> int:
    """The web process does not answer a job for a while: its beats and report come late, after it was given up."""
    (one,) = world.processes.alive("web") or world.processes.alive("serve") or [None]
    if one is None or not world.wait_for(lambda: bool(world.at_work()), PATIENCE):
        return 0
    one.signal(signal.SIGSTOP, "web")
    world.over.wait(2.0 + fault.seconds)
    return int(one.signal(signal.SIGCONT, "web"))


def _unusable(world: World, fault: Fault) -> int:
    """The generated workflow is disabled, altered or missing for a while."""
    kind = fault.choice % 3
    return _disabled(world, fault) if kind == 0 else _rewritten(world, fault, missing=kind == 1)


def _rewritten(world: World, fault: Fault, *, missing: bool) -> int:
    if not world.redefined.acquire(blocking=False):
        return 0
    text = str(world.repository.git.run("show", f"main:{_FILE}")).rstrip("\n") + "\n"
    altered = text.replace("    steps:\n", "    steps:\n      - run: echo mine\n")
    world.on_main({_FILE: None if missing else altered}, "Change what runs us")
    world.over.wait(fault.seconds + 1.0)
    world.on_main({_FILE: text}, "Put back what runs us")
    return 1


def _disabled(world: World, fault: Fault) -> int:
    found = [one for one in world.repository.workflows.values() if one.path.endswith("headwater.yml")]
    for one in found:
        one.state = "disabled_manually"
    world.over.wait(fault.seconds)
    for one in found:
        one.state = "active"
    return int(bool(found))


def _job_lost(world: World, fault: Fault) -> int:
    def lose(job: int) -> bool:
        world.github.actions.workers[job].lose()
        return True

    return at_work(world, fault, lose)


def _crowded(world: World, fault: Fault) -> int:
    """One job at a time: half of a matrix starts, the other half waits for its machine."""
    actions = world.github.actions
    before, actions.most_jobs = actions.most_jobs, 1
    waited = world.wait_for(lambda: _waiting(world) > 0 and bool(actions.workers), PATIENCE)
    world.over.wait(fault.seconds)
    actions.most_jobs = before
    return int(waited)


def _waiting(world: World) -> int:
    return sum(job.status == "queued" for run in list(world.repository.runs.values()) for job in run.current())


CAUSES = {
    32: _never_starts,
    33: _job_lost,
    34: _by_hand,
    35: _cut_off,
    36: _unusable,
    37: _crowded,
}
