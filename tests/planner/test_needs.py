from __future__ import annotations

from itertools import pairwise

import networkx
from hypothesis import given
from hypothesis import strategies as st

from planner.format.needs import Need, checked_needs
from planner.graph import Graph
from planner.problems import Place, Problem, Severity


def declared(edges: dict[str, list[str]]) -> dict[str, list[Need]]:
    lines = iter(range(1, 100_000))
    return {alias: [Need(upstream, Place("f", next(lines))) for upstream in needs] for alias, needs in edges.items()}


def problems(edges: dict[str, list[str]]) -> list[str]:
    return [str(problem) for problem in checked_needs(declared(edges)).problems]


def test_needs_are_spelled_as_they_are_defined() -> None:
    assert checked_needs(declared({"VPC": [], "db": ["vpc"]})).of == {"VPC": (), "db": ("VPC",)}


def test_a_need_that_an_output_repeats_is_not_doubled() -> None:
    needs = {"vpc": [], "db": [Need("vpc", Place("f", 1)), Need("vpc", Place("f", 2), implied=True)]}
    found = checked_needs(needs)
    assert (found.of["db"], found.problems) == (("vpc",), ())


def test_each_cycle_is_told_once_with_its_path() -> None:
    assert problems({"a": ["b"], "b": ["a"]}) == ["f:2:1: a cycle: a -> b -> a: take one of these needs out"]
    assert problems({"x": ["c"], "a": ["b"], "b": ["c"], "c": ["a"]}) == [
        "f:3:1: a cycle: c -> a -> b -> c: take one of these needs out",
    ]


def test_a_cycle_of_ten_thousand_is_told_short_and_without_recursion() -> None:
    count = 10_000
    found = checked_needs(declared({str(node): [str((node + 1) % count)] for node in range(count)}))
    (problem,) = found.problems
    assert problem.message.startswith("a cycle: 0 -> 1 -> 2 -> 3 -> 4 -> 5 -> (9,988 more) -> 9994 -> ")
    assert len(Graph(found.of).order) == count


def test_a_chain_of_ten_thousand_is_no_cycle() -> None:
    assert problems({str(node): [str(node + 1)] if node < 9_999 else [] for node in range(10_000)}) == []


NAMES = "abcdefg"
EDGES = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES + "x"), max_size=4), min_size=1)


@given(EDGES)
def test_what_is_left_has_no_cycle_and_what_is_told_is_one(edges: dict[str, list[str]]) -> None:
    found = checked_needs(declared(edges))
    asked = networkx.DiGraph([(a, b) for a, needs in edges.items() for b in needs if b in edges and a != b])
    left = networkx.DiGraph([(a, b) for a, needs in found.of.items() for b in needs])
    told = [problem for problem in found.problems if problem.message.startswith("a cycle")]
    assert networkx.is_directed_acyclic_graph(left)
    assert bool(told) != networkx.is_directed_acyclic_graph(asked)
    assert len(told) == asked.number_of_edges() - left.number_of_edges()
    for problem in told:
        path = problem.message.removeprefix("a cycle: ").partition(":")[0].split(" -> ")
        assert path[0] == path[-1]
        assert all(asked.has_edge(one, other) for one, other in pairwise(path))


@given(EDGES)
def test_unknown_self_and_doubled_needs_are_each_told(edges: dict[str, list[str]]) -> None:
    def count(severity: Severity) -> int:
        return len([problem for problem in found if problem.severity is severity and "cycle" not in problem.message])

    found: tuple[Problem, ...] = checked_needs(declared(edges)).problems
    wrong = sum(need not in edges or need == alias for alias, needs in edges.items() for need in needs)
    right = [[need for need in needs if need in edges and need != alias] for alias, needs in edges.items()]
    assert count(Severity.ERROR) == wrong
    assert count(Severity.WARNING) == sum(len(needs) - len(set(needs)) for needs in right)
