"""What a definition may ask for: power comes from the default branch, whatever a pull request writes.

Runners, GitHub environments and secrets are taken as the default branch has them; an environment that is new there gets
its workflow's defaults. Source: what GitHub recommends against "pwn requests".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.decide.facts import Missing, Why
from planner.definition import Caution, Definitions, Environment, Variable, Workflow
from planner.variables import Effective, effective_variables

PLAN_ENVIRONMENT = "headwater-plan"
DEPLOY_ENVIRONMENT = "headwater-deploy"
DEFAULT_RUNNER = ("ubuntu-latest",)
_CAUTIONS = ("first_deploy", "downstream", "unseen_plans")


@dataclass(frozen=True, slots=True)
class Trusted:
    """An environment as the default branch has it; `environment` is None where that has none of this name."""

    workflow: Workflow | None
    environment: Environment | None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an attempt runs: the labels of its runner, and the GitHub environment that gives it an identity."""

    runs_on: tuple[str, ...]
    environment: str


def trusted_in(workflows: Sequence[Workflow], file: str, alias: str) -> Trusted:
    """The environment of that alias in these workflows of the default branch; its file may have been renamed since."""
    here = next((one for one in workflows if one.file == file), None)
    if here is not None:
        return Trusted(here, here.environment(alias))
    holders = [one for one in workflows if one.environment(alias) is not None]
    return Trusted(holders[0], holders[0].environment(alias)) if len(holders) == 1 else Trusted(None, None)


def placement(trusted: Trusted, *, mutates: bool) -> Placement:
    """Where an attempt of this environment runs."""
    environment = trusted.environment
    runs_on = environment.runs_on if environment and environment.runs_on else DEFAULT_RUNNER
    if not mutates:
        return Placement(runs_on, PLAN_ENVIRONMENT)
    return Placement(runs_on, (environment.github_environment if environment else None) or DEPLOY_ENVIRONMENT)


def asking(environment: Environment, trusted: Trusted) -> Environment:
    """With the approval that the default branch asks for: a pull request may ask for more, and not for less."""
    known = trusted.environment
    asks = environment.requires_approval or (known is not None and known.requires_approval)
    return environment if environment.requires_approval == asks else replace(environment, requires_approval=asks)


def careful(workflow: Workflow, trusted: Trusted) -> Workflow:
    """With each caution that the default branch asks for, likewise."""
    known = trusted.workflow
    if known is None:
        return workflow
    stricter = {
        name: Caution.APPROVE
        for name in _CAUTIONS
        if getattr(known, name) is Caution.APPROVE and getattr(workflow, name) is not Caution.APPROVE
    }
    return replace(workflow, **stricter) if stricter else workflow  # type: ignore[arg-type]


def without_new_power(
    effective: Sequence[Effective], trusted: Trusted
) -> tuple[tuple[Effective, ...], tuple[Missing, ...]]:
    """The variables with what the default branch lets them have, and the secrets that it does not name for them."""
    known = _known(trusted)
    kept: list[Effective] = []
    missing: list[Missing] = []
    for one in effective:
        variable, granted = one.variable, known.get(one.variable.name)
        if variable.from_secret is not None and (granted is None or granted.from_secret != variable.from_secret):
            missing.append(Missing(variable.name, variable.from_secret, Why.UNTRUSTED))
            continue
        may_plan = variable.plan and granted is not None and granted.plan
        kept.append(one if variable.plan == may_plan else replace(one, variable=replace(variable, plan=may_plan)))
    return tuple(kept), tuple(missing)


def _known(trusted: Trusted) -> Mapping[str, Variable]:
    if trusted.workflow is None:
        return {}
    if trusted.environment is None:
        return {one.name: one for one in trusted.workflow.variables}
    found = effective_variables(trusted.workflow, trusted.environment)
    return {one.variable.name: one.variable for one in found}


def changed_power(before: Definitions, after: Definitions) -> tuple[str, ...]:
    """What a change makes of who may do what, and where it runs: it holds once it is merged. One line each."""
    lines = []
    for name in ("deploy", "approve", "admin"):
        old, new = getattr(before.permissions, name), getattr(after.permissions, name)
        if old != new:
            lines.append(f"permissions.{name}: {', '.join(old)} → {', '.join(new)}")
    for name in ("approvals", "code_owners", "self_approval", "up_to_date", "checks"):
        old, new = getattr(before.requirements, name), getattr(after.requirements, name)
        if old != new:
            lines.append(f"requirements.{_camel(name)}: {_word(old)} → {_word(new)}")
    if before.repositories != after.repositories:
        lines.append(f"repositories: {_listed(before.repositories)} → {_listed(after.repositories)}")
    for workflow in after.workflows:
        lines += _less_careful(before, workflow)
        for environment in workflow.environments:
            lines += _changed_placement(
                trusted_in(before.workflows, workflow.file, environment.alias), workflow, environment
            )
    return tuple(lines)


def _less_careful(before: Definitions, workflow: Workflow) -> list[str]:
    known = Trusted(next((one for one in before.workflows if one.file == workflow.file), None), None)
    held = careful(workflow, known)
    lost = [name for name in _CAUTIONS if getattr(held, name) is not getattr(workflow, name)]
    return [f"{workflow.name}: {_camel(name)}: {Caution.APPROVE.value} → {Caution.APPLY.value}" for name in lost]


def _changed_placement(trusted: Trusted, workflow: Workflow, environment: Environment) -> list[str]:
    old, alias = trusted.environment, environment.alias
    lines = []
    if asking(environment, trusted) is not environment:
        lines.append(f"{alias}: requiresApproval true → false")
    before_runs, before_environment = (old.runs_on, old.github_environment) if old else ((), None)
    if environment.runs_on != before_runs:
        was, will = before_runs or DEFAULT_RUNNER, environment.runs_on or DEFAULT_RUNNER
        lines.append(f"{alias}: runsOn {_listed(was)} → {_listed(will)}")
    if environment.github_environment != before_environment:
        before, after = before_environment or DEPLOY_ENVIRONMENT, environment.github_environment or DEPLOY_ENVIRONMENT
        lines.append(f"{alias}: githubEnvironment {before} → {after}")
    effective = effective_variables(workflow, environment)
    kept, missing = without_new_power(effective, trusted)
    lines += [f"{alias}: the secret {one.source} for {one.name}" for one in missing]
    here = {one.variable.name for one in effective if one.variable.from_secret is not None}
    given = _known(trusted).values() if trusted.environment is not None else ()
    gone = [one for one in given if one.from_secret is not None and one.name not in here]
    lines += [f"{alias}: no longer the secret {one.from_secret} for {one.name}" for one in gone]
    plans = {one.variable.name for one in kept if one.variable.plan}
    lost = {one.name for one in missing}
    new = [one.variable.name for one in effective if one.variable.plan and one.variable.name not in plans | lost]
    return lines + [f"{alias}: plans are given {name}" for name in new]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values) or "none"
