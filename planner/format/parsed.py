"""What one workflow file says, as plain frozen values, before the files are joined.

Apart from the code that reads YAML, so that what was parsed before can be used without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.definition import Caution, Environment, Permissions, Removal, Requirements, Tool, Variable
from planner.problems import Place, Problem

ROOT_FILES = ("headwater.yml", "headwater.yaml")
"""The files that hold what all workflows of the repository share; the first that is there counts."""


@dataclass(frozen=True, slots=True)
class Code:
    """Where code is and what deploys it, as a `vcs` or a template says. `at` is the place of its path."""

    tool: Tool
    at: Place
    path: str = ""
    repository: str | None = None
    repository_at: Place | None = None
    revision: str | None = None
    version: str | None = None
    is_helm_repository: bool = False
    is_usable: bool = True  # false: its path or type is told to be wrong


@dataclass(frozen=True, slots=True)
class DeclaredEnvironment:
    """An environment, complete but for its code: that is in `code`, or in the template that it names at `at`.

    Without `code` and template nothing usable is said of it, and a problem tells so.
    """

    environment: Environment
    at: Place
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What one file says. Plain frozen values only, so that it can be kept by blob id and path."""

    path: str
    name_at: Place
    problems: tuple[Problem, ...] = ()
    is_workflow: bool = False
    name: str | None = None
    environments: tuple[DeclaredEnvironment, ...] = ()
    templates: tuple[tuple[str, Code], ...] = ()
    variables: tuple[Variable, ...] = ()
    removal: Removal = Removal.DETACH
    branches: tuple[str, ...] | None = None
    deploy_on_merge: bool | None = None
    drift_schedule: str | None = None
    first_deploy: Caution = Caution.APPLY
    downstream: Caution = Caution.APPLY
    unseen_plans: Caution = Caution.APPROVE
    permissions: Permissions = field(default_factory=Permissions)
    requirements: Requirements = field(default_factory=Requirements)
    repositories: tuple[str, ...] = ()
