"""Environments and deployments."""

from __future__ import annotations

from typing import Any

from tests.github.server.routes_repos import resolved
from tests.github.server.routing import Answer, Call, Page, route
from tests.github.shapes import checks as shapes
from tests.github.world.deployments import STATES, Deployment, DeploymentStatus, Environment
from tests.github.world.protection import check_results
from tests.github.world.refusal import Refusal, invalid, not_found
from tests.github.world.repository import Repository

BASE = "/repos/<owner>/<repo>/deployments"


@route("GET", "/repos/<owner>/<repo>/environments", needs="actions:read")
def list_environments(call: Call, where: Repository) -> Any:
    """All environments."""
    found = list(where.environments.values())
    return Answer(body=Page(found, lambda one: shapes.environment(call.world, where, one), "environments"))


@route("GET", "/repos/<owner>/<repo>/environments/<path:name>", needs="actions:read")
def show_environment(call: Call, where: Repository, name: str) -> Any:
    """One environment."""
    if name.lower() not in where.environments:
        raise not_found()
    return shapes.environment(call.world, where, where.environments[name.lower()])


@route("PUT", "/repos/<owner>/<repo>/environments/<path:name>", needs="administration:write", role="admin")
def put_environment(call: Call, where: Repository, name: str) -> Any:
    """Make an environment, or set who must review."""
    made = Environment(call.world.next_id(), name, call.world.clock.now())
    one = where.environments.setdefault(name.lower(), made)
    people = {account.id: account for account in call.world.accounts.values()}
    asked = call.body.get("reviewers") or []
    if any(each.get("type") != "User" or each.get("id") not in people for each in asked):
        raise invalid("Environment", "reviewers")
    one.reviewers = tuple(people[each["id"]] for each in asked)
    one.prevent_self_review = bool(call.body.get("prevent_self_review"))
    return shapes.environment(call.world, where, one)


@route("DELETE", "/repos/<owner>/<repo>/environments/<path:name>", needs="administration:write", role="admin")
def delete_environment(call: Call, where: Repository, name: str) -> Any:
    """Take an environment away."""
    if where.environments.pop(name.lower(), None) is None:
        raise not_found()
    return Answer(204)


def _deployment(where: Repository, number: int) -> Deployment:
    found = where.deployments.get(number)
    if found is None:
        raise not_found()
    return found


@route("POST", BASE, needs="deployments:write", content=True)
def create(call: Call, where: Repository) -> Any:
    """Make a deployment; 409 where required contexts are not green."""
    body = call.body
    if not isinstance(body.get("ref"), str):
        raise invalid("Deployment", "ref", "missing_field")
    sha, ref = resolved(where, body["ref"]), body["ref"]
    results = check_results(where, sha)
    wanted = body.get("required_contexts")
    failing = [name for name in (results if wanted is None else wanted) if results.get(name) != "good"]
    if failing:
        error = {"contexts": [], "resource": "Deployment", "field": "required_contexts", "code": "invalid"}
        raise Refusal(409, "Conflict: Commit status checks failed for " + ref, [error])
    made = Deployment(
        call.world.next_id(), sha, ref, body.get("environment") or "production", call.user, call.world.clock.now(),
        body.get("task") or "deploy", body.get("description"), body.get("payload") or {},
    )  # fmt: skip
    where.deployments[made.id] = made
    key = made.environment.lower()
    where.environments.setdefault(key, Environment(call.world.next_id(), made.environment, call.world.clock.now()))
    call.world.emit("deployment", call.user, where, "created", deployment=made)
    return Answer(201, shapes.deployment(call.world, where, made))


@route("GET", BASE, needs="deployments:read")
def list_deployments(call: Call, where: Repository) -> Any:
    """Deployments, newest first, by sha, ref, task, environment."""
    found = list(reversed(where.deployments.values()))
    for name in ("sha", "ref", "task", "environment"):
        if call.query(name):
            found = [one for one in found if getattr(one, name) == call.query(name)]
    return Answer(body=Page(found, lambda one: shapes.deployment(call.world, where, one)))


@route("GET", f"{BASE}/<int:number>", needs="deployments:read")
def show(call: Call, where: Repository, number: int) -> Any:
    """One deployment."""
    return shapes.deployment(call.world, where, _deployment(where, number))


@route("GET", f"{BASE}/<int:number>/statuses", needs="deployments:read")
def statuses(call: Call, where: Repository, number: int) -> Any:
    """Its statuses, newest first."""
    one = _deployment(where, number)
    found = list(reversed(one.statuses))
    return Answer(body=Page(found, lambda each: shapes.deployment_status(call.world, where, one, each)))


@route("POST", f"{BASE}/<int:number>/statuses", needs="deployments:write", content=True)
def create_status(call: Call, where: Repository, number: int) -> Any:
    """Tell how it goes."""
    one, body = _deployment(where, number), call.body
    if body.get("state") not in STATES:
        raise invalid("DeploymentStatus", "state", "custom", "state is not included in the list")
    made = DeploymentStatus(
        call.world.next_id(), body["state"], call.user, call.world.clock.now(), body.get("description") or "",
        body.get("environment_url") or "", body.get("log_url") or body.get("target_url") or "",
    )  # fmt: skip
    one.statuses.append(made)
    call.world.emit("deployment_status", call.user, where, "created", deployment=one, status=made)
    return Answer(201, shapes.deployment_status(call.world, where, one, made))
