"""The bot killed at each of its points in turn (bot/runner/crash.py), and started again: every story ends as it should.

`HEADWATER_TEST_CRASH=all` in the environment visits every point (`make crash`); by default a few of each story, others
than of the story before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from tests.crash.bot_stories import STORIES
from tests.soak.laboratory import Laboratory, opened
from tests.soak.play import Outcome
from tests.soak.story import Scenario

BESIDE = 3
SAMPLE = 3
"""How many points of a story by default."""
_NEVER = 1_000_000


@pytest.mark.timeout(4 * 3600)
def test_killed_at_each_point(record_property: Callable[[str, object], None]) -> None:
    every = os.environ.get("HEADWATER_TEST_CRASH") == "all"
    with opened() as laboratory:
        told = _played(laboratory, {name: replace(one, dies_at=_NEVER) for name, one in STORIES.items()})
        assert _bad(told) == {}
        killed = {}
        for place, (name, outcome) in enumerate(told.items()):
            count = outcome.facts["points"]
            chosen = _points(place, count, every)
            killed |= {f"{name} at {at}": replace(STORIES[name], dies_at=at) for at in chosen}
            record_property("crash points", f"the bot, {name}: {count} crash points, killed at {len(chosen)} of them")
        outcomes = _played(laboratory, killed)
    assert _bad(outcomes) == {}
    assert all(one.facts["starts"] == 2 or one.facts["points"] < killed[name].dies_at for name, one in outcomes.items())


def _points(place: int, count: int, every: bool) -> list[int]:
    if every:
        return list(range(1, count + 1))
    step = max(1, count // SAMPLE)
    return list(range(1 + place * 7 % step, count + 1, step))[:SAMPLE]


def _played(laboratory: Laboratory, stories: Mapping[str, Scenario]) -> dict[str, Outcome]:
    """Each with what became of it, in the same order."""
    names = list(stories)
    numbered = [replace(one, seed=number) for number, one in enumerate(stories.values())]
    found = {one.seed: outcome for one, outcome in laboratory.run(numbered, BESIDE)}
    return {name: found[number] for number, name in enumerate(names)}


def _bad(outcomes: Mapping[str, Outcome]) -> dict[str, tuple[str, ...]]:
    return {name: one.violations for name, one in outcomes.items() if one.violations}
