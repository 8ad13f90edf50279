"""How each fault is caused in a world, for real; what did not come to pass is not counted."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

from sqlalchemy import update

from bot.store.hosted_tables import work
from tests.github.faults import Fault as Switch
from tests.github.hooks import Delivery, as_it_comes
from tests.soak.faults import Fault
from tests.soak.processes import Process
from tests.soak.world import World

_API = r"^/api/"
_PATIENCE = 2.0
"""Seconds to wait for the moment that a fault needs, such as a tool at work."""


def cause(world: World, fault: Fault) -> None:
    """Cause it; returns when it is over."""
    if not world.over.wait(fault.delay):
        world.happened[fault.number] += int(CAUSES[fault.number](world, fault))


def mend(world: World) -> None:
    """All faults stop; what died comes back, and a sweep looks for what was missed, as it does every few minutes."""
    world.github.faults.mend()
    processes = world.processes
    processes.ahead, processes.most_bytes = 0.0, 0
    for one in processes.alive():
        one.forked.signal(signal.SIGCONT)
    processes.start_all()
    processes.answers(30)
    with world.engine.begin() as connection:
        connection.execute(update(work).where(work.c.kind == "sweep").values(due_at=0.0))


# -- processes


def _chosen(world: World, fault: Fault, *roles: str) -> Process | None:
    found = [one for role in roles for one in world.processes.alive(role)]
    return found[fault.choice % len(found)] if found else None


def _killed(world: World, fault: Fault, *roles: str) -> int:
    """Half of them at once, half at one of the next statements that commit."""
    one = _chosen(world, fault, *roles)
    if one is None:
        return 0
    if fault.choice % 2:
        world.processes.arm(one, 1 + fault.choice % 23)
        one.forked.wait(1.5)
    world.processes.kill(one)
    world.over.wait(fault.seconds * 0.4)
    world.processes.start_all()
    return 1


def _web_killed(world: World, fault: Fault) -> int:
    return _killed(world, fault, "web", "serve")


def _worker_killed(world: World, fault: Fault) -> int:
    return _killed(world, fault, "worker", "serve")


def _runner_killed(world: World, fault: Fault) -> int:
    """A runner whose tool is at work; the tool goes on for a while."""
    return _at_work(world, fault, lambda job: world.runners[job].signal(signal.SIGKILL))


def _at_work(world: World, fault: Fault, deed: Callable[[int], bool]) -> int:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and not world.over.is_set():
        jobs = [one.job for one in world.at_work() if one.job in world.runners]
        applying = [one.job for one in world.at_work() if one.job in world.runners and one.step == "apply"]
        chosen = applying if fault.choice % 4 else jobs
        if chosen:
            try:
                return int(deed(chosen[fault.choice % len(chosen)]))
            except KeyError:
                continue
        time.sleep(0.005)
    return 0


def _tool_killed(world: World, fault: Fault) -> int:
    return _at_work(world, fault, lambda job: world.end_tools(job) > 0)


def _job_lost(world: World, fault: Fault) -> int:
    def lose(job: int) -> bool:
        world.github.actions.workers[job].lose()
        return True

    return _at_work(world, fault, lose)


def _rolling(world: World, fault: Fault) -> int:
    found = world.processes.alive()
    for one in found:
        one.forked.signal(signal.SIGTERM)
        if one.forked.wait(6) is None:
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
    if one is None or not one.forked.signal(signal.SIGSTOP):
        return 0
    world.over.wait(1.5 + fault.seconds)
    return int(one.forked.signal(signal.SIGCONT))


# -- GitHub's answers


def _while_switched(world: World, fault: Fault, *switches: Switch) -> int:
    """Whether any call met one of these."""
    world.over.wait(fault.seconds)
    for one in switches:
        one.times = 0
    return int(any(one.met for one in switches))


def _errors(world: World, fault: Fault) -> int:
    where = ("", _API)[fault.choice % 2]
    return _while_switched(
        world, fault, world.github.faults.error(where, (502, 503)[fault.choice // 2 % 2], times=None)
    )


def _limited(world: World, fault: Fault) -> int:
    status = (403, 429)[fault.choice % 2]
    return _while_switched(world, fault, world.github.faults.retry_after(_API, 30, status, times=None))


def _answers_lost(world: World, fault: Fault) -> int:
    switch = world.github.faults.lose_answer(_API, method=("POST", "PATCH", "POST")[fault.choice % 3], times=3)
    world.over.wait(1.0)
    return _while_switched(world, fault, switch)


# -- webhooks


def _hooks(world: World, fault: Fault, plan: Callable[[Delivery, random.Random], list[float] | None]) -> int:
    """While it lasts, this becomes of webhooks; None: as it comes, and it does not count."""
    chance, met = random.Random(fault.choice), []

    def planned(delivery: Delivery) -> list[float]:
        found = plan(delivery, chance)
        if found is None:
            return [0.0]
        met.append(delivery)
        return found

    world.github.hooks.plan = planned
    world.over.wait(fault.seconds + 0.5)
    if world.github.hooks.plan is planned:
        world.github.hooks.plan = as_it_comes
    return int(bool(met))


def _webhooks_lost(world: World, fault: Fault) -> int:
    """Without a trace, or as failed ones in GitHub's log. What people say is written down from its webhook alone."""

    def lose(delivery: Delivery, chance: random.Random) -> list[float] | None:
        if chance.random() < 0.5:
            return None
        if delivery.event in ("issue_comment", "pull_request_review") or chance.random() < 0.5:
            world.github.hooks.fail(delivery)
        return []

    return _hooks(world, fault, lose)


def _webhooks_doubled(world: World, fault: Fault) -> int:
    return _hooks(world, fault, lambda one, chance: [0.0, chance.choice((0.0, 0.3))] if chance.random() < 0.6 else None)


def _webhooks_mixed(world: World, fault: Fault) -> int:
    return _hooks(world, fault, lambda one, chance: [chance.uniform(0.0, 1.0)] if chance.random() < 0.6 else None)


CAUSES: dict[int, Callable[[World, Fault], int]] = {
    1: _web_killed,
    2: _worker_killed,
    3: _runner_killed,
    4: _tool_killed,
    5: _rolling,
    6: _all_killed,
    8: _paused,
    16: _errors,
    17: _limited,
    19: _answers_lost,
    25: _webhooks_lost,
    26: _webhooks_doubled,
    28: _webhooks_mixed,
    33: _job_lost,
}
