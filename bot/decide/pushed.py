"""Which of what differs from what is deployed goes on when a branch has moved. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from planner.graph import Graph


class Before(StrEnum):
    """What was made of an environment already at the very commit that is looked at again."""

    DONE = "done"
    AT_WORK = "at work"  # or it waits for people
    STUCK = "stuck"  # failed, cancelled or rejected: people try it again, nothing does so by itself
    HELD = "held"  # another pull request held it, and still does; or took its place, and came to nothing
    FREE = "free"  # another pull request held it, or took its place
    BEHIND = "behind"  # blocked by what it needs


@dataclass(frozen=True, slots=True)
class PushFacts:
    """One environment that differs from what is deployed, or lies downstream of one that does.

    `own`: it differs itself. `known`: Headwater deployed it, or began to, and nobody destroyed it since. `shown`: a
    plan of it was shown before the merge. `ahead`: an open pull request holds it, and the branch brings it nothing new.
    """

    own: bool
    known: bool
    shown: bool
    ahead: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """What goes on, upstreams first; `strangers` may exist already, so nobody deploys them by a merge alone.

    `behind` are left out, for they need strangers.
    """

    order: tuple[str, ...]
    strangers: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()


def chosen(graph: Graph, facts: Mapping[str, PushFacts]) -> Chosen:
    """What of the affected environments goes on where a commit is looked at for the first time."""
    starts = {alias for alias, one in facts.items() if one.own and not one.ahead}
    reached = starts | (graph.descendants(starts) & facts.keys())
    strangers = {alias for alias in reached if not facts[alias].known and not facts[alias].shown}
    behind = (graph.descendants(strangers) & reached) - strangers
    return Chosen(
        _ordered(graph, reached - strangers - behind), _ordered(graph, strangers), _ordered(graph, frozenset(behind))
    )


def freed(needs: Mapping[int, Collection[int]], before: Mapping[int, Before]) -> frozenset[int]:
    """What was blocked at the same commit before, where nothing that it needs stands in its way any more.

    Ids of environments. `needs`: what had to be done before each; `before`: what came of all that still is to be done.
    """
    below: defaultdict[int, set[int]] = defaultdict(set)
    for one, others in needs.items():
        for other in others:
            below[other].add(one)
    behind = {one for one, came in before.items() if came in (Before.AT_WORK, Before.STUCK, Before.HELD)}
    left = list(behind)
    while left:
        more = below[left.pop()] - behind
        behind |= more
        left += more
    return frozenset({one for one, came in before.items() if came in (Before.FREE, Before.BEHIND)} - behind)


def _ordered(graph: Graph, aliases: set[str] | frozenset[str]) -> tuple[str, ...]:
    return tuple(alias for alias in graph.order if alias in aliases)
