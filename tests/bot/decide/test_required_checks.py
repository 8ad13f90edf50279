"""Which checks count: by whom they are demanded from, and whose they are."""

from __future__ import annotations

import pytest

from bot.decide.pull_facts import CheckFact, CheckState
from bot.decide.required_checks import Reported, Wanted, check_facts

US, ACTIONS, CIRCLE = 7, 15368, 18001
GOOD, BAD, PENDING = CheckState.SUCCESS, CheckState.FAILURE, CheckState.PENDING


def facts(wanted: list[Wanted], *reported: Reported) -> list[tuple[str, bool, bool, str]]:
    found = check_facts(wanted, reported, US)
    assert all(isinstance(one, CheckFact) for one in found)
    return [(one.name, one.ours, one.required, one.state.value) for one in found]


def test_a_check_of_another_app_does_not_stand_for_the_one_that_is_demanded() -> None:
    wanted = [Wanted("build", CIRCLE)]
    assert facts(wanted, Reported("build", GOOD, app=ACTIONS)) == [("build", False, True, "missing")]
    assert facts(wanted, Reported("build", GOOD, app=ACTIONS), Reported("build", BAD, app=CIRCLE)) == [
        ("build", False, True, "failure")
    ]


def test_a_status_counts_whoever_is_demanded_since_github_does_not_tell_its_app() -> None:
    assert facts([Wanted("build", CIRCLE)], Reported("build", GOOD)) == [("build", False, True, "success")]


@pytest.mark.parametrize("states", [(GOOD, BAD), (BAD, GOOD)])
def test_of_several_with_one_name_the_worst_counts(states: tuple[CheckState, CheckState]) -> None:
    first, second = states
    both = Reported("build", first, app=ACTIONS), Reported("build", second)
    assert facts([Wanted("build")], *both) == [("build", False, True, "failure")]


@pytest.mark.parametrize("name", ["headwater planner tests", "headwater plans", "headwater deployments"])
def test_a_name_that_only_begins_like_ours_is_not_ours(name: str) -> None:
    assert facts([Wanted(name)]) == [(name, False, True, "missing")]
    assert facts([Wanted(name)], Reported(name, BAD, app=ACTIONS)) == [(name, False, True, "failure")]


@pytest.mark.parametrize(
    "name", ["headwater plan", "headwater plan: shop", "headwater deploy: shop", "headwater deployed"]
)
def test_ours_does_not_wait_for_itself(name: str) -> None:
    assert facts([Wanted(name)]) == [(name, True, True, "missing")]
    assert facts([Wanted(name, US)]) == [(name, True, True, "missing")]
    assert facts([Wanted(name)], Reported(name, PENDING, ours=True, app=US)) == [(name, True, True, "pending")]


def test_one_of_our_name_that_somebody_else_posts_is_theirs() -> None:
    theirs = Reported("headwater plan", BAD, app=ACTIONS)
    ours = Reported("headwater plan", GOOD, ours=True, app=US)
    assert facts([Wanted("headwater plan")], ours, theirs) == [("headwater plan", False, True, "failure")]


def test_what_is_not_demanded_is_told_too() -> None:
    assert facts([], Reported("lint", PENDING, app=ACTIONS)) == [("lint", False, False, "pending")]
