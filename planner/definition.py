"""What a workflow file says, as frozen values. The words are those of docs/workflow-file.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from planner.problems import Place

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Tool(StrEnum):
    """The tools that a workflow file may name (`vcs.type`)."""

    TERRAFORM = "terraform"
    OPENTOFU = "opentofu"
    SCRIPT = "script"
    TERRAGRUNT = "terragrunt"
    PULUMI = "pulumi"
    K8S = "k8s"
    CLOUDFORMATION = "cloudformation"
    HELM = "helm"
    ANSIBLE = "ansible"


DEPLOYABLE_TOOLS = (Tool.TERRAFORM, Tool.OPENTOFU, Tool.SCRIPT)


class Removal(StrEnum):
    """What happens to an environment that was taken out of its file (`settings.environmentRemovalStrategy`)."""

    DETACH = "detach"
    DESTROY = "destroy"


class Caution(StrEnum):
    """Whether a difference that nobody reviewed goes on (`apply`) or waits for approval (`approve`)."""

    APPLY = "apply"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True)
class OutputReference:
    """`${environments.ALIAS.outputs.NAME}`: the value of another environment's output."""

    alias: str
    output: str


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as the file has it.

    `value` is any JSON value; text in it may hold `${environments.A.outputs.B}` (listed in `references`).
    `from_secret` names a secret that gives the value instead. `plan` lets a sensitive value reach plans.
    """

    name: str
    place: Place = field(compare=False)
    value: Json = None
    sensitive: bool = False
    from_secret: str | None = None
    plan: bool = False
    references: tuple[OutputReference, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """Commands (argv or one shell line, as written) around a step of the tool, for example before `plan`."""

    step: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """One IaC stack of a workflow.

    Texts that may hold `${VAR}` (`name`, `workspace`, `revision`, `disabled`) are kept as written here;
    `planner.variables.resolve` gives the environment with all of them filled in. `needs` holds the aliases as
    their own definitions spell them, in file order, without doubles, with those that output references imply.
    """

    alias: str
    slug: str
    place: Place = field(compare=False)
    name: str = ""
    tool: Tool = Tool.TERRAFORM
    path: str = ""  # "" is the root of the repository
    repository: str | None = None  # None: this repository
    revision: str | None = None
    version: str | None = None  # of the tool
    workspace: str | None = None
    needs: tuple[str, ...] = ()
    requires_approval: bool = False
    disabled: bool | str = False
    variables: tuple[Variable, ...] = ()
    watch: tuple[str, ...] = ()
    timeout: float | None = None  # seconds
    runs_on: tuple[str, ...] = ()
    github_environment: str | None = None
    moved_from: str | None = None
    ignore_differences: tuple[str, ...] = ()
    steps: tuple[Steps, ...] = ()
    template: str | None = None  # the templateName, if it came from one

    @property
    def key(self) -> str:
        """The alias as it is compared: without regard to case."""
        return self.alias.casefold()


@dataclass(frozen=True, slots=True)
class Triggers:
    """When a workflow is deployed by itself. `branches` empty: the default branch."""

    branches: tuple[str, ...] = ()
    deploy_on_merge: bool = False


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow file. `variables` reach every environment; an environment's own win."""

    file: str
    name: str
    environments: tuple[Environment, ...] = ()
    variables: tuple[Variable, ...] = ()
    removal: Removal = Removal.DETACH
    triggers: Triggers = Triggers()
    drift_schedule: str | None = None
    first_deploy: Caution = Caution.APPLY
    downstream: Caution = Caution.APPLY
    unseen_plans: Caution = Caution.APPROVE
    _by_key: dict[str, Environment] | None = field(default=None, init=False, repr=False, compare=False)

    def environment(self, alias: str) -> Environment | None:
        """The environment of that alias, without regard to case."""
        known = self._by_key
        if known is None:
            known = {one.key: one for one in reversed(self.environments)}  # the first of doubles, which are told
            object.__setattr__(self, "_by_key", known)
        return known.get(alias.casefold())


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a deploy from a pull request takes (root file, default branch)."""

    approvals: int = 0
    code_owners: bool = False
    self_approval: bool = False
    up_to_date: str = "environment"
    checks: str = "required"


@dataclass(frozen=True, slots=True)
class Permissions:
    """Who may deploy, approve and administer: GitHub permission names or `@org/team`."""

    deploy: tuple[str, ...] = ("write",)
    approve: tuple[str, ...] = ("write",)
    admin: tuple[str, ...] = ("admin",)


@dataclass(frozen=True, slots=True)
class Definitions:
    """All workflow files of a repository at one commit (or in the work tree), with what the root file shares."""

    workflows: tuple[Workflow, ...] = ()
    permissions: Permissions = Permissions()
    requirements: Requirements = Requirements()
    repositories: tuple[str, ...] = ()
