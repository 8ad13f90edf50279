"""How each fault is caused in a world, for real; what did not come to pass is not counted."""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import time
import uuid
from collections.abc import Callable

from sqlalchemy import create_engine, update

from bot.store.hosted_tables import work
from tests.github.faults import Fault as Switch
from tests.github.hooks import Delivery, as_it_comes
from tests.github.world.refusal import Refusal
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


def _webhook_again(world: World, fault: Fault) -> int:
    """One that the web process answered with an error, since its store was away: GitHub's log says so."""

    def fail(delivery: Delivery, chance: random.Random) -> list[float] | None:
        if chance.random() < 0.4:
            return None
        world.github.hooks.fail(delivery)
        again.append(delivery)
        return []

    again: list[Delivery] = []
    _hooks(world, fault, fail)
    for one in again[:3]:
        world.github.hooks.redeliver(one)
    return int(bool(again))


def _webhooks_late(world: World, fault: Fault) -> int:
    return _hooks(world, fault, lambda one, chance: [chance.uniform(3.0, 6.0)] if chance.random() < 0.3 else None)


def _burst(world: World, fault: Fault) -> int:
    """Everything that came so far, once more and under ids of its own: the bot may not mind hearing of old things."""
    hooks, chance = world.github.hooks, random.Random(fault.choice)
    old = [one for one in list(hooks.log) if one.event in ("pull_request", "push", "workflow_job", "workflow_run")]
    for one in old[:150]:
        hooks.repeat(one, str(uuid.UUID(int=chance.getrandbits(128))))
    return int(len(old) > 10)


# -- more of GitHub's answers


def _used_up(world: World, fault: Fault) -> int:
    """The hour, which is 36 s here, is over after some seconds."""
    limits = world.github.limits
    before = limits.hourly
    with world.github.world.lock:
        limits.hourly = 0
    world.over.wait(fault.seconds)
    with world.github.world.lock:
        limits.hourly = before
    return 1


def _dripping(world: World, fault: Fault) -> int:
    return _while_switched(world, fault, world.github.faults.drip(_API, seconds=0.8, times=4))


def _expiring(world: World, fault: Fault) -> int:
    return _while_switched(world, fault, world.github.faults.expire_token("", times=4))


def _suspended(world: World, fault: Fault) -> int:
    there = world.github.world
    (installation,) = list(there.installations.values())
    there.suspend(installation, there.user("olga"))
    world.over.wait(fault.seconds)
    there.suspend(installation, there.user("olga"), suspended=False)
    return 1


def _unlisted(world: World, fault: Fault) -> int:
    """Dispatches whose answer is lost, while new runs are in no list."""
    world.github.faults.unlisted_seconds = fault.seconds + 2.0
    switch = world.github.faults.lose_answer("/dispatches$", method="POST", times=2)
    happened = _while_switched(world, fault, switch)
    world.github.faults.unlisted_seconds = 0.0
    return happened


# -- CI


def _never_starts(world: World, fault: Fault) -> int:
    """People cancel such a run after a while; nobody else would ever end it."""
    faults = world.github.faults
    faults.runs_never_start += 1
    met = world.wait_for(lambda: faults.runs_never_start == 0, 6.0)
    faults.runs_never_start = 0
    world.over.wait(1.0)
    for run in list(world.repository.runs.values()):
        if run.stuck and not run.done:
            world.github.actions.cancel(world.repository, run)
    return int(met)


def _cancelled_by_hand(world: World, fault: Fault) -> int:
    end = time.monotonic() + _PATIENCE
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
    if one is None or not world.wait_for(lambda: bool(world.at_work()), _PATIENCE):
        return 0
    one.forked.signal(signal.SIGSTOP)
    world.over.wait(2.0 + fault.seconds)
    return int(one.forked.signal(signal.SIGCONT))


def _disabled(world: World, fault: Fault) -> int:
    found = [one for one in world.repository.workflows.values() if one.path.endswith("headwater.yml")]
    for one in found:
        one.state = "disabled_manually"
    world.over.wait(fault.seconds)
    for one in found:
        one.state = "active"
    return int(bool(found))


def _hanging(world: World, fault: Fault) -> int:
    """The runner of a job stops, its tool goes on; later it goes on as if nothing had happened."""

    def hang(job: int) -> bool:
        runner = world.runners[job]
        runner.signal(signal.SIGSTOP)
        world.over.wait(2.0 + fault.seconds)
        return runner.signal(signal.SIGCONT)

    return _at_work(world, fault, hang)


# -- people


def _power_lost(world: World, fault: Fault) -> int:
    """Who said the last thing loses what it took, while that waits; and has it again later."""
    said = [one for one in world.deeds if one.kind == "say" and one.role == "write"]
    if not said:
        return 0
    there, login = world.repository.collaborators, said[-1].who
    with world.github.world.lock:
        there[login] = "read"
    world.over.wait(fault.seconds)
    with world.github.world.lock:
        there[login] = "write"
    return 1


# -- the store


def _locked(world: World, fault: Fault) -> int:
    """Somebody else writes to the SQLite file, for seconds."""
    file = world.folder / "headwater.db"
    with contextlib.closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        world.over.wait(fault.seconds + 1.0)
        connection.execute("ROLLBACK")
    return 1


def _gone(world: World, fault: Fault) -> int:
    """As PostgreSQL's restart looks to those who use it: every session ends, whatever it was at, and none begins for a while."""
    name = world.engine.url.database or ""
    others = create_engine(world.engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    ended = 0
    with others.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        end = time.monotonic() + fault.seconds
        while time.monotonic() < end:
            query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
            ended += int(connection.exec_driver_sql(query, (name,)).scalar() or 0)
            time.sleep(0.05)
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    others.dispose()
    return int(ended > 0)


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
    10: _locked,
    11: _gone,
    18: _used_up,
    20: _dripping,
    21: _expiring,
    22: _suspended,
    24: _unlisted,
    27: _webhook_again,
    29: _webhooks_late,
    30: _burst,
    32: _never_starts,
    34: _cancelled_by_hand,
    35: _cut_off,
    36: _disabled,
    40: _power_lost,
    108: _hanging,
}
