"""The kinds of work, and who does each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.server import Server
from bot.working import (
    commanding,
    delivering,
    dispatching,
    permitting,
    publishing,
    pulling,
    pushing,
    running,
    sweeping,
)

KINDS: Mapping[str, Callable[[Server, str], float | None]] = {
    "delivery": delivering.work_on,
    "pull": pulling.bring_up_to_date,
    "commands": commanding.carry_out,
    "push": pushing.deploy,
    "publish": publishing.publish,
    "dispatch": dispatching.dispatch,
    "runs": running.look_after,
    "sweep": sweeping.sweep,
    permitting.KIND: permitting.judge,
}
"""Each takes the server and the key; gives None when the work is done, else seconds until it is to be done again."""


def subject_of(kind: str, key: str) -> str:
    """What work is about: two pieces about one thing are not done at once."""
    if kind == "delivery":
        return kind  # those that wait are worked on together
    return f"pull:{key}" if kind in ("pull", "commands") else f"{kind}:{key}"
