"""The reconciler answers every question, only with moves of the table, and the same question twice with nothing new."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.decide.facts import (
    AttemptFacts,
    Facts,
    Limits,
    Missing,
    Ready,
    Result,
    Stop,
    TaskAction,
    TaskFacts,
    Upstream,
    Why,
)
from bot.decide.reconcile import Dispatch, Finish, Move, Revoke, reconcile
from bot.decide.transitions import ACTIVE, ALLOWED, FINISHED, DeploymentState, TaskState
from tests.depth import examples

T = TypeVar("T")


def every(kind: type[T], **drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Builds of a dataclass with all of its fields drawn: hypothesis leaves out those that have defaults."""
    assert set(drawn) == {one.name for one in fields(kind)}  # type: ignore[arg-type]
    return st.builds(kind, **drawn)


ALIASES = st.sampled_from(["vpc", "db", "eks"])
UPSTREAMS = every(
    Upstream,
    alias=ALIASES,
    state=st.sampled_from(TaskState),
    changed=st.booleans(),
    broken_by=st.lists(ALIASES, max_size=2).map(tuple),
)
ATTEMPTS = every(
    AttemptFacts,
    id=st.just("a1"),
    tries=st.integers(1, 4),
    claimed=st.booleans(),
    revoked=st.booleans(),
    refused=st.booleans(),
    still=st.sampled_from([0.0, 10.0, 10.5, 20.0, 21.0]),
    runner_gone=st.booleans(),
    ended=st.sampled_from([None, True, False]),
    result=st.none() | st.sampled_from(Result),
    error=st.sampled_from(["", "boom"]),
)
MISSING = every(Missing, name=st.just("A"), source=ALIASES, why=st.sampled_from(Why))
TASKS = every(
    TaskFacts,
    id=st.just(0),
    alias=ALIASES,
    action=st.sampled_from(TaskAction),
    state=st.sampled_from(TaskState),
    rank=st.sampled_from([0.0, 1.0, 2.0]),
    upstreams=st.lists(UPSTREAMS, max_size=2).map(tuple),
    attempt=st.none() | ATTEMPTS,
    rival=st.none() | st.just(1),
    newer=st.none() | st.just(9),
    position=st.just(0),
    locked_by=st.sampled_from(["", "#12"]),
    freed=st.booleans(),
    requires_approval=st.booleans(),
    approved=st.booleans(),
    shown=st.booleans(),
    empty_plan=st.booleans(),
    missing=st.lists(MISSING, max_size=2).map(tuple),
)


@st.composite
def deployments(draw: st.DrawFn) -> Facts:
    tasks = [replace(task, id=number, position=number) for number, task in enumerate(draw(st.lists(TASKS, max_size=4)))]
    facts = every(
        Facts,
        deployment=st.just(3),
        tasks=st.just(tuple(tasks)),
        ready=st.just(tuple(Ready(one.id, one.rank, one.position) for one in tasks if one.state is TaskState.READY)),
        free_jobs=st.integers(-1, 3),
        unfinished=st.just(sum(task.state not in FINISHED for task in tasks)),
        failed=st.integers(0, 1),
        cancelled=st.integers(0, 1),
        superseded=st.integers(0, 1),
        stop=st.none() | st.sampled_from(Stop),
        fail_fast=st.booleans(),
        withdrawn=st.sampled_from(["", "", "ada may not"]),
        queued=st.booleans(),
        limits=every(
            Limits, silence=st.sampled_from([10.0, 20.0]), claim=st.sampled_from([10.0, 20.0]), starts=st.integers(1, 3)
        ),
    )
    return draw(facts)


def after(facts: Facts, moves: list[Move]) -> Facts:
    """The same facts with these moves done."""
    moved = {move.task: move.after for move in moves}
    tasks = tuple(replace(task, state=moved.get(task.id, task.state)) for task in facts.tasks)
    return replace(
        facts,
        tasks=tasks,
        ready=tuple(Ready(task.id, task.rank, task.position) for task in tasks if task.state is TaskState.READY),
        unfinished=sum(task.state not in FINISHED for task in tasks),
    )


@settings(max_examples=examples(600), deadline=None)
@given(deployments())
def test_every_question_has_an_answer_of_the_table(facts: Facts) -> None:
    actions = reconcile(facts)
    moves = [action for action in actions if isinstance(action, Move)]
    states = {task.id: task.state for task in facts.tasks}
    assert all((move.before, move.after, move.code) in ALLOWED for move in moves)
    assert all(states[move.task] is move.before for move in moves)
    assert len({move.task for move in moves}) == len(moves)
    assert not moves or not any(isinstance(action, Dispatch | Finish) for action in actions)
    assert actions == reconcile(facts)


@settings(max_examples=examples(600), deadline=None)
@given(deployments())
def test_a_dispatch_holds_ready_tasks_alone_and_no_more_than_there_are_jobs(facts: Facts) -> None:
    for action in reconcile(facts):
        if isinstance(action, Dispatch):
            assert 0 < len(action.tasks) <= facts.free_jobs
            assert set(action.tasks) <= {task.id for task in facts.ready}
            assert facts.stop is None
            assert not facts.withdrawn
        if isinstance(action, Finish):
            assert not facts.unfinished
            assert (action.state is DeploymentState.FAILED) == bool(facts.failed)
        if isinstance(action, Revoke):
            assert any(task.state is TaskState.DISPATCHED for task in facts.tasks)


@settings(max_examples=examples(600), deadline=None)
@given(deployments())
def test_moves_come_to_an_end_and_what_is_done_is_not_done_again(facts: Facts) -> None:
    """No attempt starts here, so an attempt's news can move its task a few times, and no more."""
    seen = facts
    for _ in range(8):
        moves = [action for action in reconcile(seen) if isinstance(action, Move)]
        if not moves:
            break
        following = after(seen, moves)
        again = [action for action in reconcile(following) if isinstance(action, Move)]
        assert not set(again) & set(moves)
        seen = following
    assert not any(isinstance(action, Move) for action in reconcile(seen))
    assert reconcile(seen) == reconcile(seen)


def test_whoever_may_be_at_work_is_never_given_up_without_a_sign() -> None:
    """Every combination: an attempt that was claimed moves on only by its report, its end, or its silence."""
    for action, state, stop, fail_fast, withdrawn, freed, still, gone, ended in itertools.product(
        TaskAction, sorted(ACTIVE), [None, *Stop], [True, False], ["", "ada may not"], [True, False], [0.0, 99.0],
        [True, False], [None, True, False],
    ):  # fmt: skip
        attempt = AttemptFacts("a1", claimed=True, still=still, runner_gone=gone, ended=ended)
        task = TaskFacts(1, "db", action, state, attempt=attempt, freed=freed)
        facts = Facts(3, (task,), unfinished=1, failed=1, stop=stop, fail_fast=fail_fast, withdrawn=withdrawn)
        moves = {one.after for one in reconcile(facts) if isinstance(one, Move)}
        allowed = {
            TaskState.DISPATCHED: {TaskState.RUNNING},
            TaskState.RUNNING: {TaskState.LOST} if still or gone or ended else set(),
            TaskState.LOST: {TaskState.FAILED} if ended else set(),
        }
        assert moves <= allowed[state]
        assert moves == allowed[state]


def test_every_state_with_every_fact_has_an_answer_or_a_reason_to_wait() -> None:
    """Every combination: no exception, only moves of the table, and nothing waits that has nothing to wait for."""
    attempts = [None, *(
        AttemptFacts("a1", claimed=claimed, revoked=revoked, still=still, runner_gone=gone, ended=ended, result=result)
        for claimed, revoked, still, gone, ended, result in itertools.product(
            [True, False], [True, False], [0.0, 99.0], [True, False], [None, True, False], [None, *Result]
        )
    )]  # fmt: skip
    for action, state, attempt, freed, (stop, withdrawn), fail_fast in itertools.product(
        (TaskAction.DEPLOY, TaskAction.DESTROY, TaskAction.ADOPT, TaskAction.PLAN), TaskState, attempts, [True, False],
        [(None, ""), *((one, "") for one in Stop), (None, "ada may not")], [True, False],
    ):  # fmt: skip
        task = TaskFacts(1, "db", action, state, attempt=attempt, freed=freed)
        ready = (Ready(1),) if state is TaskState.READY else ()
        unfinished = int(state not in FINISHED)
        facts = Facts(
            3, (task,), ready, unfinished=unfinished, failed=1, stop=stop, fail_fast=fail_fast, withdrawn=withdrawn
        )
        actions = reconcile(facts)
        moves = [one for one in actions if isinstance(one, Move)]
        assert all((one.before, one.after, one.code) in ALLOWED for one in moves)
        assert bool(actions) or may_wait(
            state, attempt, stop=stop is not None, withdrawn=bool(withdrawn), fail_fast=fail_fast
        )


def test_what_changes_nothing_never_waits_for_an_approval() -> None:
    """Whatever its runner says: nobody could give it."""
    attempt = AttemptFacts("a1", claimed=True, result=Result.NEEDS_APPROVAL)
    for action in TaskAction:
        task = TaskFacts(1, "db", action, TaskState.RUNNING, attempt=attempt)
        (move,) = reconcile(Facts(3, (task,), unfinished=1))
        assert isinstance(move, Move)
        assert (move.after is TaskState.FAILED) == (not action.mutates)


def may_wait(state: TaskState, attempt: AttemptFacts | None, *, stop: bool, withdrawn: bool, fail_fast: bool) -> bool:
    """Whether there is somebody or something that a task of this state waits for."""
    if state is TaskState.NEEDS_APPROVAL:
        return not stop and not withdrawn and not fail_fast  # for people
    if state not in ACTIVE:
        return False
    if attempt is None:
        return True  # nothing is known of it: what is not known refuses
    quiet = attempt.still > 0 or attempt.runner_gone or bool(attempt.ended)
    if state is TaskState.DISPATCHED:
        return not (attempt.claimed or attempt.revoked or attempt.still or stop or withdrawn)
    return attempt.result is None and not stop and not quiet and state is TaskState.RUNNING
