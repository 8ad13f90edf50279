"""Which environment of a later commit is which of an earlier one: the same identity, or moved.

One that is gone and one that is new with the same repository, path, tool and workspace are a move, where only one
of each fits; `movedFrom` says the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from planner.indexing.snapshot import EnvironmentFacts, Snapshot


class Matching(NamedTuple):
    """Two snapshots' environments, by number.

    `successors` leads from the earlier to the later; `differing` from the later to the earlier where the two are not
    defined alike, moved ones included; `removed` are of the earlier, `new` and `moved` of the later.
    """

    successors: Mapping[int, int]
    differing: Mapping[int, int]
    new: frozenset[int]
    moved: frozenset[int]
    removed: tuple[int, ...]


class _Unmoved(Mapping[int, int]):
    """Every environment is itself: what two snapshots of equal definitions have, at no cost."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __getitem__(self, number: int) -> int:
        if 0 <= number < self._count:
            return number
        raise KeyError(number)

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._count))

    def __len__(self) -> int:
        return self._count


def matched(base: Snapshot, head: Snapshot) -> Matching:
    """Match the environments of two snapshots of one repository."""
    if base.key == head.key:
        return Matching(_Unmoved(len(head.records)), {}, frozenset(), frozenset(), ())
    successors: dict[int, int] = {}
    differing: dict[int, int] = {}
    for identity, number in head.numbers.items():
        then = base.numbers.get(identity)
        if then is not None:
            successors[then] = number
            if base.records[then] != head.records[number]:
                differing[number] = then
    new = [number for identity, number in head.numbers.items() if identity not in base.numbers]
    gone = [number for identity, number in base.numbers.items() if identity not in head.numbers]
    moves = _moves({one: base.environment(one) for one in gone}, {one: head.environment(one) for one in new})
    return Matching(
        successors | moves,
        differing | {now: then for then, now in moves.items()},
        frozenset(new) - frozenset(moves.values()),
        frozenset(moves.values()),
        tuple(number for number in gone if number not in moves),
    )


def _moves(gone: Mapping[int, EnvironmentFacts], new: Mapping[int, EnvironmentFacts]) -> dict[int, int]:
    """From the earlier number to the later one."""
    moves: dict[int, int] = {}
    for now, facts in new.items():
        if facts.moved_from is not None:
            then = _named(facts, gone)
            if then is not None and then not in moves:
                moves[then] = now
    said = set(moves.values())
    places: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}
    for then, facts in gone.items():
        if then not in moves:
            places.setdefault(facts.place, ([], []))[0].append(then)
    for now, facts in new.items():
        if now not in said and facts.place in places:
            places[facts.place][1].append(now)
    return moves | {thens[0]: nows[0] for thens, nows in places.values() if len(thens) == len(nows) == 1}


def _named(facts: EnvironmentFacts, gone: Mapping[int, EnvironmentFacts]) -> int | None:
    """The one that `movedFrom` means: of the same file, else the only one of that alias."""
    key = (facts.moved_from or "").casefold()
    those = [number for number, one in gone.items() if one.alias.casefold() == key]
    here = [number for number in those if gone[number].file == facts.file]
    found = here or those
    return found[0] if len(found) == 1 else None
