"""A job's `environment`: who must approve, which branches may, and the deployment that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.github.actions import contexts
from tests.github.actions.expressions import truth, written
from tests.github.actions.runs import Job, Run
from tests.github.actions.triggers import matches
from tests.github.world.deployments import Deployment, DeploymentStatus, Environment
from tests.github.world.people import Account
from tests.github.world.refusal import Refusal
from tests.github.world.repository import Repository

if TYPE_CHECKING:
    from tests.github.actions.engine import Actions


class Rejected(Exception):  # noqa: N818 a decision, not a failure
    """The environment does not let this job in."""


def _given(actions: Actions, where: Repository, job: Job) -> dict[str, Any]:
    context = contexts.of_job(actions.github.world, where, job.run, job.key, job.matrix)
    found = job.definition.data.get("environment")
    found = {"name": found} if isinstance(found, str) else dict(found or {})
    found.pop("url", None)  # may speak of steps, which have not run yet
    return contexts.deep(found, context)


def environment(actions: Actions, where: Repository, job: Job) -> Environment | None:
    """The environment that a job names, made when new; None for none (an empty name too)."""
    name = written(_given(actions, where, job).get("name"))
    if not name:
        return None
    world = actions.github.world
    made = where.environments.setdefault(name.lower(), Environment(world.next_id(), name, world.clock.now()))
    job.environment = made.name
    return made


def admitted(actions: Actions, where: Repository, run: Run, job: Job) -> bool:
    """Whether the job may use its environment now. Raises Rejected where its branch never may."""
    found = environment(actions, where, job)
    if found is None:
        return True
    branch = run.head_branch or ""
    if found.branches is not None and not (run.ref.startswith("refs/heads/") and matches(branch, found.branches)):
        raise Rejected(
            f'Branch "{branch or run.ref}" is not allowed to deploy to {found.name} due to environment protection rules.'
        )
    if found.reviewers and not job.approved:
        if job.status != "waiting":
            job.status = job.check.status = "waiting"
            actions.github.world.emit("workflow_job", run.actor, where, "waiting", job=job)
        return False
    return True


def reviewed(
    actions: Actions, where: Repository, run: Run, environments: set[int], by: Account, *, approve: bool
) -> list[Job]:
    """Approve or reject jobs that wait. Raises Refusal 422 for one who may not."""
    names = {one.name: one for one in where.environments.values() if one.id in environments}
    found = [one for one in run.current() if one.status == "waiting" and one.environment in names]
    for job in found:
        rule = names[job.environment or ""]
        if by not in rule.reviewers or (rule.prevent_self_review and by is run.actor):
            raise Refusal(422, f"{by.login} may not review deployments to {rule.name}")
    for job in found:
        if approve:
            job.approved, job.status, job.check.status = True, "queued", "queued"
        else:
            job.conclusion = "failure"
            actions.conclude(where, job)
    actions.github.world.changed.notify_all()
    return found


def started(actions: Actions, where: Repository, job: Job) -> None:
    """Make the deployment of a job that has an environment, unless it says `deployment: false`."""
    given = _given(actions, where, job)
    if not job.environment or not truth(given.get("deployment", True)) or given.get("deployment") == "false":
        return
    world = actions.github.world
    job.deployment = Deployment(
        world.next_id(), job.run.head_sha, job.run.head_branch or job.run.ref, job.environment, world.actions_bot,
        world.clock.now(), job=job.id,
    )  # fmt: skip
    where.deployments[job.deployment.id] = job.deployment
    world.emit("deployment", world.actions_bot, where, "created", deployment=job.deployment)
    _status(actions, where, job, "in_progress")


def ended(actions: Actions, where: Repository, job: Job) -> None:
    """Tell the deployment how its job ended."""
    if job.deployment is None:
        return
    state = {"success": "success", "failure": "failure", "cancelled": "error"}.get(job.conclusion or "", "inactive")
    _status(actions, where, job, state)
    if state == "success":
        for one in where.deployments.values():
            if (
                one is not job.deployment
                and one.environment == job.environment
                and one.statuses[-1:]
                and one.statuses[-1].state == "success"
            ):
                made = DeploymentStatus(
                    actions.github.world.next_id(),
                    "inactive",
                    actions.github.world.actions_bot,
                    actions.github.world.clock.now(),
                )
                one.statuses.append(made)


def _status(actions: Actions, where: Repository, job: Job, state: str) -> None:
    world, on = actions.github.world, job.deployment
    assert on is not None
    log = f"{world.url}/{where.full_name}/actions/runs/{job.run.id}/job/{job.id}"
    made = DeploymentStatus(world.next_id(), state, world.actions_bot, world.clock.now(), log_url=log)
    on.statuses.append(made)
    world.emit("deployment_status", world.actions_bot, where, "created", deployment=on, status=made)
