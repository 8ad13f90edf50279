"""What should start first, and how long a deployment takes: longest remaining path, critical path, makespans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from planner.graph import Graph


def ranks(graph: Graph, durations: Mapping[str, float] | None = None) -> dict[str, float]:
    """The length of the longest path that begins with each environment, itself included; higher starts first.

    `durations` are past ones, in seconds; an environment without one counts as the mean of the known. With none at
    all every environment counts 1: the rank is then a number of hops.
    """
    weight = _weights(graph, durations)
    found: dict[str, float] = {}
    for node in reversed(graph.order):
        found[node] = weight[node] + max((found[user] for user in graph.downstream[node]), default=0.0)
    return {node: found[node] for node in graph.needs}


def critical_path(graph: Graph, durations: Mapping[str, float] | None = None) -> tuple[float, tuple[str, ...]]:
    """The longest path and its length: no number of jobs is faster. Of equal paths, the first by file order."""
    rank = ranks(graph, durations)
    path: list[str] = []
    following: Sequence[str] = tuple(node for node, upstreams in graph.needs.items() if not upstreams)
    while following:
        node = max(following, key=rank.__getitem__)
        path.append(node)
        following = graph.downstream[node]
    return (rank[path[0]] if path else 0.0), tuple(path)


def makespan(graph: Graph, durations: Mapping[str, float] | None, jobs: int) -> float:
    """How long the whole graph takes with so many jobs when each environment starts as soon as it may."""
    weight, rank = _weights(graph, durations), ranks(graph, durations)
    position = {node: number for number, node in enumerate(graph.needs)}
    missing = {node: len(upstreams) for node, upstreams in graph.needs.items()}
    ready: list[tuple[float, int, str]] = []
    running: list[tuple[float, int, str]] = []
    now = 0.0
    for node, count in missing.items():
        if not count:
            heappush(ready, (-rank[node], position[node], node))
    while ready or running:
        while ready and len(running) < max(1, jobs):
            node = heappop(ready)[2]
            heappush(running, (now + weight[node], position[node], node))
        now, _, ended = heappop(running)
        for user in graph.downstream[ended]:
            missing[user] -= 1
            if not missing[user]:
                heappush(ready, (-rank[user], position[user], user))
    return now


def wave_makespan(graph: Graph, durations: Mapping[str, float] | None, jobs: int) -> float:
    """How long it takes when every wave waits for the whole wave before it, as level matrices do."""
    weight = _weights(graph, durations)
    unconnected = (Graph(dict.fromkeys(wave, ())) for wave in graph.waves)
    return sum(makespan(wave, {node: weight[node] for node in wave.needs}, jobs) for wave in unconnected)


def _weights(graph: Graph, durations: Mapping[str, float] | None) -> dict[str, float]:
    known = {node: durations[node] for node in graph.needs if node in durations} if durations else {}
    usual = sum(known.values()) / len(known) if known else 1.0
    return {node: known.get(node, usual) for node in graph.needs}
