"""Faults of processes: killed, ended, paused."""

from __future__ import annotations

import signal

from tests.soak.causes.moments import at_work
from tests.soak.faults import Fault
from tests.soak.processes import Process
from tests.soak.world import World


def _chosen(world: World, fault: Fault, *roles: str) -> Process | None:
    found = [one for role in roles for one in world.processes.alive(role)]
    return found[fault.choice % len(found)] if found else None


def _killed(world: World, fault: Fault, *roles: str) -> int:
    """Half of them at once, half at one of the next statements that commit."""
    one = _chosen(world, fault, *roles)
    if one is None:
        return 0
    if fault.choice % 2:
        world.processes.arm(one, 1 + fault.choice % 23, roles[0])
        one.wait(1.5)
    world.processes.kill(one, part=roles[0])
    world.over.wait(fault.seconds * 0.4)
    world.processes.start_all()
    return 1


def _web_killed(world: World, fault: Fault) -> int:
    return _killed(world, fault, "web", "serve")


def _worker_killed(world: World, fault: Fault) -> int:
    return _killed(world, fault, "worker", "serve")


def _runner_killed(world: World, fault: Fault) -> int:
    """A runner whose tool is at work; the tool goes on for a while."""
    return at_work(world, fault, lambda job: world.runners[job].signal(signal.SIGKILL))


def _tool_killed(world: World, fault: Fault) -> int:
    return at_work(world, fault, lambda job: world.end_tools(job) > 0)


def _rolling(world: World, fault: Fault) -> int:
    found = world.processes.alive()
    for one in found:
        one.forked.signal(signal.SIGTERM)
        if not one.wait(6):
            world.processes.kill(one)
        world.processes.start_all()
    return int(bool(found))


def _all_killed(world: World, fault: Fault) -> int:
    found = world.processes.kill(*world.processes.alive())
    world.over.wait(fault.seconds)
    world.processes.start_all()
    return int(found > 0)


def _paused(world: World, fault: Fault) -> int:
    one = _chosen(world, fault, "worker", "web", "serve")
    part = ("", "worker", "web")[fault.choice % 3] if one is not None and one.role == "serve" else ""
    if one is None or not one.signal(signal.SIGSTOP, part):
        return 0
    world.over.wait(1.5 + fault.seconds)
    return int(one.signal(signal.SIGCONT, part))


def _hanging(world: World, fault: Fault) -> int:
    """The runner of a job stops, its tool goes on; later it goes on as if nothing had happened."""

    def hang(job: int) -> bool:
        runner = world.runners[job]
        runner.signal(signal.SIGSTOP)
        world.over.wait(2.0 + fault.seconds)
        return runner.signal(signal.SIGCONT)

    return at_work(world, fault, hang)


CAUSES = {
    1: _web_killed,
    2: _worker_killed,
    3: _runner_killed,
    4: _tool_killed,
    5: _rolling,
    6: _all_killed,
    8: _paused,
    108: _hanging,
}
