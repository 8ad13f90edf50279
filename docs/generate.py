"""Writes the generated pages: `python -m docs.generate`. A test fails where one is not what the code says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from bot.decide.status import WorkflowStatus
from bot.decide.transitions import (
    DEPLOYMENT_TRANSITIONS,
    TRANSITIONS,
    DeploymentState,
    TaskState,
)
from docs.commands_page import commands_page

FOLDER = Path(__file__).parent

_STATES: Mapping[TaskState, str] = {
    TaskState.WAITING: "something that it needs, or an older deployment of its environment, is not finished",
    TaskState.READY: "it can start as soon as a job is free",
    TaskState.DISPATCHED: "an attempt is handed to the executor; no runner has claimed it yet",
    TaskState.RUNNING: "a runner has claimed the attempt and beats",
    TaskState.LOST: "the runner went silent; the tool may still be at work, so nothing else starts",
    TaskState.NEEDS_APPROVAL: "a person must approve or reject the plan that it waits with",
    TaskState.SUCCEEDED: "done, or there was nothing to do",
    TaskState.FAILED: "the tool failed, could not be started, or ended without a word",
    TaskState.TIMED_OUT: "the tool took longer than `timeout` and was stopped",
    TaskState.CANCELLED: "stopped or rejected by a person, or superseded by a newer deployment",
    TaskState.BLOCKED: (
        "something that it needs did not succeed, or another pull request holds its environment; it never started"
    ),
    TaskState.SKIPPED: "a plan that can only be made later, or an adoption that found changes",
}

_STATUSES: Sequence[tuple[WorkflowStatus, str]] = (
    (WorkflowStatus.DESTROYING, "a destroy of one of its environments is unfinished"),
    (WorkflowStatus.DEPLOYING, "a deploy of one of its environments is unfinished"),
    (
        WorkflowStatus.FAILED,
        "an environment's last deploy or destroy failed, timed out, or was cancelled after it had started; what was "
        "left half done stays so until something succeeds there",
    ),
    (WorkflowStatus.INACTIVE, "none of its environments is deployed"),
    (
        WorkflowStatus.ACTIVE,
        "else; where some are not deployed that stands beside it: `Active (partial) · 5 of 6 deployed`",
    ),
)

_INTRODUCTION = """\
<!-- Written by `make docs` from bot/decide/transitions.py: do not edit. -->
# States

A *deployment* is one run of an action over some environments of one workflow at one commit; a *task* is one
environment within it. The store refuses every move that is not on this page. See how one stands, and what would move
it on, with `headwater explain ALIAS`.
"""


def states_page() -> str:
    """The page of all states and moves."""
    return "\n".join(
        [
            _INTRODUCTION,
            "## A task",
            "",
            _mermaid((row.before, row.after) for row in TRANSITIONS),
            "",
            "An environment is skipped as *disabled* before there is a task: the order passes through it.",
            "",
            _table(("State", "Means"), [(f"**{state.value}**", _STATES[state]) for state in TaskState]),
            "",
            "### Every move of a task",
            "",
            _table(
                ("From", "To", "Code", "When"),
                [(row.before.value, row.after.value, f"`{row.code.value}`", row.meaning) for row in TRANSITIONS],
            ),
            "",
            "## A deployment",
            "",
            _mermaid((row.before, row.after) for row in DEPLOYMENT_TRANSITIONS),
            "",
            _table(
                ("From", "To", "When"),
                [(row.before.value, row.after.value, row.meaning) for row in DEPLOYMENT_TRANSITIONS],
            ),
            "",
            "## A workflow",
            "",
            "Its status comes from its environments alone; the first rule that fits. Plans never change it.",
            "",
            _table(("Status", "When"), [(f"**{status.value}**", when) for status, when in _STATUSES]),
            "",
        ]
    )


def _mermaid(moves: Iterable[tuple[TaskState | DeploymentState, TaskState | DeploymentState]]) -> str:
    """A state diagram: one arrow for each pair of states, however many reasons there are to go there."""
    arrows = list(dict.fromkeys(moves))
    states = dict.fromkeys(state for arrow in arrows for state in arrow)
    first = arrows[0][0]
    ends = [state for state in states if not any(before is state for before, _ in arrows)]
    lines = [
        "stateDiagram-v2",
        *(f'state "{state.value}" as {_name(state)}' for state in states),
        f"[*] --> {_name(first)}",
        *(f"{_name(before)} --> {_name(after)}" for before, after in arrows),
        *(f"{_name(state)} --> [*]" for state in ends),
    ]
    return "\n".join(["```mermaid", lines[0], *(f"    {line}" for line in lines[1:]), "```"])


def _name(state: TaskState | DeploymentState) -> str:
    return state.value.replace(" ", "_")


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PAGES: Mapping[str, Callable[[], str]] = {"states.md": states_page, "commands.md": commands_page}


def main() -> None:
    """Write every generated page anew."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
