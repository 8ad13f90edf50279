"""The time that is left on the critical path."""

from __future__ import annotations

import pytest

from bot.decide.remaining import Leg, remaining, share_done


@pytest.mark.parametrize(
    ("legs", "seconds"),
    [
        ([], 0.0),
        ([Leg("a", (), 5)], 5.0),
        ([Leg("a", (), 5, ran=2)], 3.0),
        ([Leg("a", (), 5, ran=9)], 0.0),
        ([Leg("a", (), 5), Leg("b", ("a",), 4), Leg("c", (), 8)], 9.0),
        ([Leg("b", ("done long ago",), 4)], 4.0),
        ([Leg("a", (), 5, ran=9), Leg("b", ("a",), 4), Leg("c", ("a", "b"), 1)], 5.0),
        ([Leg("a", (), 5), Leg("b", ("a",), None)], None),
    ],
)
def test_what_is_left(legs: list[Leg], seconds: float | None) -> None:
    assert remaining(legs) == seconds


@pytest.mark.parametrize(("left", "passed", "share"), [(3, 1, 0.25), (0, 4, 1.0), (0, 0, 1.0)])
def test_the_share_that_is_done(left: float, passed: float, share: float) -> None:
    assert share_done(left, passed) == share
