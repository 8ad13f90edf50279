"""Whose turn it is: of what is due, that goes first which the fewest pieces of its own lane go before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar


class Due(Protocol):
    """A piece of work. `lane`: whose it is, such as a repository's."""

    @property
    def lane(self) -> str:
        """Whose it is."""


Some = TypeVar("Some", bound=Due)


def in_turn(due: Sequence[Some], in_hand: Mapping[str, int]) -> list[Some]:
    """What is due, in the order to take it; given oldest first. `in_hand`: how many pieces of each lane are worked on.

    A lane with a thousand pieces goes on with one for each one of the others, and holds up nobody's first.
    """
    before: Counter[str] = Counter(in_hand)
    places = []
    for one in due:
        places.append(before[one.lane])
        before[one.lane] += 1
    return [due[number] for number in sorted(range(len(due)), key=lambda number: (places[number], number))]
