"""When a comment may be edited again: some seconds after the last edit, and so many times in a minute."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bot.store.publications import soonest
from bot.working.publishing import after_edit, progress_from

START = 1_800_000_000.0


@given(st.lists(st.floats(0, 20), min_size=20, max_size=60))
def test_edits_are_apart_and_so_many_in_a_minute(pauses: list[float]) -> None:
    made: list[float] = []
    kept: list[float] = []
    now = again = START
    for pause in pauses:
        now = max(now + pause, again)
        kept, again = after_edit(kept, now, 2.0, 10)
        made.append(now)
    assert all(later - earlier >= 1.999 for earlier, later in itertools.pairwise(made))
    assert all(later - earlier >= 59.9 for earlier, later in zip(made, made[10:], strict=False))
    assert len(kept) <= 11


def test_nothing_waits_for_longer_than_it_must() -> None:
    assert after_edit([], START, 2.0, 10) == ([START], START + 2)
    assert after_edit([START - 61, START - 2], START, 2.0, 10) == ([START - 2, START], START + 2)
    assert after_edit([START - 30, START - 20], START, 2.0, 3)[1] == START + 30


@given(st.lists(st.floats(0, 3), min_size=30, max_size=90), st.integers(4, 40))
def test_progress_leaves_room_for_what_is_new(pauses: list[float], most: int) -> None:
    """However often something moves: what is new is told as soon as edits may be apart, not once the minute is over."""
    kept: list[float] = []
    now = again = START
    for pause in pauses:
        now += pause
        if now >= max(again, progress_from(kept, now, most)):
            kept, again = after_edit(kept, now, 2.0, most)
        assert again <= now + 2.0


def test_progress_is_told_at_once_where_little_was_and_ever_less_often() -> None:
    assert progress_from([], START, 10) == START
    assert progress_from([START - 61], START, 10) == START
    assert progress_from([START - 1], START, 10) == START + 1
    assert progress_from([START - 20, START - 5, START - 1], START, 10) == START + 5


def test_what_was_never_posted_waits_for_nothing_and_a_clock_that_was_put_back_holds_nothing_up() -> None:
    assert soonest(None, None, START) == START
    assert soonest(START - 1, START + 1, START) == START + 1
    assert soonest(START - 9, START - 7, START) == START
    assert soonest(START + 100, START + 102, START) == START
    assert after_edit([START + 100], START, 2.0, 10)[0] == [START]
