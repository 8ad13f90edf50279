"""Environments, and what was deployed to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.github.world.people import Account

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


@dataclass(eq=False)
class Environment:
    """An environment: who must review a job before it may use it, and its secrets and variables.

    `branches` are the only branches whose jobs may use it (None: all).
    """

    id: int
    name: str
    created_at: datetime
    reviewers: tuple[Account, ...] = ()
    prevent_self_review: bool = False
    branches: tuple[str, ...] | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class DeploymentStatus:
    """One step in a deployment's life."""

    id: int
    state: str
    creator: Account
    created_at: datetime
    description: str = ""
    environment_url: str = ""
    log_url: str = ""


@dataclass(eq=False)
class Deployment:
    """A deployment of a commit to an environment."""

    id: int
    sha: str
    ref: str
    environment: str
    creator: Account
    created_at: datetime
    task: str = "deploy"
    description: str | None = None
    payload: Any = field(default_factory=dict)
    statuses: list[DeploymentStatus] = field(default_factory=list)
    job: int | None = None
