"""The bot killed at each of its points in turn (bot/runner/crash.py), and started again: every story ends as it should.

`HEADWATER_TEST_CRASH=all` in the environment visits every point (`make crash`), `2/8` the second and then every eighth
one (`make crash PART=2/8`); by default a few of each story, others than of the story before.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from tests.crash.bot_stories import STORIES
from tests.soak.laboratory import Laboratory, opened
from tests.soak.play import Outcome
from tests.soak.story import Scenario

_BESIDE = 4
_BESIDE_ALONE = 4 * (os.cpu_count() or 1)
_SAMPLE = (23, 41, 97, 131, 173, 199, 233, 269, 311, 353, 389, 421)
_OF_EACH = 2
_NEVER = 1_000_000


@pytest.mark.timeout(12 * 3600)
def test_killed_at_each_point(record_property: Callable[[str, object], None]) -> None:
    with opened() as laboratory:
        wanted = os.environ.get("HEADWATER_TEST_CRASH", "")
        chosen = _points(laboratory, wanted) if wanted else _some_points()
        killed = {
            f"{name} at {at}": replace(STORIES[name], dies_at=at) for name, points in chosen.items() for at in points
        }
        outcomes = _played(laboratory, killed, _BESIDE_ALONE if wanted else _BESIDE)
    for name, points in chosen.items():
        most = max(outcomes[f"{name} at {at}"].facts.get("points", 0) for at in points)
        record_property("crash points", f"the bot, {name}: {most} crash points, killed at {len(points)} of them")
    assert _bad(outcomes) == {}
    died = {name: one.facts for name, one in outcomes.items() if one.facts["points"] >= killed[name].dies_at}
    assert {name: facts for name, facts in died.items() if facts["starts"] < 2} == {}


def _some_points() -> dict[str, list[int]]:
    """Others for each story; every story has more than four hundred."""
    places = itertools.cycle(_SAMPLE)
    return {name: sorted(itertools.islice(places, _OF_EACH)) for name in STORIES}


def _points(laboratory: Laboratory, wanted: str) -> dict[str, list[int]]:
    """Those that each story passes when nobody dies: all of them, or a part."""
    first, _, parts = ("1/1" if wanted == "all" else wanted).partition("/")
    told = _played(laboratory, {name: replace(one, dies_at=_NEVER) for name, one in STORIES.items()}, _BESIDE)
    assert _bad(told) == {}
    return {name: list(range(int(first), one.facts["points"] + 1, int(parts))) for name, one in told.items()}


def _played(laboratory: Laboratory, stories: Mapping[str, Scenario], beside: int) -> dict[str, Outcome]:
    """Each with what became of it, in the same order."""
    names = list(stories)
    numbered = [replace(one, seed=number) for number, one in enumerate(stories.values())]
    found = {one.seed: outcome for one, outcome in laboratory.run(numbered, beside)}
    return {name: found[number] for number, name in enumerate(names)}


def _bad(outcomes: Mapping[str, Outcome]) -> dict[str, tuple[str, ...]]:
    return {name: one.violations for name, one in outcomes.items() if one.violations}
