"""Runs, jobs and steps: what is remembered of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.github.world.checks import CheckRun, CheckSuite
from tests.github.world.deployments import Deployment
from tests.github.world.people import Account

if TYPE_CHECKING:
    from tests.github.actions.definition import JobDefinition, WorkflowDefinition


@dataclass(eq=False)
class WorkflowFile:
    """A workflow file as GitHub registers it; `state` is active or disabled_manually."""

    id: int
    path: str
    name: str
    created_at: datetime
    state: str = "active"
    runs: int = 0


@dataclass(eq=False)
class Step:
    """One step of a job."""

    name: str
    number: int
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(eq=False)
class Job:
    """One job of one attempt of a run; a matrix job is one for each leg. Its id is also that of its check run."""

    id: int
    run: Run
    attempt: int
    key: str
    name: str
    definition: JobDefinition
    created_at: datetime
    check: CheckRun
    matrix: dict[str, Any] = field(default_factory=dict)
    legs: int = 1
    leg: int = 0
    labels: list[str] = field(default_factory=list)
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    summary: str = ""
    environment: str | None = None
    deployment: Deployment | None = None
    group: str | None = None
    approved: bool = False
    tolerated: bool = False
    stopping: bool = False
    due: float = 0.0

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.status == "completed"


@dataclass(eq=False)
class Run:
    """One run of a workflow, all its attempts."""

    id: int
    workflow: WorkflowFile
    definition: WorkflowDefinition | None
    number: int
    event: str
    head_sha: str
    head_branch: str | None
    ref: str
    actor: Account
    title: str
    suite: CheckSuite
    payload: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    inputs: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    jobs: list[Job] = field(default_factory=list)
    group: str | None = None
    cancelled: bool = False
    forced: bool = False
    stuck: bool = False
    pull: int | None = None
    problem: str | None = None
    announced: bool = False
    expanded: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)

    def current(self) -> list[Job]:
        """The jobs of the newest attempt."""
        return [one for one in self.jobs if one.attempt == self.attempt]

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.status == "completed"


@dataclass(eq=False)
class Artifact:
    """What a job uploaded, as a zip."""

    id: int
    name: str
    run: int
    data: bytes
    digest: str
    created_at: datetime
    expires_at: datetime
