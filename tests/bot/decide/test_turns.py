"""Whose turn it is: no lane holds up another one's first piece."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from bot.decide.turns import in_turn


@dataclass(frozen=True)
class Piece:
    """A piece of work of a lane; given oldest first."""

    lane: str
    number: int


def pieces(lanes: str) -> list[Piece]:
    return [Piece(lane, number) for number, lane in enumerate(lanes)]


def test_a_busy_lane_goes_on_with_one_for_each_of_the_others() -> None:
    assert "".join(one.lane for one in in_turn(pieces("a" * 9 + "bcb"), {})) == "abcabaaaaaaa"


def test_what_is_in_hand_counts() -> None:
    assert "".join(one.lane for one in in_turn(pieces("aaab"), {"a": 2})) == "baaa"
    assert "".join(one.lane for one in in_turn(pieces("aab"), {"a": 1, "b": 1})) == "aba"


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.dictionaries(st.sampled_from("abcd"), st.integers(0, 4)))
def test_nothing_is_lost_lanes_keep_their_order_and_nobody_is_held_up(lanes: list[str], hand: dict[str, int]) -> None:
    due = pieces("".join(lanes))
    found = in_turn(due, hand)
    assert sorted(found, key=lambda one: one.number) == due
    for lane in set(lanes):
        own = [one.number for one in found if one.lane == lane]
        assert own == sorted(own)
        first = next(place for place, one in enumerate(found) if one.lane == lane)
        earlier = Counter(one.lane for one in found[:first])
        assert all(count + hand.get(other, 0) <= hand.get(lane, 0) + 1 for other, count in earlier.items())
