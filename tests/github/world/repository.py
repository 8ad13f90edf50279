"""A repository and all that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tests.github.world.checks import CheckRun, CheckSuite, Status
from tests.github.world.deployments import Deployment, Environment
from tests.github.world.git_store import GitStore
from tests.github.world.people import Account
from tests.github.world.pulls import Pull
from tests.github.world.talk import Comment, CommitComment

if TYPE_CHECKING:
    from tests.github.actions.runs import Artifact, Run, WorkflowFile


@dataclass
class Protection:
    """What a branch demands before a pull request may be merged into it."""

    required_checks: tuple[str, ...] = ()
    strict: bool = False
    approvals: int = 0
    code_owners: bool = False
    dismiss_stale: bool = False
    enforce_admins: bool = False


@dataclass(frozen=True)
class Activity:
    """A branch that somebody moved, as the list of a repository's activities tells it."""

    id: int
    ref: str
    before: str
    after: str
    kind: str
    actor: Account
    at: datetime


@dataclass(eq=False)
class Repository:
    """One repository. `collaborators` maps logins to roles; `parent` is what it was forked from."""

    id: int
    owner: Account
    name: str
    git: GitStore
    created_at: datetime
    default_branch: str = "main"
    private: bool = True
    archived: bool = False
    parent: Repository | None = None
    collaborators: dict[str, str] = field(default_factory=dict)
    protections: dict[str, Protection] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    commit_comments: dict[int, CommitComment] = field(default_factory=dict)
    check_suites: dict[int, CheckSuite] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    environments: dict[str, Environment] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    workflows: dict[str, WorkflowFile] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    artifacts: dict[int, Artifact] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    last_number: int = 0
    pushed_at: datetime | None = None

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    def next_number(self) -> int:
        """The next number of a pull request."""
        self.last_number += 1
        return self.last_number
