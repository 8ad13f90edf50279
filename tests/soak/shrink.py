"""Makes a failing scenario smaller: faults and steps are left out, one after another, while it still fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.soak.story import Scenario

Fails = Callable[[Scenario], bool]


def shrunk(scenario: Scenario, fails: Fails) -> Scenario:
    """The smallest that was found; `fails` plays one and tells whether the same invariant breaks."""
    going = True
    while going:
        going = False
        for smaller in _smaller(scenario):
            if fails(smaller):
                scenario, going = smaller, True
                break
    return scenario


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Without half of the faults first, then without one; then without one step, the last ones first."""
    faults = scenario.faults
    half = len(faults) // 2
    if half > 1:
        yield replace(scenario, faults=faults[:half])
        yield replace(scenario, faults=faults[half:])
    for place in range(len(faults)):
        yield replace(scenario, faults=faults[:place] + faults[place + 1 :])
    for place in reversed(range(len(scenario.steps))):
        if scenario.steps[place].kind != "open":
            yield _without_step(scenario, place)


def _without_step(scenario: Scenario, place: int) -> Scenario:
    """Faults that began after it begin after the one before it."""
    moved = tuple(replace(one, after=max(one.after - (one.after >= place), 0)) for one in scenario.faults)
    steps = tuple(scenario.steps)
    return replace(scenario, steps=steps[:place] + steps[place + 1 :], faults=moved)
