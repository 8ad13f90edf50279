"""The states of tasks and deployments, and every move that there is between them.

docs/states.md is made from this table, and the store refuses a move that is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TaskState(StrEnum):
    """Where one environment of a deployment stands."""

    WAITING = "waiting"
    READY = "ready"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    LOST = "lost"
    NEEDS_APPROVAL = "needs approval"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    SKIPPED = "skipped"


class DeploymentState(StrEnum):
    """Where a whole deployment stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


ACTIVE = frozenset({TaskState.DISPATCHED, TaskState.RUNNING, TaskState.LOST})
"""An attempt exists that may be at work."""

FINISHED = frozenset(
    {
        TaskState.SUCCEEDED,
        TaskState.FAILED,
        TaskState.TIMED_OUT,
        TaskState.CANCELLED,
        TaskState.BLOCKED,
        TaskState.SKIPPED,
    }
)
BROKEN = frozenset({TaskState.FAILED, TaskState.TIMED_OUT, TaskState.CANCELLED, TaskState.BLOCKED})
"""Ends that block what lies downstream."""

DEPLOYMENT_FINISHED = frozenset(
    {DeploymentState.SUCCEEDED, DeploymentState.FAILED, DeploymentState.CANCELLED, DeploymentState.SUPERSEDED}
)


class Code(StrEnum):
    """Why a task is where it is: the closed set that stands beside each state."""

    SUBMITTED = "submitted"
    UPSTREAMS_DONE = "upstreams-done"
    APPROVAL_REQUIRED = "approval-required"
    PLAN_DIFFERS = "plan-differs"
    UPSTREAM_BROKEN = "upstream-broken"
    LOCKED = "locked"
    NO_CHANGES = "no-changes"
    AFTER_UPSTREAM = "after-upstream"
    NEEDS_VALUE = "needs-value"
    HAS_CHANGES = "has-changes"
    DISPATCHED = "dispatched"
    CLAIMED = "claimed"
    NEVER_CLAIMED = "never-claimed"
    CANNOT_START = "cannot-start"
    DONE = "done"
    TOOL_FAILED = "tool-failed"
    TIMED_OUT = "timed-out"
    SILENT = "silent"
    OUTCOME_UNKNOWN = "outcome-unknown"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOIDED = "voided"
    FREED = "freed"
    CANCELLED = "cancelled"
    FAIL_FAST = "fail-fast"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed move of a task, and what it means."""

    before: TaskState
    after: TaskState
    code: Code
    meaning: str


def _rows(before: TaskState, *rows: tuple[TaskState, Code, str]) -> tuple[Transition, ...]:
    return tuple(Transition(before, after, code, meaning) for after, code, meaning in rows)


_S = TaskState
_ENDS = (
    (_S.SUCCEEDED, Code.DONE, "the tool did what was asked"),
    (_S.SUCCEEDED, Code.NO_CHANGES, "the tool found nothing to change"),
    (_S.NEEDS_APPROVAL, Code.PLAN_DIFFERS, "the plan is not the one that was shown; nothing was applied"),
    (_S.NEEDS_APPROVAL, Code.APPROVAL_REQUIRED, "the environment always asks; nothing was applied"),
    (_S.SKIPPED, Code.HAS_CHANGES, "an adoption found changes; nothing was applied"),
    (_S.FAILED, Code.TOOL_FAILED, "the tool failed"),
    (_S.TIMED_OUT, Code.TIMED_OUT, "the tool took longer than `timeout`"),
    (_S.CANCELLED, Code.CANCELLED, "the tool was stopped on request"),
    (_S.CANCELLED, Code.FREED, "it would wait for approval, and `/unlock` freed its environment; nothing was applied"),
)

TRANSITIONS: tuple[Transition, ...] = (
    *_rows(
        _S.WAITING,
        (_S.READY, Code.UPSTREAMS_DONE, "all that it needs has succeeded"),
        (_S.NEEDS_APPROVAL, Code.APPROVAL_REQUIRED, "its turn has come, and `requiresApproval` asks first"),
        (_S.SUCCEEDED, Code.NO_CHANGES, "its plan is empty and nothing upstream changes: no job"),
        (_S.BLOCKED, Code.UPSTREAM_BROKEN, "something that it needs did not succeed"),
        (_S.BLOCKED, Code.LOCKED, "it belongs to another pull request until that is merged, restored or unlocked"),
        (_S.SKIPPED, Code.AFTER_UPSTREAM, "a plan that reads an output which does not exist yet"),
        (_S.SKIPPED, Code.NEEDS_VALUE, "a plan that lacks a value which only deploys get"),
        (_S.FAILED, Code.CANNOT_START, "it could not be started (a value is missing, for example)"),
        (_S.CANCELLED, Code.CANCELLED, "cancelled before it started"),
        (_S.CANCELLED, Code.FAIL_FAST, "another one failed, and `--fail-fast` stops the rest"),
        (_S.CANCELLED, Code.WITHDRAWN, "who asked for it may not any more, or a review that it takes is gone"),
        (_S.CANCELLED, Code.SUPERSEDED, "a newer deployment of the environment took its place"),
        (_S.CANCELLED, Code.FREED, "`/unlock` freed its environment before it had begun"),
    ),
    *_rows(
        _S.READY,
        (_S.DISPATCHED, Code.DISPATCHED, "handed to the executor"),
        (_S.FAILED, Code.CANNOT_START, "it could not be started (a value is missing, for example)"),
        (_S.CANCELLED, Code.CANCELLED, "cancelled before it started"),
        (_S.CANCELLED, Code.FAIL_FAST, "another one failed, and `--fail-fast` stops the rest"),
        (_S.CANCELLED, Code.WITHDRAWN, "who asked for it may not any more, or a review that it takes is gone"),
        (_S.CANCELLED, Code.SUPERSEDED, "a newer deployment of the environment took its place"),
        (_S.CANCELLED, Code.FREED, "`/unlock` freed its environment before it had begun"),
    ),
    *_rows(
        _S.DISPATCHED,
        (_S.RUNNING, Code.CLAIMED, "a runner has claimed the attempt"),
        (_S.READY, Code.NEVER_CLAIMED, "no runner claimed it; the attempt was revoked, and a new one follows"),
        (_S.FAILED, Code.CANNOT_START, "no runner claimed it, three times over"),
        (_S.CANCELLED, Code.CANCELLED, "revoked before a runner claimed it"),
        (_S.CANCELLED, Code.WITHDRAWN, "revoked: who asked for it may not any more, or a review that it takes is gone"),
        (_S.CANCELLED, Code.FREED, "no runner claimed it, and `/unlock` freed its environment"),
    ),
    *_rows(_S.RUNNING, *_ENDS, (_S.LOST, Code.SILENT, "its runner went silent; the tool may still be at work")),
    *_rows(
        _S.LOST,
        *_ENDS,
        (_S.FAILED, Code.OUTCOME_UNKNOWN, "the attempt ended without a report; what it did is not known"),
    ),
    *_rows(
        _S.NEEDS_APPROVAL,
        (_S.READY, Code.APPROVED, "approved: a new attempt plans again and applies on a match"),
        (_S.CANCELLED, Code.REJECTED, "somebody who may rejected its plan"),
        (_S.CANCELLED, Code.VOIDED, "something was pushed to the pull request while it waited"),
        (_S.CANCELLED, Code.CANCELLED, "cancelled while it waited"),
        (_S.CANCELLED, Code.FAIL_FAST, "another one failed, and `--fail-fast` stops the rest"),
        (_S.CANCELLED, Code.WITHDRAWN, "who asked for it may not any more, or a review that it takes is gone"),
        (_S.CANCELLED, Code.SUPERSEDED, "a newer deployment of the environment took its place"),
        (_S.CANCELLED, Code.FREED, "`/unlock` freed its environment before it had begun"),
    ),
)

ALLOWED = frozenset((row.before, row.after, row.code) for row in TRANSITIONS)


@dataclass(frozen=True, slots=True)
class DeploymentTransition:
    """One allowed move of a deployment, and what it means."""

    before: DeploymentState
    after: DeploymentState
    meaning: str


_ENDS_OF_DEPLOYMENTS = (
    (DeploymentState.SUCCEEDED, "all its tasks have succeeded, or had nothing to do"),
    (DeploymentState.FAILED, "a task failed or timed out"),
    (DeploymentState.CANCELLED, "a task was cancelled or rejected, and none failed"),
    (DeploymentState.SUPERSEDED, "a newer deployment took the place of what it had not started"),
)

DEPLOYMENT_TRANSITIONS: tuple[DeploymentTransition, ...] = (
    DeploymentTransition(DeploymentState.QUEUED, DeploymentState.RUNNING, "its first task is handed to the executor"),
    *(
        DeploymentTransition(before, after, meaning)
        for before in (DeploymentState.QUEUED, DeploymentState.RUNNING)
        for after, meaning in _ENDS_OF_DEPLOYMENTS
    ),
)

DEPLOYMENT_ALLOWED = frozenset((row.before, row.after) for row in DEPLOYMENT_TRANSITIONS)
