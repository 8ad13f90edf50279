"""The graph of environments: who needs whom. Nodes are aliases; order is always that of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from planner.definition import Workflow


@dataclass(frozen=True)
class Graph:
    """A graph without cycles. `needs` maps every node to its upstreams; iteration order is file order."""

    needs: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, workflow: Workflow) -> Graph:
        """The graph of a workflow that was read without errors."""
        return cls({one.alias: one.needs for one in workflow.environments})

    @cached_property
    def downstream(self) -> Mapping[str, tuple[str, ...]]:
        """What needs each node directly."""
        found: dict[str, list[str]] = {node: [] for node in self.needs}
        for node, upstreams in self.needs.items():
            for upstream in upstreams:
                found[upstream].append(node)
        return {node: tuple(users) for node, users in found.items()}

    @cached_property
    def wave(self) -> Mapping[str, int]:
        """Each node's topological generation, from 0: one more than the highest of its upstreams."""
        waves: dict[str, int] = {}
        missing = {node: len(upstreams) for node, upstreams in self.needs.items()}
        ready = [node for node, count in missing.items() if not count]
        number = 0
        while ready:
            following: list[str] = []
            for node in ready:
                waves[node] = number
                for user in self.downstream[node]:
                    missing[user] -= 1
                    if not missing[user]:
                        following.append(user)
            ready, number = following, number + 1
        if len(waves) != len(self.needs):
            cyclic = [node for node in self.needs if node not in waves]
            raise ValueError(f"a graph with a cycle through {cyclic[:3]}")
        return waves

    @cached_property
    def waves(self) -> tuple[tuple[str, ...], ...]:
        """The nodes of each wave, in file order."""
        if not self.needs:
            return ()
        found: list[list[str]] = [[] for _ in range(max(self.wave.values()) + 1)]
        for node in self.needs:
            found[self.wave[node]].append(node)
        return tuple(tuple(nodes) for nodes in found)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All nodes, upstreams first, by wave and then in file order."""
        return tuple(node for wave in self.waves for node in wave)

    def descendants(self, nodes: Iterable[str]) -> frozenset[str]:
        """All that lies downstream of these nodes, without the nodes themselves unless they lie there too."""
        return _reached(nodes, self.downstream)

    def ancestors(self, nodes: Iterable[str]) -> frozenset[str]:
        """All that lies upstream of these nodes."""
        return _reached(nodes, self.needs)

    def reversed(self) -> Graph:
        """The same graph with every arrow turned: the order of a destroy."""
        return Graph(self.downstream)

    def without(self, left_out: Iterable[str]) -> Graph:
        """The graph without some nodes; the order passes through them (what needs one waits for what it needs)."""
        gone = frozenset(left_out)
        return self if not gone else self.only(node for node in self.needs if node not in gone)

    def only(self, kept: Iterable[str]) -> Graph:
        """The graph of some nodes, each needing the nearest kept nodes upstream of it, in file order."""
        keep = frozenset(kept)
        position = {node: place for place, node in enumerate(self.needs)}
        nearest: dict[str, frozenset[str]] = {}
        for node in self.order:
            found: set[str] = set()
            for upstream in self.needs[node]:
                found |= {upstream} if upstream in keep else nearest[upstream]
            nearest[node] = frozenset(found)
        return Graph(
            {node: tuple(sorted(nearest[node], key=position.__getitem__)) for node in self.needs if node in keep}
        )


def _reached(nodes: Iterable[str], edges: Mapping[str, Sequence[str]]) -> frozenset[str]:
    reached: set[str] = set()
    waiting = [following for node in nodes for following in edges[node]]
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting.extend(edges[node])
    return frozenset(reached)
