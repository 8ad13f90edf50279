"""Causes the faults of a run, and mends what they did; what did not come to pass is not counted."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from sqlalchemy import update

from bot.store.hosted_tables import work
from tests.soak.causes import answers, ci, hostile, people, processes, stores, webhooks
from tests.soak.faults import Fault
from tests.soak.records import Weather
from tests.soak.world import World

CAUSES: dict[int, Callable[[World, Fault], int]] = {
    number: one
    for part in (processes, stores, answers, webhooks, ci, people, hostile)
    for number, one in part.CAUSES.items()
}


def cause(world: World, fault: Fault) -> None:
    """Cause it; returns when it is over."""
    if world.over.wait(fault.delay):
        return
    begun, after = time.time(), world.lines()
    happened = int(CAUSES[fault.number](world, fault))
    world.happened[fault.number] += happened
    if happened:
        world.weather.append(Weather(fault.number, begun, time.time(), after, world.lines()))


def mend(world: World) -> None:
    """All faults stop; what died comes back, and a sweep looks for what was missed, as it does every few minutes."""
    world.github.faults.mend()
    processes = world.processes
    processes.ahead, processes.most_bytes = 0.0, 0
    for one in processes.alive():
        one.signal(signal.SIGCONT)
    processes.start_all()
    processes.answers(30)
    with world.engine.begin() as connection:
        connection.execute(update(work).where(work.c.kind == "sweep").values(due_at=0.0))
