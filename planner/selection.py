"""Which environments an action is for: what was named, its affected downstream, and never an upstream by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from planner.graph import Graph
from planner.problems import PlannerError

GLOB_SIGNS = "*?["


class SelectionError(PlannerError):
    """A selection that cannot be made."""


class UnknownAlias(SelectionError):  # noqa: N818 - what is wrong, in the words of the design
    """A name that no environment of the workflow has."""


class UpstreamNotDeployed(SelectionError):  # noqa: N818 - as above
    """Upstreams that the selection builds on, and that would have to be deployed first; `aliases` holds them all.

    `what` is wrong with them, and `mend` what to do, are the program's own words.
    """

    what = "not deployed, but needed upstream"

    def __init__(self, aliases: tuple[str, ...], mend: str) -> None:
        self.aliases, self.mend = aliases, mend
        super().__init__(f"{self.what}: {', '.join(repr(one) for one in aliases)}; {mend}")


@dataclass(frozen=True, slots=True)
class Selection:
    """The environments of an action, in dependency order, and which of them were named rather than found."""

    environments: tuple[str, ...]
    named: frozenset[str]


def select(
    graph: Graph,
    patterns: Sequence[str],
    affected: Collection[str],
    deployed: Collection[str] | None = None,
    *,
    only: bool = False,
    from_: Sequence[str] = (),
    current: Collection[str] = (),
    upstreams_may_wait: bool = False,
) -> Selection:
    """The environments that an action over `patterns` is for; no pattern means all that are affected.

    A pattern is an alias or a glob, without regard to case. What is named brings its affected downstream; `from_`
    names environments that bring all of their downstream; `only` brings nothing. `deployed` holds what was ever
    deployed (None: not known), `current` what is deployed at this very commit.

    Raises `UnknownAlias`, and `UpstreamNotDeployed` with all upstreams that are neither selected nor deployed: an
    affected one counts as deployed where it is `current`; with `only`, where it was ever deployed. A plan, which may
    show what comes after its upstreams, passes `upstreams_may_wait`.
    """
    if only and from_:
        raise SelectionError("--only adds nothing and --from adds the downstream: give one of them")
    starts = named_environments(graph, from_)
    named = named_environments(graph, patterns) | starts
    if not patterns and not from_:
        chosen = frozenset(affected)
    elif only:
        chosen = named
    else:
        chosen = named | (graph.descendants(named) & frozenset(affected)) | graph.descendants(starts)
    if not upstreams_may_wait:
        _refuse_missing(graph, chosen, _settled(graph, affected, deployed, current, only=only), only=only)
    return Selection(tuple(node for node in graph.order if node in chosen), named)


def named_environments(graph: Graph, patterns: Iterable[str]) -> frozenset[str]:
    """The aliases that the patterns name; an alias that is spelled as a glob wins over the glob."""
    keys = {alias.casefold(): alias for alias in graph.needs}
    found: set[str] = set()
    for pattern in patterns:
        key = pattern.casefold()
        if key in keys:
            found.add(keys[key])
            continue
        matches = {alias for one, alias in keys.items() if any(c in key for c in GLOB_SIGNS) and fnmatchcase(one, key)}
        if not matches:
            raise UnknownAlias(_unknown(pattern, keys))
        found |= matches
    return frozenset(found)


def _unknown(pattern: str, keys: dict[str, str]) -> str:
    from planner.nearest import meant  # noqa: PLC0415 - only an error needs it

    return f"no environment is called {pattern!r}; {meant(pattern, keys.values())}"


def _settled(
    graph: Graph, affected: Collection[str], deployed: Collection[str] | None, current: Collection[str], *, only: bool
) -> frozenset[str]:
    """The environments that what needs them may build on as they are."""
    present = frozenset(graph.needs if deployed is None else deployed)
    return present if only else (present - frozenset(affected)) | frozenset(current)


def _refuse_missing(graph: Graph, chosen: frozenset[str], settled: frozenset[str], *, only: bool) -> None:
    missing: set[str] = set()
    waiting = [upstream for node in chosen for upstream in graph.needs[node]]
    while waiting:
        node = waiting.pop()
        if node in chosen or node in settled or node in missing:
            continue
        missing.add(node)
        waiting.extend(graph.needs[node])
    if missing:
        names = tuple(node for node in graph.order if node in missing)
        more = "" if only else "; --only leaves out what lies downstream"
        raise UpstreamNotDeployed(names, f"select them too, or deploy them first{more}")
