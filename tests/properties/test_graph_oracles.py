"""Graphs, selections and schedules on random graphs, against networkx and brute force."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.graph import Graph
from planner.schedule import critical_path, makespan, ranks, wave_makespan
from planner.selection import SelectionError, UnknownAlias, UpstreamNotDeployed, select
from tests.depth import examples


@st.composite
def graphs(draw: st.DrawFn, most: int = 9) -> Graph:
    """A graph without cycles, its nodes in any order."""
    count = draw(st.integers(0, most))
    pairs = [(low, high) for high in range(count) for low in range(high)]
    edges = draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    order = draw(st.permutations(range(count)))
    return Graph({f"n{high}": tuple(f"n{low}" for low in range(count) if (low, high) in edges) for high in order})


def digraph(graph: Graph, weight: Mapping[str, float] | None = None) -> nx.DiGraph:
    found: nx.DiGraph = nx.DiGraph()
    for node in graph.needs:
        found.add_node(node, weight=(weight or {}).get(node, 1.0))
    found.add_edges_from((upstream, node) for node, upstreams in graph.needs.items() for upstream in upstreams)
    return found


def some(graph: Graph, draw: st.DrawFn) -> set[str]:
    return draw(st.sets(st.sampled_from(list(graph.needs)))) if graph.needs else set()


@given(graphs(), st.data())
@settings(max_examples=examples(150), deadline=None)
def test_waves_and_reach_agree_with_networkx(graph: Graph, data: st.DataObject) -> None:
    known = digraph(graph)
    assert [set(wave) for wave in graph.waves] == [set(wave) for wave in nx.topological_generations(known)]
    nodes = some(graph, data.draw)
    assert graph.descendants(nodes) == set().union(*(nx.descendants(known, node) for node in nodes))
    assert graph.ancestors(nodes) == set().union(*(nx.ancestors(known, node) for node in nodes))


@given(graphs(), st.data())
@settings(max_examples=examples(150), deadline=None)
def test_the_critical_path_agrees_with_networkx(graph: Graph, data: st.DataObject) -> None:
    durations = {node: data.draw(st.floats(0.5, 9)) for node in graph.needs}
    known = digraph(graph)
    for node, user in known.edges:
        known.edges[node, user]["weight"] = durations[user]
    known.add_edges_from(("start", node, {"weight": durations[node]}) for node in graph.needs)
    length, path = critical_path(graph, durations)
    assert math.isclose(length, nx.dag_longest_path_length(known) if graph.needs else 0.0)
    assert math.isclose(sum(durations[node] for node in path), length)
    assert all(before in graph.needs[after] for before, after in itertools.pairwise(path))
    for node, rank in ranks(graph, durations).items():
        below = [ranks(graph, durations)[user] for user in graph.downstream[node]]
        assert math.isclose(rank, durations[node] + max(below, default=0.0))


@given(graphs(), st.data(), st.integers(1, 12))
@settings(max_examples=examples(150), deadline=None)
def test_makespans_lie_where_they_must(graph: Graph, data: st.DataObject, jobs: int) -> None:
    durations = {node: data.draw(st.floats(0.5, 9)) for node in graph.needs}
    length, total = critical_path(graph, durations)[0], sum(durations.values())
    free, waves = makespan(graph, durations, jobs), wave_makespan(graph, durations, jobs)
    assert max(length, total / jobs) <= free + 1e-9
    assert free <= total + 1e-9
    assert free <= length + (total - length) / jobs + 1e-9  # Graham's bound of list scheduling
    if jobs >= len(graph.needs):
        assert math.isclose(free, length)
        assert waves >= free - 1e-9
        assert math.isclose(waves, sum(max(durations[node] for node in wave) for wave in graph.waves))
    if jobs == 1:
        assert math.isclose(free, total)


def test_without_durations_hops_count_and_unknown_ones_are_the_mean() -> None:
    graph = Graph({"a": (), "b": ("a",), "c": ("b",), "d": ("a",)})
    assert ranks(graph) == {"a": 3, "b": 2, "c": 1, "d": 1}
    assert critical_path(graph) == (3, ("a", "b", "c"))
    assert ranks(graph, {"a": 2, "b": 4})["c"] == 3
    assert critical_path(Graph({})) == (0, ())


def brute_selection(
    graph: Graph, named: set[str], from_: set[str], affected: set[str], *, only: bool, all_: bool
) -> set[str]:
    """By asking of every environment whether any chain of needs leads to it."""

    def below(node: str, starts: set[str]) -> bool:
        return any(upstream in starts or below(upstream, starts) for upstream in graph.needs[node])

    if all_:
        return set(affected)
    return {
        node
        for node in graph.needs
        if node in named | from_
        or (not only and node in affected and below(node, named | from_))
        or (not only and below(node, from_))
    }


@given(graphs(7), st.data(), st.booleans())
@settings(max_examples=examples(300), deadline=None)
def test_selections_agree_with_brute_force(graph: Graph, data: st.DataObject, only: bool) -> None:
    named, from_ = some(graph, data.draw), set() if only else some(graph, data.draw)
    seeds = some(graph, data.draw)
    affected = seeds | graph.descendants(seeds)
    deployed = data.draw(st.none() | st.just(some(graph, data.draw)))
    current = some(graph, data.draw) & (deployed if deployed is not None else set(graph.needs))
    chosen = brute_selection(graph, named, from_, affected, only=only, all_=not named and not from_)

    def settled(node: str) -> bool:
        ever = deployed is None or node in deployed
        return ever if only else node in current or (ever and node not in affected)

    missing = {node for node in graph.needs if node not in chosen and not settled(node)}
    missing = {
        node for node in missing if any(reaches(graph, node, user, chosen, settled) for user in chosen)
    }  # fmt: skip
    arguments = (graph, sorted(named), affected, deployed)
    if missing:
        with pytest.raises(UpstreamNotDeployed) as refused:
            select(*arguments, only=only, from_=sorted(from_), current=current)
        assert set(refused.value.aliases) == missing
        assert all(repr(node) in str(refused.value) for node in missing)
        found = select(*arguments, only=only, from_=sorted(from_), current=current, upstreams_may_wait=True)
    else:
        found = select(*arguments, only=only, from_=sorted(from_), current=current)
    assert set(found.environments) == chosen
    assert list(found.environments) == [node for node in graph.order if node in chosen]
    assert found.named == named | from_


def reaches(graph: Graph, start: str, user: str, chosen: set[str], settled: object) -> bool:
    """Whether a chain of needs leads from `user` up to `start` through nothing that is settled or chosen."""
    for upstream in graph.needs[user]:
        if upstream == start:
            return True
        if upstream not in chosen and not settled(upstream) and reaches(graph, start, upstream, chosen, settled):  # type: ignore[operator]
            return True
    return False


GRAPH = Graph({"vpc": (), "db-eu": ("vpc",), "DB-us": ("vpc",), "app*": ("db-eu",), "app": ("db-eu",)})


def test_patterns_are_aliases_or_globs_without_case() -> None:
    def named(*patterns: str) -> frozenset[str]:
        return select(GRAPH, patterns, set(GRAPH.needs), None, upstreams_may_wait=True).named

    assert named("DB-EU") == {"db-eu"}
    assert named("db-*") == {"db-eu", "DB-us"}
    assert named("app*") == {"app*"}  # an alias that looks like a glob is itself
    assert named("?pc", "[ad]*-us") == {"vpc", "DB-us"}
    with pytest.raises(UnknownAlias, match=r"no environment is called 'dbeu'; did you mean 'db-eu'"):
        named("dbeu")
    with pytest.raises(UnknownAlias, match=r"no environment is called 'zzz'; known are: .*vpc"):
        named("zzz")
    with pytest.raises(UnknownAlias):
        named("q*")
    with pytest.raises(SelectionError, match=r"--only.*--from"):
        select(GRAPH, ["vpc"], set(), only=True, from_=["vpc"])
