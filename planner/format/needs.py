"""Which environment needs which, checked: unknown and doubled needs, and cycles with their path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from planner.nearest import Names
from planner.problems import Place, Problem, Severity

_LONGEST_PATH_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Need:
    """One need as the file has it; `implied`: by an output that a variable uses."""

    alias: str
    place: Place
    implied: bool = False


@dataclass(frozen=True, slots=True)
class Needs:
    """The needs that hold: known aliases as they are spelled where they are defined, without doubles and cycles."""

    of: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...]


def checked_needs(declared: Mapping[str, Sequence[Need]]) -> Needs:
    """Check what each alias (unique without regard to case, in file order) declares to need.

    Every cycle is told at the need that closes it; without the needs that are told there is no cycle left.
    """
    spelling = {alias.casefold(): alias for alias in declared}
    names = Names(declared)
    problems: list[Problem] = []
    edges: dict[str, dict[str, Place]] = {}
    for alias, needs in declared.items():
        edges[alias] = {}
        for need in needs:
            known = spelling.get(need.alias.casefold())
            problem = _problem(alias, need, known, edges[alias], names)
            if problem is not None:
                problems.append(problem)
            if known is not None and known != alias:
                edges[alias].setdefault(known, need.place)
    for alias, upstream, path in _cycles(edges):
        place = edges[alias].pop(upstream)
        problems.append(Problem(place, f"a cycle: {path}: take one of these needs out"))
    return Needs({alias: tuple(upstreams) for alias, upstreams in edges.items()}, tuple(problems))


def _problem(alias: str, need: Need, known: str | None, earlier: Mapping[str, Place], names: Names) -> Problem | None:
    verb = "uses an output of" if need.implied else "needs"
    if known is None:
        hint = names.hint(need.alias) or ": add it, or take it out"
        return Problem(need.place, f"{alias!r} {verb} {need.alias!r}, which is not an environment of this file{hint}")
    if known == alias:
        return Problem(need.place, f"{alias!r} {verb} itself ({alias} -> {alias}): take it out")
    if known in earlier and not need.implied:
        message = f"{alias!r} needs {known!r} twice (first in line {earlier[known].line}): take one out"
        return Problem(need.place, message, Severity.WARNING)
    return None


def _cycles(edges: Mapping[str, Mapping[str, Place]]) -> Iterator[tuple[str, str, str]]:
    """Every need that closes a cycle, as (alias, what it needs, the path); depth first, without recursion."""
    done: set[str] = set()
    found: list[tuple[str, str, str]] = []
    for start in edges:
        if start in done:
            continue
        path = [start]
        position = {start: 0}
        following = [iter(edges[start])]
        while path:
            upstream = next(following[-1], None)
            if upstream is None:
                following.pop()
                leaving = path.pop()
                del position[leaving]
                done.add(leaving)
            elif upstream in position:
                found.append((path[-1], upstream, _shown_path(path, position[upstream])))
            elif upstream not in done:
                position[upstream] = len(path)
                path.append(upstream)
                following.append(iter(edges[upstream]))
    yield from found


def _shown_path(path: Sequence[str], begin: int) -> str:
    length = len(path) - begin
    if length <= _LONGEST_PATH_SHOWN:
        names = [*path[begin:], path[begin]]
    else:
        half = _LONGEST_PATH_SHOWN // 2
        left_out = f"({length - 2 * half:,} more)"
        names = [*path[begin : begin + half], left_out, *path[-half:], path[begin]]
    return " -> ".join(names)
