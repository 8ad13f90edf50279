"""Some storms, as `make soak` plays many: nothing is lost, nothing doubled."""

from __future__ import annotations

import pytest

from tests.soak import story
from tests.soak.laboratory import opened

SEEDS = range(1, 13)


@pytest.mark.timeout(1800)
def test_twelve_storms() -> None:
    with opened() as laboratory:
        outcomes = [outcome for _, outcome in laboratory.run(map(story.scenario, SEEDS), 3)]
    assert {one.seed: one.violations for one in outcomes} == dict.fromkeys(SEEDS, ())
