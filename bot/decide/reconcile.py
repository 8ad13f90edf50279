"""What to do next for one deployment, from what is known of it. Pure; doing it twice is doing it once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bot.decide.facts import AttemptFacts, Facts, Missing, Result, Stop, TaskAction, TaskFacts, Why
from bot.decide.transitions import ACTIVE, BROKEN, FINISHED, Code, DeploymentState, TaskState


@dataclass(frozen=True, slots=True)
class Move:
    """Put a task into another state."""

    task: int
    before: TaskState
    after: TaskState
    code: Code
    detail: str = ""
    broken_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Make an attempt of each of these ready tasks and hand them to the executor."""

    tasks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the executor whether an attempt has ended."""

    attempt: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """Make sure that nobody can claim an attempt any more."""

    attempt: str


@dataclass(frozen=True, slots=True)
class Halt:
    """Ask an attempt to stop."""

    attempt: str
    how: Stop


@dataclass(frozen=True, slots=True)
class Begin:
    """The deployment is not queued any more: the first of its tasks is handed on."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The deployment has come to its end."""

    state: DeploymentState


Action: TypeAlias = Move | Begin | Dispatch | LookUp | Revoke | Halt | Finish

_ENDS = {
    Result.SUCCEEDED: (TaskState.SUCCEEDED, Code.DONE),
    Result.NO_CHANGES: (TaskState.SUCCEEDED, Code.NO_CHANGES),
    Result.NEEDS_APPROVAL: (TaskState.NEEDS_APPROVAL, Code.PLAN_DIFFERS),
    Result.FAILED: (TaskState.FAILED, Code.TOOL_FAILED),
    Result.TIMED_OUT: (TaskState.TIMED_OUT, Code.TIMED_OUT),
    Result.CANCELLED: (TaskState.CANCELLED, Code.CANCELLED),
}


def reconcile(facts: Facts) -> tuple[Action, ...]:
    """All that can be done now. Moves come alone: they change what is known, so ask again after them."""
    actions = [action for task in facts.tasks for action in _of_task(task, facts)]
    if any(isinstance(action, Move) for action in actions):
        return tuple(actions)
    if not facts.unfinished:
        return (*actions, Finish(_end(facts)))
    best = sorted(facts.ready, key=lambda task: (-task.rank, task.position))[: max(facts.free_jobs, 0)]
    if not best or facts.stop or facts.withdrawn:
        return tuple(actions)
    begin = (Begin(),) if facts.queued else ()
    return (*actions, *begin, Dispatch(tuple(task.id for task in best)))


def _end(facts: Facts) -> DeploymentState:
    if facts.failed:
        return DeploymentState.FAILED
    if facts.cancelled:
        return DeploymentState.CANCELLED
    return DeploymentState.SUPERSEDED if facts.superseded else DeploymentState.SUCCEEDED


def _of_task(task: TaskFacts, facts: Facts) -> tuple[Action, ...]:
    if task.state in FINISHED:
        return ()
    if task.state in ACTIVE:
        return _of_attempt(task, task.attempt, facts) if task.attempt is not None else ()
    if facts.stop:
        return (Move(task.id, task.state, TaskState.CANCELLED, Code.CANCELLED),)
    if facts.withdrawn:
        return (Move(task.id, task.state, TaskState.CANCELLED, Code.WITHDRAWN, facts.withdrawn),)
    if facts.fail_fast and facts.failed:
        return (Move(task.id, task.state, TaskState.CANCELLED, Code.FAIL_FAST),)
    if task.state is TaskState.WAITING:
        return _of_waiting(task)
    return _of_asking(task) if task.state is TaskState.NEEDS_APPROVAL else ()


def _of_asking(task: TaskFacts) -> tuple[Action, ...]:
    """What waits for approval gives way to a newer deployment, which would else wait for that approval too."""
    if task.newer is not None:
        return (Move(task.id, task.state, TaskState.CANCELLED, Code.SUPERSEDED, f"#{task.newer}"),)
    return (Move(task.id, task.state, TaskState.READY, Code.APPROVED),) if task.approved else ()


def _of_waiting(task: TaskFacts) -> tuple[Action, ...]:
    broken = [upstream for upstream in task.upstreams if upstream.state in BROKEN]
    if broken:
        roots = sorted({root for upstream in broken for root in upstream.broken_by or (upstream.alias,)})
        return (Move(task.id, task.state, TaskState.BLOCKED, Code.UPSTREAM_BROKEN, ", ".join(roots), tuple(roots)),)
    if any(upstream.state not in FINISHED for upstream in task.upstreams):
        return ()
    if task.locked_by:  # whatever else works on it: that may be the very deployment which holds it
        name = f"{task.alias} ({task.locked_by})"
        return (Move(task.id, task.state, TaskState.BLOCKED, Code.LOCKED, task.locked_by, (name,)),)
    if task.rival is not None:
        return ()
    if task.missing:
        return (_for_lack(task, task.missing),)
    upstream_changed = any(upstream.changed for upstream in task.upstreams)
    if task.action.mutates and task.empty_plan and not upstream_changed and task.action is not TaskAction.ADOPT:
        return (Move(task.id, task.state, TaskState.SUCCEEDED, Code.NO_CHANGES),)
    if task.requires_approval and task.shown and not task.approved and not upstream_changed:
        return (Move(task.id, task.state, TaskState.NEEDS_APPROVAL, Code.APPROVAL_REQUIRED),)
    return (Move(task.id, task.state, TaskState.READY, Code.UPSTREAMS_DONE),)


def _for_lack(task: TaskFacts, missing: tuple[Missing, ...]) -> Move:
    """A plan that lacks a value comes later, unless it never can; a deploy that lacks one cannot start at all."""
    hopeless = any(lack.why in (Why.TOO_SHORT, Why.DEFINITION) for lack in missing)
    if task.action.needs_power or hopeless:
        return Move(task.id, task.state, TaskState.FAILED, Code.CANNOT_START, lack_words(missing))
    if any(lack.why is Why.OUTPUT for lack in missing):
        upstreams = ", ".join(sorted({lack.source for lack in missing if lack.why is Why.OUTPUT}))
        return Move(task.id, task.state, TaskState.SKIPPED, Code.AFTER_UPSTREAM, upstreams)
    names = ", ".join(sorted({lack.name for lack in missing}))
    return Move(task.id, task.state, TaskState.SKIPPED, Code.NEEDS_VALUE, names)


_LACK_WORDS = {
    Why.OUTPUT: "no value for {0.name}: {0.source} has no such output",
    Why.DEPLOY_ONLY: "no value for {0.name}: it comes from {0.source}, which only deploys get",
    Why.SECRET: "no value for {0.name}: the secret {0.source} is not set",
    Why.UNTRUSTED: "no value for {0.name}: the default branch does not give it the secret {0.source}; merge that first",
    Why.TOO_SHORT: "{0.name} (from {0.source}) is too short for a sensitive value: give it 6 characters or more",
    Why.UPSTREAM: "{0.source} is not deployed, which it needs: deploy that first, or with it",
    Why.DEFINITION: "{0.name}",
}


def lack_words(missing: Sequence[Missing]) -> str:
    """What an environment lacks to be started, for people."""
    return "; ".join(dict.fromkeys(_LACK_WORDS[lack.why].format(lack) for lack in missing))


def _of_attempt(task: TaskFacts, attempt: AttemptFacts, facts: Facts) -> tuple[Action, ...]:
    if task.state is TaskState.DISPATCHED:
        return _of_dispatched(task, attempt, facts)
    if attempt.result is not None:
        return (_by_report(task, attempt, attempt.result),)
    halt: tuple[Action, ...] = (Halt(attempt.id, facts.stop),) if facts.stop else ()
    if task.state is TaskState.LOST:
        if attempt.ended:
            return (Move(task.id, task.state, TaskState.FAILED, Code.OUTCOME_UNKNOWN),)
        return (*halt, LookUp(attempt.id))
    if attempt.runner_gone or attempt.ended or attempt.still > facts.limits.silence:
        return (Move(task.id, task.state, TaskState.LOST, Code.SILENT),)
    return halt


def _of_dispatched(task: TaskFacts, attempt: AttemptFacts, facts: Facts) -> tuple[Action, ...]:
    if attempt.claimed:
        return (Move(task.id, task.state, TaskState.RUNNING, Code.CLAIMED),)
    if attempt.revoked:
        return (_after_revoking(task, attempt, facts),)
    if facts.stop or facts.withdrawn or attempt.still > facts.limits.claim:
        return (Revoke(attempt.id),)
    return ()


def _after_revoking(task: TaskFacts, attempt: AttemptFacts, facts: Facts) -> Move:
    if facts.stop:
        return Move(task.id, task.state, TaskState.CANCELLED, Code.CANCELLED)
    if facts.withdrawn:
        return Move(task.id, task.state, TaskState.CANCELLED, Code.WITHDRAWN, facts.withdrawn)
    if attempt.refused or attempt.tries >= facts.limits.starts:
        return Move(task.id, task.state, TaskState.FAILED, Code.CANNOT_START, attempt.error or "no runner claimed it")
    if task.freed:
        return Move(task.id, task.state, TaskState.CANCELLED, Code.FREED)
    return Move(task.id, task.state, TaskState.READY, Code.NEVER_CLAIMED)


def _by_report(task: TaskFacts, attempt: AttemptFacts, result: Result) -> Move:
    after, code = _ENDS[result]
    if result is Result.NEEDS_APPROVAL and not task.action.mutates:  # nobody could approve it
        return Move(
            task.id, task.state, TaskState.FAILED, Code.TOOL_FAILED, "its runner waits for an approval of nothing"
        )
    if result is Result.NEEDS_APPROVAL and task.action is TaskAction.ADOPT:
        after, code = TaskState.SKIPPED, Code.HAS_CHANGES
    elif result is Result.NEEDS_APPROVAL and task.freed:  # nothing of it is there, and it may be another's by now
        after, code = TaskState.CANCELLED, Code.FREED
    elif result is Result.NEEDS_APPROVAL and task.requires_approval:
        code = Code.APPROVAL_REQUIRED
    return Move(task.id, task.state, after, code, attempt.error)
