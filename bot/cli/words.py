"""How tasks, plans and deployments are said: the same words in every command."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.cli.output import Cell, Tone, terminal_width, width_of
from bot.decide.facts import TaskAction
from bot.decide.saying import duration, plan_counts
from bot.decide.transitions import Code, DeploymentState, TaskState

if TYPE_CHECKING:  # the store is slow to import, and `status` does without where nothing is stored
    from bot.store.views import DeploymentView, PlanView, TaskView

SHORT = 7
"""Characters of a commit that people read."""

_DOING = {
    TaskAction.PLAN: "planning",
    TaskAction.PLAN_DESTROY: "planning",
    TaskAction.DEPLOY: "deploying",
    TaskAction.DESTROY: "destroying",
    TaskAction.ADOPT: "adopting",
    TaskAction.UNLOCK: "unlocking",
}
_DONE = {
    TaskAction.PLAN: "planned",
    TaskAction.PLAN_DESTROY: "planned",
    TaskAction.DEPLOY: "deployed",
    TaskAction.DESTROY: "destroyed",
    TaskAction.ADOPT: "adopted",
    TaskAction.UNLOCK: "unlocked",
}
_SIGNS = {
    TaskState.WAITING: "○",
    TaskState.READY: "○",
    TaskState.DISPATCHED: "◐",
    TaskState.RUNNING: "◐",
    TaskState.LOST: "?",
    TaskState.NEEDS_APPROVAL: "!",
    TaskState.SUCCEEDED: "✓",
    TaskState.FAILED: "✗",
    TaskState.TIMED_OUT: "✗",
    TaskState.CANCELLED: "⊘",
    TaskState.BLOCKED: "⊘",
    TaskState.SKIPPED: "-",
}
_TONES = {
    TaskState.WAITING: Tone.FAINT,
    TaskState.READY: Tone.FAINT,
    TaskState.DISPATCHED: Tone.BUSY,
    TaskState.RUNNING: Tone.BUSY,
    TaskState.LOST: Tone.WARN,
    TaskState.NEEDS_APPROVAL: Tone.WARN,
    TaskState.SUCCEEDED: Tone.GOOD,
    TaskState.FAILED: Tone.BAD,
    TaskState.TIMED_OUT: Tone.BAD,
    TaskState.CANCELLED: Tone.WARN,
    TaskState.BLOCKED: Tone.WARN,
    TaskState.SKIPPED: Tone.FAINT,
}


def tone_of(task: TaskView) -> Tone:
    """The tone of a task's state."""
    return _TONES[task.state]


def state_cell(task: TaskView) -> Cell:
    """A task's state in a few words, with its sign."""
    return Cell(f"{_SIGNS[task.state]} {state_words(task)}", tone_of(task))


def state_words(task: TaskView) -> str:
    """A task's state in a few words."""
    match task.state:
        case TaskState.WAITING if task.behind is not None:
            return f"queued behind #{task.behind}"
        case TaskState.WAITING if task.waits_for:
            return f"waits for {names(task.waits_for)}"
        case TaskState.DISPATCHED:
            return "starting"
        case TaskState.RUNNING:
            return f"{_DOING[task.action]}{' (asked to stop)' if task.stopping else ''}"
        case TaskState.LOST:
            return "lost: its runner is gone, the tool may be at work"
        case TaskState.SUCCEEDED:
            acts = task.action in (TaskAction.DEPLOY, TaskAction.DESTROY)
            return "no changes" if task.code is Code.NO_CHANGES and acts else _DONE[task.action]
        case TaskState.BLOCKED:
            return f"blocked by {task.detail}"
        case _:
            return _unlucky(task)


def _unlucky(task: TaskView) -> str:
    words = {
        Code.AFTER_UPSTREAM: f"after {task.detail}",
        Code.NEEDS_VALUE: f"planned at deploy (needs {task.detail})",
        Code.HAS_CHANGES: "has changes, so it was not adopted",
        Code.OUTCOME_UNKNOWN: "failed (outcome unknown)",
        Code.SUPERSEDED: f"superseded by {task.detail}",
        Code.REJECTED: f"rejected {task.detail}".strip(),
        Code.VOIDED: "called off: something was pushed while it waited",
        Code.FREED: "called off: unlocked",
        Code.CANNOT_START: "could not start",
        Code.FAIL_FAST: "cancelled (fail-fast)",
        Code.WITHDRAWN: f"cancelled: {task.detail}",
    }
    return words.get(task.code, task.state.value)


def names(aliases: tuple[str, ...], most: int = 3) -> str:
    """A few names, and how many more there are."""
    shown = ", ".join(aliases[:most])
    return shown if len(aliases) <= most else f"{shown} and {len(aliases) - most} more"


def plan_cell(plan: PlanView | None) -> Cell:
    """A plan's counts: `+2 ~1 -1`."""
    if plan is None:
        return Cell("")
    if plan.empty:
        return Cell("no changes", Tone.FAINT)
    text = plan_counts(plan.counts)
    destructive = plan.counts.get("destroy", 0) or plan.counts.get("replace", 0)
    return Cell(text or "changes", Tone.BAD if destructive else Tone.GOOD)


def reasons_words(reasons: Sequence[str]) -> str:
    """Stored reasons as people read them, alike ones together: `file-changed: main.tf; upstream-affected: db, eks`."""
    found: dict[str, list[str]] = {}
    for reason in reasons:
        code, _, detail = reason.partition(": ")
        found.setdefault(code, []).extend([detail] if detail else [])
    return "; ".join(f"{code}: {', '.join(details)}" if details else code for code, details in found.items())


def folded(text: str, *, first: str = "", rest: str = "  ") -> str:
    """Text without colours, folded where a terminal would cut a word; `first` and `rest` begin its lines."""
    columns = terminal_width()
    if columns is None or width_of(first) + width_of(text) <= columns:
        return first + text
    import textwrap  # noqa: PLC0415 (only a narrow terminal needs it)

    room = max(columns - max(width_of(first), width_of(rest)), 20)
    return first + f"\n{rest}".join(textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False))


def took(task: TaskView, now: float) -> str:
    """How long a task took, or has run until now."""
    if task.started_at is None:
        return ""
    return duration((task.finished_at or now) - task.started_at)


def when(at: float | None) -> str:
    """A time as people read it, in the local zone."""
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def iso(at: float | None) -> str | None:
    """A time as JSON has it, in UTC: `2026-11-27T09:30:02.114Z`."""
    if at is None:
        return None
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def commit_words(commit: str, *, dirty: bool) -> str:
    """A commit, and whether it holds uncommitted files."""
    return f"{commit[:SHORT]} with uncommitted files" if dirty else commit[:SHORT]


def deployment_cell(view: DeploymentView) -> Cell:
    """A deployment's state."""
    tones = {
        DeploymentState.SUCCEEDED: Tone.GOOD,
        DeploymentState.FAILED: Tone.BAD,
        DeploymentState.CANCELLED: Tone.WARN,
        DeploymentState.SUPERSEDED: Tone.WARN,
    }
    waiting = any(task.state is TaskState.NEEDS_APPROVAL for task in view.tasks)
    text = "waits for approval" if waiting and view.finished_at is None else view.state.value
    return Cell(text, tones.get(view.state, Tone.BUSY))
