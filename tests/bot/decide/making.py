"""Facts with sensible defaults: a test says only what it is about."""

from __future__ import annotations

from typing import Any

from bot.decide.facts import AttemptFacts, Facts, TaskAction, TaskFacts, Upstream
from bot.decide.transitions import FINISHED, TaskState


def a_task(state: TaskState, **values: Any) -> TaskFacts:
    """A deploy of `app`."""
    return TaskFacts(**{"id": 7, "alias": "app", "action": TaskAction.DEPLOY, "state": state, **values})


def an_attempt(**values: Any) -> AttemptFacts:
    """An attempt that nothing is known of yet."""
    return AttemptFacts(**{"id": "a1", **values})


def upstream(state: TaskState, **values: Any) -> Upstream:
    """The one that `app` needs."""
    return Upstream(**{"alias": "db", "state": state, **values})


def facts_of(*tasks: TaskFacts, **values: Any) -> Facts:
    """A deployment of these tasks alone."""
    ready = tuple(task for task in tasks if task.state is TaskState.READY)
    unfinished = sum(task.state not in FINISHED for task in tasks)
    return Facts(**{"deployment": 3, "tasks": tasks, "ready": ready, "unfinished": unfinished, **values})
