"""What the state of a task means, in the words of the transition table."""

from __future__ import annotations

from bot.decide.transitions import ACTIVE, TRANSITIONS, Code, TaskState


def meaning(state: TaskState, code: Code, *, begun: bool) -> str:
    """What it means that a task is in this state for this reason; `begun`: whether its tool was ever started."""
    if state is TaskState.WAITING:
        return "its turn has not come"
    if code is Code.CANNOT_START:
        return "it never began"
    found = [row for row in TRANSITIONS if (row.after, row.code) == (state, code)]
    fitting = [row for row in found if (row.before in ACTIVE) == begun]  # a tool may have run before, and waits again
    return next((row.meaning for row in (*fitting, *found)), code.value)
