"""Twelve short storms, as `make soak` plays many long ones: nothing is lost, nothing doubled."""

from __future__ import annotations

import pytest

from tests.soak import story
from tests.soak.laboratory import opened

SEEDS = range(1, 13)


@pytest.mark.timeout(1800)
def test_twelve_storms() -> None:
    scenarios = [story.first_pull(story.scenario(seed)) for seed in SEEDS]
    assert min(len(one.faults) for one in scenarios) >= 2
    with opened() as laboratory:
        outcomes = [outcome for _, outcome in laboratory.run(scenarios, 3)]
    assert {one.seed: one.violations for one in outcomes} == dict.fromkeys(SEEDS, ())
