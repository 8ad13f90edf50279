"""The five statuses, held against the rules of the design written down one by one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.decide.facts import TaskAction
from bot.decide.status import EnvironmentFacts, Summary, WorkflowStatus, environment_state, workflow_status
from bot.decide.transitions import FINISHED, TaskState
from tests.depth import examples

S, A = TaskState, TaskAction
ENVIRONMENTS = st.builds(
    EnvironmentFacts,
    deployed=st.booleans(),
    action=st.sampled_from([A.DEPLOY, A.DESTROY]),
    state=st.none() | st.sampled_from(TaskState),
    started=st.booleans(),
    unfinished=st.booleans(),
)


def by_the_rules(environments: list[EnvironmentFacts]) -> str:
    """The first rule that fits, as slowly and plainly as can be."""
    for one in environments:
        if one.action is A.DESTROY and one.state is not None and one.state not in FINISHED:
            return "Destroy in progress"
    for one in environments:
        if one.action is A.DEPLOY and one.state is not None and one.state not in FINISHED:
            return "Deploy in progress"
    for one in environments:
        if one.state in (S.FAILED, S.TIMED_OUT) or (one.state is S.CANCELLED and one.started) or one.unfinished:
            return "Failed"
    return "Active" if any(one.deployed for one in environments) else "Inactive"


@settings(max_examples=examples(500), deadline=None)
@given(st.lists(ENVIRONMENTS, max_size=4))
def test_the_first_rule_that_fits_wins(environments: list[EnvironmentFacts]) -> None:
    summary = workflow_status(environments)
    assert summary.status == by_the_rules(environments)
    assert (summary.deployed, summary.of) == (sum(one.deployed for one in environments), len(environments))
    assert summary.partial == (summary.status == "Active" and any(not one.deployed for one in environments))
    assert workflow_status(list(reversed(environments))) == summary


def a_deploy(state: TaskState, **values: bool) -> EnvironmentFacts:
    return EnvironmentFacts(**{"deployed": True, "action": A.DEPLOY, "state": state, **values})


@pytest.mark.parametrize(
    ("environments", "words"),
    [
        ([], "Inactive"),
        ([EnvironmentFacts()], "Inactive"),
        ([a_deploy(S.SUCCEEDED)], "Active"),
        ([a_deploy(S.SUCCEEDED)] * 5 + [EnvironmentFacts()], "Active (partial) · 5 of 6 deployed"),
        ([a_deploy(S.SUCCEEDED), a_deploy(S.WAITING)], "Deploy in progress"),
        ([a_deploy(S.FAILED), a_deploy(S.LOST)], "Deploy in progress"),
        ([a_deploy(S.FAILED), a_deploy(S.NEEDS_APPROVAL)], "Deploy in progress"),
        ([a_deploy(S.RUNNING), EnvironmentFacts(True, A.DESTROY, S.RUNNING)], "Destroy in progress"),
        ([a_deploy(S.CANCELLED)], "Active"),
        ([a_deploy(S.CANCELLED, started=True)], "Failed"),
        ([a_deploy(S.BLOCKED)], "Active"),
        ([a_deploy(S.BLOCKED, unfinished=True)], "Failed"),
        ([EnvironmentFacts(False, A.DESTROY, S.SUCCEEDED)], "Inactive"),
        ([EnvironmentFacts(True, A.DESTROY, S.FAILED)], "Failed"),
    ],
)
def test_what_is_said_of_a_workflow(environments: list[EnvironmentFacts], words: str) -> None:
    assert str(workflow_status(environments)) == words


def test_only_an_active_workflow_is_partial() -> None:
    assert not Summary(WorkflowStatus.FAILED, 1, 2).partial


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        (EnvironmentFacts(), "not deployed"),
        (EnvironmentFacts(True), "deployed"),
        (a_deploy(S.SUCCEEDED), "deployed"),
        *((a_deploy(state), "in progress") for state in (S.WAITING, S.READY, S.DISPATCHED, S.RUNNING)),
        (a_deploy(S.LOST), "lost"),
        (a_deploy(S.NEEDS_APPROVAL), "needs approval"),
        (a_deploy(S.BLOCKED), "blocked"),
        (a_deploy(S.CANCELLED), "deployed"),
        (a_deploy(S.CANCELLED, started=True), "cancelled"),
        (a_deploy(S.CANCELLED, deployed=False), "cancelled"),
        (a_deploy(S.FAILED), "failed"),
        (a_deploy(S.TIMED_OUT), "failed"),
        (EnvironmentFacts(False, A.DESTROY, S.SUCCEEDED), "destroyed"),
        (EnvironmentFacts(True, A.DESTROY, S.BLOCKED), "blocked"),
    ],
)
def test_the_word_for_an_environment(environment: EnvironmentFacts, word: str) -> None:
    assert environment_state(environment) == word
