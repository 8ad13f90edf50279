"""What the plans of a request came to, and what of it may be deployed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.decide.transitions import Code, TaskState
from bot.preparing.situation import Prepared
from bot.store.views import DeploymentView, TaskView
from bot.submit import Planned


@dataclass(frozen=True, slots=True)
class Review:
    """One workflow's plans: what was asked, how it looks, and what may be applied."""

    prepared: Prepared
    view: DeploymentView
    planned: dict[int, Planned] = field(default_factory=dict)

    @property
    def failed(self) -> list[TaskView]:
        """The plans that failed."""
        bad = (TaskState.FAILED, TaskState.TIMED_OUT)
        return [task for task in self.view.tasks if task.state in bad]

    @property
    def changing(self) -> list[TaskView]:
        """The plans with changes, and those that are not known before the deploy."""
        return [task for task in self.view.tasks if _changes(task)]

    @property
    def stopped(self) -> bool:
        """Whether planning was cancelled."""
        return any(task.state is TaskState.CANCELLED for task in self.view.tasks)


def _changes(task: TaskView) -> bool:
    if task.state is TaskState.SKIPPED:
        return True
    return task.state is TaskState.SUCCEEDED and task.plan is not None and not task.plan.empty


def no_changes(reviews: Sequence[Review]) -> bool:
    """Whether nothing at all would be done."""
    return not any(one.changing or one.failed for one in reviews)


def hopeless(one: Review) -> list[TaskView]:
    """The failed plans that nothing in this deployment could mend: no upstream of theirs changes."""
    graph, changing = one.prepared.graph, {task.alias for task in one.changing}
    return [
        task for task in one.failed if task.alias not in graph.needs or not graph.ancestors([task.alias]) & changing
    ]


def awaited(one: Review) -> dict[int, Planned]:
    """What may be applied: the plans that were shown; a failed one whose upstream changes is planned in its turn."""
    failed = {task.environment for task in one.failed}
    return {
        environment: Planned(None, awaited=True, code=Code.AFTER_UPSTREAM) if environment in failed else planned
        for environment, planned in one.planned.items()
    }
