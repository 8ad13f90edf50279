"""How often a running deployment is read to be shown."""

from __future__ import annotations

from bot.cli.live import Pace


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_read_fast_is_read_whenever_something_moved() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(5):
        assert pace.allows(moved=True)
        with pace.shown():
            clock.now += 0.01
        assert not pace.behind


def test_what_takes_long_to_read_takes_a_tenth_of_the_time_and_is_shown_in_the_end() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.allows(moved=True)
    with pace.shown():
        clock.now += 0.5
    clock.now += 4.4
    assert not pace.allows(moved=True)
    assert not pace.allows(moved=False)
    clock.now += 0.2
    assert pace.allows(moved=False) and pace.behind, "what moved meanwhile is to be shown"
