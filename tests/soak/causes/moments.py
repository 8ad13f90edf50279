"""Moments that faults wait for."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.soak.faults import Fault
from tests.soak.world import World

PATIENCE = 6.0
"""Seconds to wait for the moment that a fault needs, such as a tool at work."""


def at_work(world: World, fault: Fault, deed: Callable[[int], bool]) -> int:
    """Do something to a job whose tool is at work, if there comes one; whether it was done."""
    end = time.monotonic() + PATIENCE
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
