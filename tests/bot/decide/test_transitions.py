"""Every row of the table of states is visited by what really decides, and nothing else is ever done."""

from __future__ import annotations

import pytest

from bot.decide.facts import Facts, Limits, Missing, Result, Stop, TaskAction, Why
from bot.decide.reconcile import Begin, Dispatch, Finish, Halt, LookUp, Move, Revoke, reconcile
from bot.decide.transitions import (
    ACTIVE,
    ALLOWED,
    DEPLOYMENT_ALLOWED,
    DEPLOYMENT_FINISHED,
    FINISHED,
    TRANSITIONS,
    Code,
    DeploymentState,
    TaskState,
)
from tests.bot.decide.making import a_task, an_attempt, facts_of, upstream

S = TaskState
NO_VALUE = (Missing("PASSWORD", "DB_PASSWORD", Why.DEPLOY_ONLY),)
NO_OUTPUT = (Missing("VPC", "vpc", Why.OUTPUT),)
LIMITS = Limits(silence=10, claim=20, starts=3)


def _ends(state: TaskState) -> dict[tuple[TaskState, TaskState, Code], Facts]:
    """How an attempt that runs (or is lost) can end."""
    reports = {
        Result.SUCCEEDED: (S.SUCCEEDED, Code.DONE),
        Result.NO_CHANGES: (S.SUCCEEDED, Code.NO_CHANGES),
        Result.NEEDS_APPROVAL: (S.NEEDS_APPROVAL, Code.PLAN_DIFFERS),
        Result.FAILED: (S.FAILED, Code.TOOL_FAILED),
        Result.TIMED_OUT: (S.TIMED_OUT, Code.TIMED_OUT),
        Result.CANCELLED: (S.CANCELLED, Code.CANCELLED),
    }
    found = {
        (state, after, code): facts_of(a_task(state, attempt=an_attempt(claimed=True, result=result)))
        for result, (after, code) in reports.items()
    }
    asks = an_attempt(claimed=True, result=Result.NEEDS_APPROVAL)
    found[state, S.NEEDS_APPROVAL, Code.APPROVAL_REQUIRED] = facts_of(
        a_task(state, attempt=asks, requires_approval=True)
    )
    found[state, S.SKIPPED, Code.HAS_CHANGES] = facts_of(a_task(state, attempt=asks, action=TaskAction.ADOPT))
    found[state, S.CANCELLED, Code.FREED] = facts_of(a_task(state, attempt=asks, freed=True))
    return found


VISITS: dict[tuple[TaskState, TaskState, Code], Facts] = {
    (S.WAITING, S.READY, Code.UPSTREAMS_DONE): facts_of(a_task(S.WAITING, upstreams=(upstream(S.SUCCEEDED),))),
    (S.WAITING, S.NEEDS_APPROVAL, Code.APPROVAL_REQUIRED): facts_of(
        a_task(S.WAITING, requires_approval=True, shown=True)
    ),
    (S.WAITING, S.SUCCEEDED, Code.NO_CHANGES): facts_of(a_task(S.WAITING, shown=True, empty_plan=True)),
    (S.WAITING, S.BLOCKED, Code.UPSTREAM_BROKEN): facts_of(a_task(S.WAITING, upstreams=(upstream(S.FAILED),))),
    (S.WAITING, S.BLOCKED, Code.LOCKED): facts_of(a_task(S.WAITING, locked_by="#12")),
    (S.WAITING, S.SKIPPED, Code.AFTER_UPSTREAM): facts_of(a_task(S.WAITING, action=TaskAction.PLAN, missing=NO_OUTPUT)),
    (S.WAITING, S.SKIPPED, Code.NEEDS_VALUE): facts_of(a_task(S.WAITING, action=TaskAction.PLAN, missing=NO_VALUE)),
    (S.WAITING, S.FAILED, Code.CANNOT_START): facts_of(a_task(S.WAITING, missing=NO_OUTPUT)),
    (S.WAITING, S.CANCELLED, Code.CANCELLED): facts_of(a_task(S.WAITING), stop=Stop.GRACEFULLY),
    (S.WAITING, S.CANCELLED, Code.FAIL_FAST): facts_of(a_task(S.WAITING), fail_fast=True, failed=1),
    (S.READY, S.CANCELLED, Code.CANCELLED): facts_of(a_task(S.READY), stop=Stop.KILL),
    (S.READY, S.CANCELLED, Code.FAIL_FAST): facts_of(a_task(S.READY), fail_fast=True, failed=1),
    **{
        (one, S.CANCELLED, Code.WITHDRAWN): facts_of(a_task(one), withdrawn="gone")
        for one in (S.WAITING, S.READY, S.NEEDS_APPROVAL)
    },
    (S.DISPATCHED, S.CANCELLED, Code.WITHDRAWN): facts_of(
        a_task(S.DISPATCHED, attempt=an_attempt(revoked=True)), withdrawn="gone"
    ),
    (S.DISPATCHED, S.RUNNING, Code.CLAIMED): facts_of(a_task(S.DISPATCHED, attempt=an_attempt(claimed=True))),
    (S.DISPATCHED, S.READY, Code.NEVER_CLAIMED): facts_of(a_task(S.DISPATCHED, attempt=an_attempt(revoked=True))),
    (S.DISPATCHED, S.CANCELLED, Code.FREED): facts_of(
        a_task(S.DISPATCHED, attempt=an_attempt(revoked=True), freed=True)
    ),
    (S.DISPATCHED, S.FAILED, Code.CANNOT_START): facts_of(
        a_task(S.DISPATCHED, attempt=an_attempt(revoked=True, tries=3)), limits=LIMITS
    ),
    (S.DISPATCHED, S.CANCELLED, Code.CANCELLED): facts_of(
        a_task(S.DISPATCHED, attempt=an_attempt(revoked=True)), stop=Stop.GRACEFULLY
    ),
    (S.RUNNING, S.LOST, Code.SILENT): facts_of(
        a_task(S.RUNNING, attempt=an_attempt(claimed=True, still=11)), limits=LIMITS
    ),
    **_ends(S.RUNNING),
    **_ends(S.LOST),
    (S.LOST, S.FAILED, Code.OUTCOME_UNKNOWN): facts_of(a_task(S.LOST, attempt=an_attempt(claimed=True, ended=True))),
    (S.NEEDS_APPROVAL, S.READY, Code.APPROVED): facts_of(a_task(S.NEEDS_APPROVAL, approved=True)),
    (S.NEEDS_APPROVAL, S.CANCELLED, Code.CANCELLED): facts_of(a_task(S.NEEDS_APPROVAL), stop=Stop.GRACEFULLY),
    (S.NEEDS_APPROVAL, S.CANCELLED, Code.FAIL_FAST): facts_of(a_task(S.NEEDS_APPROVAL), fail_fast=True, failed=1),
    (S.NEEDS_APPROVAL, S.CANCELLED, Code.SUPERSEDED): facts_of(a_task(S.NEEDS_APPROVAL, approved=True, newer=9)),
}

BY_ROWS = {
    (S.WAITING, S.CANCELLED, Code.SUPERSEDED),
    (S.READY, S.CANCELLED, Code.SUPERSEDED),
    (S.READY, S.DISPATCHED, Code.DISPATCHED),
    (S.READY, S.FAILED, Code.CANNOT_START),
    (S.NEEDS_APPROVAL, S.CANCELLED, Code.REJECTED),
    (S.NEEDS_APPROVAL, S.CANCELLED, Code.VOIDED),
    *((one, S.CANCELLED, Code.FREED) for one in (S.WAITING, S.READY, S.NEEDS_APPROVAL)),
}
"""What the store, the driver and people do: tests/bot/store/test_moves.py visits these; pushes: test_approvals.py."""


@pytest.mark.parametrize(("row", "facts"), VISITS.items(), ids=lambda one: str(one) if isinstance(one, tuple) else "")
def test_each_row_is_what_the_reconciler_decides(row: tuple[TaskState, TaskState, Code], facts: Facts) -> None:
    (move,) = reconcile(facts)
    assert isinstance(move, Move)
    assert (move.before, move.after, move.code) == row


def test_no_row_of_the_table_is_left_unvisited() -> None:
    assert VISITS.keys() | BY_ROWS == ALLOWED
    assert not VISITS.keys() & BY_ROWS


def test_the_table_tells_each_row_once_and_leads_out_of_every_state_but_the_ends() -> None:
    assert len(TRANSITIONS) == len(ALLOWED)
    assert {row.before for row in TRANSITIONS} == set(TaskState) - FINISHED
    assert {row.after for row in TRANSITIONS} == set(TaskState) - {S.WAITING}
    assert {before for before, _ in DEPLOYMENT_ALLOWED} == set(DeploymentState) - DEPLOYMENT_FINISHED


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(facts_of(), Finish(DeploymentState.SUCCEEDED), id="nothing to do is success"),
        pytest.param(facts_of(failed=1, cancelled=1), Finish(DeploymentState.FAILED), id="failed beats cancelled"),
        pytest.param(facts_of(cancelled=1, superseded=1), Finish(DeploymentState.CANCELLED), id="cancelled"),
        pytest.param(facts_of(superseded=2), Finish(DeploymentState.SUPERSEDED), id="superseded"),
        pytest.param(facts_of(a_task(S.READY)), Dispatch((7,)), id="ready is dispatched"),
        pytest.param(
            facts_of(a_task(S.DISPATCHED, attempt=an_attempt(still=21)), limits=LIMITS), Revoke("a1"), id="not claimed"
        ),
        pytest.param(
            facts_of(a_task(S.DISPATCHED, attempt=an_attempt()), stop=Stop.KILL), Revoke("a1"), id="stopped unclaimed"
        ),
        pytest.param(
            facts_of(a_task(S.DISPATCHED, attempt=an_attempt()), withdrawn="gone"),
            Revoke("a1"),
            id="withdrawn unclaimed",
        ),
        pytest.param(
            facts_of(a_task(S.RUNNING, attempt=an_attempt(claimed=True)), stop=Stop.KILL),
            Halt("a1", Stop.KILL),
            id="what runs is halted",
        ),
        pytest.param(facts_of(a_task(S.LOST, attempt=an_attempt(claimed=True))), LookUp("a1"), id="lost is looked up"),
    ],
)
def test_the_other_things_that_are_done(facts: Facts, expected: object) -> None:
    assert reconcile(facts) == (expected,)


def test_a_queued_deployment_begins_with_its_first_dispatch() -> None:
    assert reconcile(facts_of(a_task(S.READY), queued=True)) == (Begin(), Dispatch((7,)))
    assert reconcile(facts_of(a_task(S.WAITING, rival=2), queued=True)) == ()


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(facts_of(a_task(S.WAITING, rival=2)), id="behind an older deployment"),
        pytest.param(facts_of(a_task(S.WAITING, rival=2, missing=NO_OUTPUT)), id="whose outputs may still come"),
        pytest.param(facts_of(a_task(S.WAITING, upstreams=(upstream(S.LOST),))), id="behind a lost upstream"),
        pytest.param(facts_of(a_task(S.READY), free_jobs=0), id="no job is free"),
        pytest.param(facts_of(a_task(S.NEEDS_APPROVAL)), id="nobody approved"),
        pytest.param(
            facts_of(a_task(S.RUNNING, attempt=an_attempt(claimed=True, still=10)), limits=LIMITS), id="just alive"
        ),
        pytest.param(
            facts_of(a_task(S.RUNNING, attempt=an_attempt(claimed=True)), fail_fast=True, failed=1),
            id="fail-fast lets what runs end",
        ),
        pytest.param(
            facts_of(a_task(S.RUNNING, attempt=an_attempt(claimed=True)), withdrawn="gone"),
            id="what runs ends also where what let it begin is withdrawn",
        ),
    ],
)
def test_what_only_waits(facts: Facts) -> None:
    assert reconcile(facts) == ()


def test_jobs_go_to_the_longest_remaining_path_then_in_order() -> None:
    tasks = [a_task(S.READY, id=number, rank=rank, position=number) for number, rank in enumerate([1.0, 5.0, 3.0, 5.0])]
    assert reconcile(facts_of(*tasks, free_jobs=3)) == (Dispatch((1, 3, 2)),)


def test_who_broke_it_is_named_through_what_was_blocked_in_between() -> None:
    broken = (
        upstream(S.BLOCKED, alias="b", broken_by=("net",)),
        upstream(S.TIMED_OUT, alias="c"),
        upstream(S.SUCCEEDED, alias="d"),
    )
    (move,) = reconcile(facts_of(a_task(S.WAITING, upstreams=broken)))
    assert isinstance(move, Move)
    assert (move.broken_by, move.detail) == (("c", "net"), "c, net")


@pytest.mark.parametrize("state", sorted(FINISHED))
def test_what_has_ended_stays_ended(state: TaskState) -> None:
    task = a_task(state, approved=True, newer=9, attempt=an_attempt(result=Result.FAILED))
    assert reconcile(facts_of(task, stop=Stop.KILL, unfinished=1)) == ()


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_an_attempt_that_nothing_is_known_of_moves_nothing(state: TaskState) -> None:
    """It may be at work: what is not known refuses."""
    assert reconcile(facts_of(a_task(state), stop=Stop.KILL, fail_fast=True, failed=1)) == ()


@pytest.mark.parametrize(
    ("missing", "action", "after", "words"),
    [
        (NO_OUTPUT, TaskAction.PLAN, S.SKIPPED, "vpc"),
        (NO_VALUE, TaskAction.PLAN, S.SKIPPED, "PASSWORD"),
        (NO_OUTPUT + NO_VALUE, TaskAction.PLAN_DESTROY, S.SKIPPED, "vpc"),
        (NO_OUTPUT, TaskAction.DEPLOY, S.FAILED, "no value for VPC: vpc has no such output"),
        (
            (Missing("A", "B", Why.SECRET), Missing("A", "B", Why.SECRET)),
            TaskAction.ADOPT,
            S.FAILED,
            "no value for A: the secret B is not set",
        ),
        (
            (Missing("A", "B", Why.TOO_SHORT),),
            TaskAction.PLAN,
            S.FAILED,
            "A (from B) is too short for a sensitive value: give it 6 characters or more",
        ),
        ((Missing("no such thing", "", Why.DEFINITION),), TaskAction.PLAN, S.FAILED, "no such thing"),
    ],
)
def test_what_a_missing_value_means(
    missing: tuple[Missing, ...], action: TaskAction, after: TaskState, words: str
) -> None:
    (move,) = reconcile(facts_of(a_task(S.WAITING, action=action, missing=missing)))
    assert isinstance(move, Move)
    assert (move.after, move.detail) == (after, words)


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({"empty_plan": True}, S.SUCCEEDED),
        ({"empty_plan": True, "upstreams": (upstream(S.SUCCEEDED, changed=True),)}, S.READY),
        ({"empty_plan": True, "action": TaskAction.ADOPT}, S.READY),
        ({"empty_plan": True, "action": TaskAction.PLAN}, S.READY),
        ({"empty_plan": True, "requires_approval": True}, S.SUCCEEDED),
        ({"requires_approval": True}, S.NEEDS_APPROVAL),
        ({"requires_approval": True, "approved": True}, S.READY),
        ({"requires_approval": True, "shown": False}, S.READY),
        ({"requires_approval": True, "upstreams": (upstream(S.SUCCEEDED, changed=True),)}, S.READY),
        ({"upstreams": (upstream(S.SKIPPED),)}, S.READY),
    ],
)
def test_whether_a_task_whose_turn_has_come_needs_a_job(changes: dict[str, object], after: TaskState) -> None:
    (move,) = reconcile(facts_of(a_task(S.WAITING, **{"shown": True, **changes})))
    assert isinstance(move, Move)
    assert move.after is after
