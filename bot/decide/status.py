"""The status of a workflow and the state of its environments, as people see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.decide.facts import TaskAction
from bot.decide.transitions import FINISHED, TaskState


class WorkflowStatus(StrEnum):
    """The five statuses of a workflow."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    DEPLOYING = "Deploy in progress"
    DESTROYING = "Destroy in progress"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What is known of one environment: is it deployed, and how stands its latest deploy or destroy.

    `started`: whether that one had touched the environment before it ended. `unfinished`: one that did start, this or
    an earlier one, left it half done, and none has succeeded since.
    """

    deployed: bool = False
    action: TaskAction | None = None
    state: TaskState | None = None
    started: bool = False
    unfinished: bool = False

    @property
    def under_way(self) -> bool:
        """Whether its latest deploy or destroy has not ended: it waits, is at work, or is lost."""
        return self.state is not None and self.state not in FINISHED


@dataclass(frozen=True, slots=True)
class Summary:
    """A workflow in one line."""

    status: WorkflowStatus
    deployed: int
    of: int

    @property
    def partial(self) -> bool:
        """Active, but not all of it."""
        return self.status is WorkflowStatus.ACTIVE and self.deployed < self.of

    def __str__(self) -> str:
        return f"Active (partial) · {self.deployed} of {self.of} deployed" if self.partial else self.status.value


_BROKEN = (TaskState.FAILED, TaskState.TIMED_OUT)


def workflow_status(environments: Iterable[EnvironmentFacts]) -> Summary:
    """The first rule that fits: destroying, deploying, failed, nothing deployed, else active. Plans never count."""
    all_of_them = tuple(environments)
    deployed = sum(one.deployed for one in all_of_them)
    return Summary(_status(all_of_them, deployed), deployed, len(all_of_them))


def _status(environments: tuple[EnvironmentFacts, ...], deployed: int) -> WorkflowStatus:
    at_work = {one.action for one in environments if one.under_way}
    if TaskAction.DESTROY in at_work:
        return WorkflowStatus.DESTROYING
    if TaskAction.DEPLOY in at_work:
        return WorkflowStatus.DEPLOYING
    if any(_failed(one) for one in environments):
        return WorkflowStatus.FAILED
    return WorkflowStatus.ACTIVE if deployed else WorkflowStatus.INACTIVE


def _failed(environment: EnvironmentFacts) -> bool:
    cut_off = environment.state is TaskState.CANCELLED and environment.started
    return environment.unfinished or cut_off or environment.state in _BROKEN


def environment_state(environment: EnvironmentFacts) -> str:
    """One word for an environment: its unfinished or unlucky latest deploy or destroy, else what it is."""
    state = environment.state
    if environment.under_way and state not in (TaskState.LOST, TaskState.NEEDS_APPROVAL):
        return "in progress"
    if state is TaskState.CANCELLED and environment.deployed and not environment.started:
        return "deployed"  # as before: nothing came of it
    if state in (TaskState.LOST, TaskState.NEEDS_APPROVAL, TaskState.BLOCKED, TaskState.CANCELLED):
        return state.value
    if state in _BROKEN:
        return "failed"
    if environment.deployed:
        return "deployed"
    return "destroyed" if environment.action is TaskAction.DESTROY else "not deployed"
