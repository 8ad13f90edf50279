"""Which of what a push affects goes on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.decide.pushed import Before, Chosen, PushFacts, chosen, freed
from planner.graph import Graph

CHAIN = Graph({"network": (), "db": ("network",), "api": ("db",), "web": ()})
CHANGED = PushFacts(own=True, known=True, shown=False, ahead=False)
CARRIED = PushFacts(own=False, known=True, shown=False, ahead=False)
STRANGE = PushFacts(own=True, known=False, shown=False, ahead=False)
SHOWN = PushFacts(own=True, known=False, shown=True, ahead=False)
AHEAD = PushFacts(own=True, known=True, shown=False, ahead=True)


def test_what_differs_goes_on_with_what_is_downstream() -> None:
    facts = {"network": CHANGED, "db": CARRIED, "api": CARRIED}
    assert chosen(CHAIN, facts) == Chosen(("network", "db", "api"))


def test_what_was_never_deployed_goes_on_only_if_it_was_shown() -> None:
    facts = {"db": STRANGE, "api": CARRIED, "web": SHOWN}
    assert chosen(CHAIN, facts) == Chosen(("web",), ("db",), ("api",))


def test_what_an_open_pull_request_is_ahead_with_is_no_matter_nor_what_follows_from_it() -> None:
    assert chosen(CHAIN, {"db": AHEAD, "api": CARRIED}) == Chosen(())


def test_below_a_change_it_is_a_matter_though_a_pull_request_is_ahead() -> None:
    facts = {"network": CHANGED, "db": AHEAD, "api": CARRIED}
    assert chosen(CHAIN, facts).order == ("network", "db", "api")


BELOW = {2: {1}, 3: {2}}
"""As the chain: 3 needs 2, which needs 1."""


def test_again_what_was_locked_goes_on_once_it_is_free_with_what_it_blocked() -> None:
    assert freed(BELOW, {2: Before.FREE, 3: Before.BEHIND}) == {2, 3}


def test_again_what_was_blocked_goes_on_when_somebody_else_deployed_what_it_needs() -> None:
    assert freed(BELOW, {3: Before.BEHIND}) == {3}


@pytest.mark.parametrize("stands", [Before.STUCK, Before.AT_WORK, Before.HELD])
def test_again_nothing_tries_what_failed_nor_what_lies_behind_what_stands(stands: Before) -> None:
    assert freed(BELOW, {1: stands, 2: Before.FREE, 3: Before.BEHIND, 4: Before.FREE}) == {4}


def test_again_it_is_behind_what_stands_also_across_what_is_done() -> None:
    assert freed(BELOW, {1: Before.STUCK, 3: Before.BEHIND}) == frozenset()


def test_again_nothing_new_is_taken_up() -> None:
    assert freed({}, {1: Before.DONE}) == frozenset()


@st.composite
def pushes(draw: st.DrawFn) -> tuple[Graph, dict[str, PushFacts]]:
    """A graph, and facts of some of it."""
    names = [f"e{number}" for number in range(draw(st.integers(1, 7)))]
    needs = {
        name: tuple(draw(st.sets(st.sampled_from(names[:place])))) if place else () for place, name in enumerate(names)
    }
    facts = st.builds(PushFacts, st.booleans(), st.booleans(), st.booleans(), st.booleans())
    found: Mapping[str, PushFacts] = draw(st.dictionaries(st.sampled_from(names), facts))
    return Graph(needs), dict(found)


@given(pushes())
def test_nothing_goes_on_before_what_it_needs(pushed: tuple[Graph, dict[str, PushFacts]]) -> None:
    graph, facts = pushed
    found = chosen(graph, facts)
    for alias in found.order:
        assert not graph.ancestors([alias]) & {*found.strangers, *found.behind}
        assert facts[alias].known or facts[alias].shown
    assert list(found.order) == [alias for alias in graph.order if alias in found.order]
