"""Which of what a push affects goes on."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from bot.decide.pushed import Before, Chosen, PushFacts, chosen
from planner.graph import Graph

CHAIN = Graph({"network": (), "db": ("network",), "api": ("db",), "web": ()})
CHANGED = PushFacts(own=True, known=True, shown=False, ahead=False)
CARRIED = PushFacts(own=False, known=True, shown=False, ahead=False)
STRANGE = PushFacts(own=True, known=False, shown=False, ahead=False)
SHOWN = PushFacts(own=True, known=False, shown=True, ahead=False)
AHEAD = PushFacts(own=True, known=True, shown=False, ahead=True)


def came_to(before: Before) -> PushFacts:
    """One that a deployment of this commit has made this of."""
    return PushFacts(own=True, known=True, shown=False, ahead=False, before=before)


def test_what_differs_goes_on_with_what_is_downstream() -> None:
    facts = {"network": CHANGED, "db": CARRIED, "api": CARRIED}
    assert chosen(CHAIN, facts, again=False) == Chosen(("network", "db", "api"))


def test_what_was_never_deployed_goes_on_only_if_it_was_shown() -> None:
    facts = {"db": STRANGE, "api": CARRIED, "web": SHOWN}
    assert chosen(CHAIN, facts, again=False) == Chosen(("web",), ("db",), ("api",))


def test_what_an_open_pull_request_is_ahead_with_is_no_matter_nor_what_follows_from_it() -> None:
    assert chosen(CHAIN, {"db": AHEAD, "api": CARRIED}, again=False) == Chosen(())


def test_below_a_change_it_is_a_matter_though_a_pull_request_is_ahead() -> None:
    facts = {"network": CHANGED, "db": AHEAD, "api": CARRIED}
    assert chosen(CHAIN, facts, again=False).order == ("network", "db", "api")


def test_again_what_was_locked_goes_on_once_it_is_free_with_what_it_blocked() -> None:
    facts = {"db": came_to(Before.FREE), "api": came_to(Before.BEHIND)}
    assert chosen(CHAIN, facts, again=True).order == ("db", "api")


def test_again_what_was_blocked_goes_on_when_somebody_else_deployed_what_it_needs() -> None:
    assert chosen(CHAIN, {"api": came_to(Before.BEHIND)}, again=True).order == ("api",)


def test_again_nothing_tries_what_failed_nor_what_that_blocked() -> None:
    facts = {"network": came_to(Before.STUCK), "db": came_to(Before.FREE), "api": came_to(Before.BEHIND)}
    assert chosen(CHAIN, facts, again=True).order == ()


def test_again_nothing_new_is_taken_up() -> None:
    assert chosen(CHAIN, {"web": CHANGED, "db": came_to(Before.DONE)}, again=True).order == ()


@st.composite
def pushes(draw: st.DrawFn) -> tuple[Graph, dict[str, PushFacts]]:
    """A graph, and facts of some of it."""
    names = [f"e{number}" for number in range(draw(st.integers(1, 7)))]
    needs = {
        name: tuple(draw(st.sets(st.sampled_from(names[:place])))) if place else () for place, name in enumerate(names)
    }
    facts = st.builds(PushFacts, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.sampled_from(Before))
    found: Mapping[str, PushFacts] = draw(st.dictionaries(st.sampled_from(names), facts))
    return Graph(needs), dict(found)


@given(pushes(), st.booleans())
def test_nothing_goes_on_before_what_it_needs(pushed: tuple[Graph, dict[str, PushFacts]], again: bool) -> None:
    graph, facts = pushed
    found = chosen(graph, facts, again=again)
    held_up = {Before.AT_WORK, Before.STUCK, Before.HELD}
    for alias in found.order:
        upstreams = graph.ancestors([alias])
        assert alias in facts
        if again:
            assert not [one for one in upstreams & facts.keys() if facts[one].before in held_up]
            assert facts[alias].before in (Before.FREE, Before.BEHIND)
        else:
            assert not upstreams & {*found.strangers, *found.behind}
            assert facts[alias].known or facts[alias].shown
    assert found == chosen(graph, facts, again=again)
    assert list(found.order) == [alias for alias in graph.order if alias in found.order]
