"""Which stored environment is which in the files: the same, moved, new, or removed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stack:
    """What stays the same when an environment is renamed: where it lies and what runs it."""

    path: str
    tool: str
    workspace: str


@dataclass(frozen=True, slots=True)
class Name:
    """What an environment is called, in which file, and where it lies."""

    file: str
    key: str
    stack: Stack


@dataclass(frozen=True, slots=True)
class Known:
    """An environment that the store knows. `used`: it was deployed, or a deploy of it began, at some time.

    `former`: the names under which it was deployed before, which branches that do not have a move still use.
    """

    id: int
    file: str
    key: str
    stack: Stack
    used: bool
    former: frozenset[Name] = frozenset()


@dataclass(frozen=True, slots=True)
class Declared:
    """An environment in a workflow file. `moved_from`: the key of the alias that it says it had."""

    file: str
    key: str
    stack: Stack
    moved_from: str | None = None


@dataclass(frozen=True, slots=True)
class Identities:
    """`same` maps what is declared to the id it has; what is in neither `same` nor here is new.

    `moves`: the ids whose alias or file changed. `removed`: used ids that nothing declares any more. `doubtful`:
    those of them that may be a rename that the files do not tell (so no removal may destroy them yet). `followed`:
    vanished files, each with the one file that all their environments went to: their workflows go along.
    """

    same: dict[tuple[str, str], int]
    moves: dict[int, Declared]
    removed: tuple[int, ...]
    doubtful: frozenset[int]
    followed: dict[str, str] = field(default_factory=dict)


def identities(known: Sequence[Known], declared: Sequence[Declared]) -> Identities:
    """Match by file and alias, then `movedFrom`, then a former name, then an unmistakable path, tool and workspace."""
    by_name = {(one.file, one.key): one for one in known}
    names = {(one.file, one.key) for one in declared}
    used_gone = [one for one in known if one.used and (one.file, one.key) not in names]
    exact = {(one.file, one.key): by_name[one.file, one.key] for one in declared if (one.file, one.key) in by_name}
    fresh = [one for one in declared if (found := exact.get((one.file, one.key))) is None or not found.used]

    moves = _told_moves(used_gone, fresh)
    for more in (_moves_back, _plain_moves):
        moved_to = {(one.file, one.key) for one in moves.values()}
        rest = [one for one in used_gone if one.id not in moves]
        moves |= more(rest, [one for one in fresh if (one.file, one.key) not in moved_to])

    moved_to = {(one.file, one.key) for one in moves.values()}
    same = {name: one.id for name, one in exact.items() if name not in moved_to}
    same |= {(one.file, one.key): identity for identity, one in moves.items()}
    gone = tuple(one for one in used_gone if one.id not in moves)
    newcomers = [one for one in fresh if (one.file, one.key) not in moved_to]
    return Identities(
        same,
        moves,
        tuple(one.id for one in gone),
        frozenset(one.id for one in gone if any(_may_be(one, other) for other in newcomers)),
        _followed(known, declared, moves),
    )


def _may_be(gone: Known, newcomer: Declared) -> bool:
    """Whether a newcomer may be what is gone: any in the same file; elsewhere one that shares its name or its path."""
    return gone.file == newcomer.file or gone.key == newcomer.key or gone.stack.path == newcomer.stack.path


def _followed(known: Sequence[Known], declared: Sequence[Declared], moves: Mapping[int, Declared]) -> dict[str, str]:
    """The vanished files whose used environments all went to one file that had none of its own."""
    present = {one.file for one in declared}
    settled = {one.file for one in known if one.used}
    targets: defaultdict[str, set[str | None]] = defaultdict(set)
    for one in known:
        if one.used and one.file not in present:
            targets[one.file].add(moves[one.id].file if one.id in moves else None)
    found = {old: target for old, (target, *others) in targets.items() if target is not None and not others}
    taken = Counter(found.values())
    return {old: new for old, new in found.items() if new not in settled and taken[new] == 1}


def _told_moves(gone: Iterable[Known], fresh: Iterable[Declared]) -> dict[int, Declared]:
    """The moves that `movedFrom` tells: an alias of the same file, else one that only one vanished file had."""
    moves: dict[int, Declared] = {}
    candidates: defaultdict[str, list[Known]] = defaultdict(list)
    for one in gone:
        candidates[one.key].append(one)
    for new in fresh:
        if new.moved_from is None:
            continue
        named = candidates[new.moved_from]
        chosen = [one for one in named if one.file == new.file] or named
        if len(chosen) == 1 and chosen[0].id not in moves:
            moves[chosen[0].id] = new
    return moves


def _moves_back(gone: Iterable[Known], fresh: Iterable[Declared]) -> dict[int, Declared]:
    """The moves to a name that one that is gone had before, where that is unmistakable both ways.

    What is new where it lies now is it rather.
    """
    fresh = list(fresh)
    there = {one.stack for one in fresh}
    had: defaultdict[Name, list[Known]] = defaultdict(list)
    for one in gone:
        for name in one.former:
            had[name].append(one)
    back: defaultdict[int, list[Declared]] = defaultdict(list)
    for other in fresh:
        owners = had[Name(other.file, other.key, other.stack)]
        if len(owners) == 1 and owners[0].stack not in there:
            back[owners[0].id].append(other)
    return {identity: others[0] for identity, others in back.items() if len(others) == 1}


def _plain_moves(gone: Iterable[Known], fresh: Iterable[Declared]) -> dict[int, Declared]:
    """The moves where exactly one that is gone and exactly one that is new have the same stack."""
    old: defaultdict[Stack, list[Known]] = defaultdict(list)
    new: defaultdict[Stack, list[Declared]] = defaultdict(list)
    for one in gone:
        old[one.stack].append(one)
    for other in fresh:
        new[other.stack].append(other)
    return {old[stack][0].id: new[stack][0] for stack in old if len(old[stack]) == 1 and len(new.get(stack, ())) == 1}
