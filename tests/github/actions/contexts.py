"""What expressions of a run, a job and a step can see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.github.actions.expressions import filled, written
from tests.github.shapes.accounts import api
from tests.github.world.repository import Repository
from tests.github.world.world import World

if TYPE_CHECKING:
    from tests.github.actions.runs import Job, Run

Context = dict[str, Any]


def deep(found: Any, context: Mapping[str, Any]) -> Any:
    """A value with all expressions within it filled in."""
    if isinstance(found, str):
        return filled(found, context)
    if isinstance(found, Mapping):
        return {name: deep(one, context) for name, one in found.items()}
    return [deep(one, context) for one in found] if isinstance(found, list) else found


def texts(found: Any, context: Mapping[str, Any]) -> dict[str, str]:
    """An `env` or `with`: names to texts."""
    given = deep(found, context) or {}
    return {str(name): written(one) for name, one in given.items()}


def of_github(world: World, where: Repository, run: Run, job: Job | None = None, token: str = "") -> Context:
    """The `github` context."""
    pull = where.pulls.get(run.pull or 0)
    return {
        "action": "",
        "actor": run.actor.login,
        "actor_id": str(run.actor.id),
        "api_url": api(world),
        "base_ref": pull.base_branch if pull else "",
        "event": run.payload,
        "event_name": run.event,
        "graphql_url": f"{world.url}/api/graphql",
        "head_ref": pull.head_branch if pull else "",
        "job": job.key if job else None,
        "ref": run.ref,
        "ref_name": run.ref.split("/", 2)[2],
        "ref_protected": (run.head_branch or "") in where.protections,
        "ref_type": "tag" if run.ref.startswith("refs/tags/") else "branch",
        "repository": where.full_name,
        "repository_id": str(where.id),
        "repository_owner": where.owner.login,
        "repository_owner_id": str(where.owner.id),
        "run_attempt": str(run.attempt),
        "run_id": str(run.id),
        "run_number": str(run.number),
        "server_url": world.url,
        "sha": run.head_sha,
        "token": token,
        "triggering_actor": run.actor.login,
        "workflow": run.workflow.name,
        "workflow_ref": f"{where.full_name}/{run.workflow.path}@{run.ref}",
        "workflow_sha": run.head_sha,
    }


def of_run(world: World, where: Repository, run: Run) -> Context:
    """What run-name and the run's concurrency group see."""
    return {"github": of_github(world, where, run), "inputs": run.inputs, "vars": where.variables}


def of_job(world: World, where: Repository, run: Run, key: str, leg: Mapping[str, Any] | None = None) -> Context:
    """What a job's own keys see: its needs, its leg, and what came of all that it stands on."""
    assert run.definition is not None
    definition = run.definition.jobs[key]
    above = {result for name in ancestors(run, key) for result in [result_of(run, name)]}
    needs = {name: {"result": result_of(run, name), "outputs": outputs_of(run, name)} for name in definition.needs}
    return {
        **of_run(world, where, run),
        "needs": needs,
        "matrix": dict(leg or {}),
        "strategy": {},
        "cancelled": run.cancelled,
        "failed": "failure" in above,
        "skipped": bool(above - {"success"}),
    }


def ancestors(run: Run, key: str) -> set[str]:
    """All jobs that a job stands on, direct or not."""
    assert run.definition is not None
    found: set[str] = set()
    left = list(run.definition.jobs[key].needs)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += run.definition.jobs[one].needs
    return found


def result_of(run: Run, key: str) -> str | None:
    """What came of a job with all its legs, or None while it is not known."""
    if key in run.skipped:
        return "skipped"
    legs = [one for one in run.current() if one.key == key]
    if key not in run.expanded or not legs or not all(one.done for one in legs):
        return None
    found = {"success" if one.tolerated else one.conclusion for one in legs}
    return next((one for one in ("failure", "cancelled", "success", "skipped") if one in found), "failure")


def outputs_of(run: Run, key: str) -> dict[str, str]:
    """The outputs of a job; of a matrix the last leg to end wins, as on GitHub."""
    found: dict[str, str] = {}
    for one in sorted(
        (one for one in run.current() if one.key == key and one.completed_at), key=lambda one: one.completed_at
    ):
        found.update({name: text for name, text in one.outputs.items() if text})
    return found
