"""One run from its beginning to its judgement: the steps with the faults, the mend, the calm, and one last deploy."""

from __future__ import annotations

import gzip
import os
import pickle
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.soak import causing
from tests.soak.gathering import records_of
from tests.soak.judges import JUDGES
from tests.soak.nursery import Nursery
from tests.soak.records import Records
from tests.soak.story import ADMIN, Scenario, Step
from tests.soak.world import World

QUIET_SECONDS = 120.0
"""How long after the last fault all must have come to rest."""
_TURNS = 10
"""Approvals of a chain of environments, each after the one above it, and as many retries."""


@dataclass(frozen=True)
class Outcome:
    """What became of a run: what the judges found, by invariant, and how often each fault happened."""

    seed: int
    database: str
    violations: tuple[str, ...]
    happened: dict[int, int]
    seconds: float
    facts: dict[str, int]
    used: float = 0.0  # seconds of processors


@dataclass(frozen=True)
class Kept:
    """What judges look at, to be judged once more: what was there at rest, and after the last deploy, if it came to that."""

    seed: int
    violations: tuple[str, ...]
    first: Records
    last: Records | None


def play(
    scenario: Scenario, folder: Path, nursery: Nursery, database_url: str, defect: str = "", keep: Path | None = None
) -> Outcome:
    """Play a scenario and judge it; what was judged goes into a file of the folder `keep`."""
    began = time.monotonic()
    world = World(scenario, folder, nursery, database_url, defect)
    try:
        world.processes.start_all()
        if scenario.dies_at:
            threading.Thread(target=_revive, args=(world,), daemon=True).start()
        if not world.processes.answers(30):
            raise RuntimeError(f"the server does not start: {world.processes.said()[-3000:]}")
        world.wait_for_calm(10)
        _in_weather(world)
        left, first = _at_rest(world)
        points = len(world.processes.passed())
        last = None
        if not left:
            final, left = _last_deploy(world)
            last = records_of(world, left, final)
        violations = judged(first, last)
        violations += [f"I5 only what was allowed: {one}" for one in world.complaints]
        violations += [f"laboratory: {one}" for one in world.github.errors]
    finally:
        world.stop()
    if keep is not None:
        file = keep / f"{scenario.seed}.{os.getpid()}.pickle.gz"
        file.write_bytes(gzip.compress(pickle.dumps(Kept(scenario.seed, tuple(violations), first, last)), 3))
    facts = {
        "applies": sum(one.event == "start" and one.step == "apply" for one in first.log),
        "commands": len(first.commands),
        "webhooks": len(first.webhooks),
        "jobs": len(first.attempts_of_jobs),
        "points": points,
        "starts": world.processes.started,
    }
    took = round(time.monotonic() - began, 1)
    return Outcome(scenario.seed, scenario.database, tuple(violations), dict(world.happened), took, facts)


def judged(first: Records, last: Records | None) -> list[str]:
    """What the judges find in what was there at rest, and after the last deploy."""
    violations = [f"{name}: {one}" for name, judge in JUDGES.items() for one in judge(first)]
    if last is not None:
        found = [f"{name}: {one}" for name, judge in JUDGES.items() for one in judge(last)]
        violations += [f"{one} (after the last deploy)" for one in found if one not in violations]
    return violations


def _at_rest(world: World) -> tuple[str, Records]:
    """What is left once all is calm, and what can be seen by then; a late webhook may come at the very moment."""
    left = world.wait_for_calm(QUIET_SECONDS)
    found = records_of(world, left)
    if all(found.webhooks.values()):
        return left, found
    left = world.wait_for_calm(QUIET_SECONDS)
    return left, records_of(world, left)


def _in_weather(world: World) -> None:
    """Play the steps, with the faults that begin after them; at the end all is mended, and all processes are new."""
    threads: list[threading.Thread] = []
    for number, step in enumerate(world.scenario.steps):
        world.do(step)
        for fault in world.scenario.faults:
            if fault.after == number:
                thread = threading.Thread(target=causing.cause, args=(world, fault), daemon=True)
                thread.start()
                threads.append(thread)
    for thread in threads:
        thread.join(20)
    causing.mend(world)


def _revive(world: World) -> None:
    """Start what died again, as whoever runs it does."""
    while not world.over.wait(0.1):
        world.processes.start_all()


def _last_deploy(world: World) -> tuple[dict[str, str], str]:
    """In good weather, people set everything right: each environment gets one last text, whatever was before."""
    for pull in list(world.pulls.values()):
        if pull.state == "open":
            number = next(n for n, one in world.pulls.items() if one is pull)
            world.do(Step("close", ADMIN, number))
    left = world.wait_for_calm(QUIET_SECONDS)
    for number, pull in world.pulls.items():
        if pull.merged_at is None:
            world.do(Step("say", ADMIN, number, "/unlock"))
    left = left or world.wait_for_calm(QUIET_SECONDS)
    number = max(world.pulls, default=0) + 1
    final = {name: f"{name}-last" for name in world.scenario.needs}
    world.do(Step("open", "ada", number, wanted=final))
    left = left or world.wait_for_calm(QUIET_SECONDS)
    world.do(Step("review", "bob", number))
    world.do(Step("say", "ada", number, "/deploy"))
    for turn in range(_TURNS):
        left = left or world.wait_for_calm(QUIET_SECONDS)
        if left or _all_there(world, final):
            break
        world.do(Step("say", "bob" if turn % 2 == 0 else "ada", number, "/approve" if turn % 2 == 0 else "/retry"))
    world.do(Step("merge", "bob", number))
    return final, left or world.wait_for_calm(QUIET_SECONDS)


def _all_there(world: World, final: dict[str, str]) -> bool:
    return all((world.tools / f"state-{name}").exists() and
               (world.tools / f"state-{name}").read_text().strip() == text for name, text in final.items())  # fmt: skip
