"""When a comment may be edited again: some seconds after the last edit, and so many times in a minute."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bot.store.publications import Kind, Publication
from bot.working.publishing import too_soon

START = 1_800_000_000.0


def edited(moments: list[float]) -> Publication:
    """A comment that was posted, and edited at these moments."""
    last = moments[-1] if moments else None
    return Publication(1, 1, Kind.PLAN, "7", 7, None, 5, False, "", last, tuple(moments[-60:]), ())


@given(st.lists(st.floats(0, 20), min_size=20, max_size=60))
def test_edits_are_apart_and_so_many_in_a_minute(pauses: list[float]) -> None:
    made: list[float] = []
    now = START
    for pause in pauses:
        now += pause
        while (wait := too_soon(edited(made), now, 2.0, 10)) > 0:
            now += wait
        made.append(now)
    assert all(later - earlier >= 1.999 for earlier, later in itertools.pairwise(made))
    assert all(later - earlier >= 59.9 for earlier, later in zip(made, made[10:], strict=False))


def test_nothing_waits_for_longer_than_it_must() -> None:
    assert too_soon(edited([]), START, 2.0, 10) == 0
    assert too_soon(edited([START - 2]), START, 2.0, 10) == 0
    assert too_soon(edited([START - 0.5]), START, 2.0, 10) == 1.5
    assert too_soon(edited([START + 100]), START, 2.0, 10) == 0, "a clock that was put back holds nothing up"
