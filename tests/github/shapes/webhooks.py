"""Webhook payloads, from the world's events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.github.shapes import accounts, checks, pulls, repositories
from tests.github.shapes import actions as actions_shapes
from tests.github.world.apps import Installation
from tests.github.world.git_store import ZERO
from tests.github.world.people import Kind
from tests.github.world.world import Event, World

Shape = dict[str, Any]
MOST_COMMITS = 2048


def payload(world: World, event: Event, installation: Installation | None) -> Shape:
    """The JSON of an event as GitHub sends it to an App."""
    shape: Shape = {"action": event.action} if event.action else {}
    where = event.repository
    if where is not None:
        shape["repository"] = repositories.repository(world, where)
        if where.owner.kind is Kind.ORGANIZATION:
            shape["organization"] = accounts.organization(world, where.owner)
    shape["sender"] = accounts.user(world, event.sender)
    if installation is not None:
        shape["installation"] = {"id": installation.id, "node_id": accounts.node_id("Integration", installation.id)}
    return {**shape, **_SUBJECTS.get(event.name, _nothing)(world, event)}


def _nothing(world: World, event: Event) -> Shape:
    return {}


def _pull_request(world: World, event: Event) -> Shape:
    one = event.parts["pull"]
    shape = {"number": one.number, "pull_request": pulls.pull(world, event.repository, one, whole=True)}
    return {**shape, **{name: event.parts[name] for name in ("before", "after", "changes") if name in event.parts}}


def _issue_comment(world: World, event: Event) -> Shape:
    one = event.parts["comment"]
    shape = {
        "issue": pulls.issue(world, event.repository, event.repository.pulls[one.number]),
        "comment": pulls.comment(world, event.repository, one),
    }
    return {**shape, "changes": event.parts["changes"]} if "changes" in event.parts else shape


def _review(world: World, event: Event) -> Shape:
    one, found = event.parts["pull"], event.parts["review"]
    review = pulls.review(world, event.repository, one, found)
    simple = pulls.pull(world, event.repository, one)
    return {"pull_request": simple, "review": {**review, "state": review["state"].lower()}}


def _push(world: World, event: Event) -> Shape:
    where, before, after, ref = event.repository, event.parts["before"], event.parts["after"], event.parts["ref"]
    commits: list[Shape] = []
    if after != ZERO and not ref.startswith("refs/tags/"):
        known = [before] if before != ZERO else [
            sha for name, sha in where.git.refs().items() if name.startswith("refs/heads/") and name != ref
        ]  # fmt: skip
        new = where.git.log(after, *(f"^{sha}" for sha in known), most=MOST_COMMITS)
        commits = [_pushed_commit(world, where, one) for one in reversed(new)]
    head = where.git.log(after, most=1)[0] if after != ZERO else None
    repository = repositories.repository(world, where)
    forced = ZERO not in (before, after) and not where.git.contains(after, before)
    times = {name: int(where.created_at.timestamp()) for name in ("created_at", "pushed_at")}
    extra = {"stargazers": 0, "master_branch": where.default_branch, **times}
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "base_ref": None,
        "created": before == ZERO,
        "deleted": after == ZERO,
        "forced": forced,
        "compare": f"{repository['html_url']}/compare/{before[:12]}...{after[:12]}",
        "commits": commits,
        "head_commit": _pushed_commit(world, where, head) if head else None,
        "pusher": {"name": event.sender.login, "email": event.sender.email},
        "repository": {**repository, **extra},
    }


def _pushed_commit(world: World, where: Any, one: Any) -> Shape:
    shape = repositories.simple_commit(world, one)
    for person in (shape["author"], shape["committer"]):
        person["username"] = person["name"]
    base = one.parents[0] if one.parents else "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    changes = where.git.changes(base, one.sha)
    named = {"added": "A", "removed": "D", "modified": "MT"}
    files = {name: [each.path for each in changes if each.letter in letters] for name, letters in named.items()}
    return {**shape, "distinct": True, "url": f"{repositories.html_of(world, where)}/commit/{one.sha}", **files}


def _ref(world: World, event: Event) -> Shape:
    shape = {"ref": event.parts["ref"], "ref_type": event.parts["ref_type"], "pusher_type": "user"}
    if event.name == "create":
        shape |= {"master_branch": event.repository.default_branch, "description": None}
    return shape


def _check_suite(world: World, event: Event) -> Shape:
    return {"check_suite": checks.check_suite(world, event.repository, event.parts["check_suite"])}


def _check_run(world: World, event: Event) -> Shape:
    shape: Shape = {"check_run": checks.check_run(world, event.repository, event.parts["check_run"], hook=True)}
    if "requested_action" in event.parts:
        shape["requested_action"] = {"identifier": event.parts["requested_action"]}
    return shape


def _status(world: World, event: Event) -> Shape:
    where, one = event.repository, event.parts["status"]
    found = checks.status(world, where, one)
    keep = ("id", "avatar_url", "state", "description", "target_url", "context", "created_at", "updated_at")
    commit = repositories.commit(world, where, where.git.log(one.sha, most=1)[0])
    named = {"sha": one.sha, "name": where.full_name, "commit": commit, "branches": []}
    return {**{name: found[name] for name in keep}, **named}


def _deployment(world: World, event: Event) -> Shape:
    one = event.parts["deployment"]
    shape = {"deployment": checks.deployment(world, event.repository, one), "workflow": None, "workflow_run": None}
    if event.name == "deployment_status":
        status = event.parts["status"]
        shape["deployment_status"] = checks.deployment_status(world, event.repository, one, status)
    return shape


def _commit_comment(world: World, event: Event) -> Shape:
    return {"comment": pulls.commit_comment(world, event.repository, event.parts["comment"])}


def _installation(world: World, event: Event) -> Shape:
    one: Installation = event.parts["installation"]
    covered = [where for where in world.repositories.values() if one.covers(where)]
    shape: Shape = {"installation": accounts.installation(world, one), "requester": None}
    if event.action in ("created", "deleted"):
        shape["repositories"] = [_brief(where) for where in covered]
    return shape


def _installation_repositories(world: World, event: Event) -> Shape:
    one: Installation = event.parts["installation"]
    return {
        "installation": accounts.installation(world, one),
        "repository_selection": "selected",
        "repositories_added": [_brief(where) for where in event.parts.get("added", ())],
        "repositories_removed": [_brief(where) for where in event.parts.get("removed", ())],
        "requester": None,
    }


def _brief(where: Any) -> Shape:
    node = accounts.node_id("Repository", where.id)
    return {"id": where.id, "node_id": node, "name": where.name, "full_name": where.full_name, "private": where.private}


def _repository(world: World, event: Event) -> Shape:
    if event.action == "transferred":
        owner = event.parts["old_owner"]
        kind = "organization" if owner.kind is Kind.ORGANIZATION else "user"
        shape = (accounts.organization if kind == "organization" else accounts.user)(world, owner)
        return {"changes": {"owner": {"from": {kind: shape}}}}
    return {"changes": event.parts["changes"]} if "changes" in event.parts else {}


def _merge_group(world: World, event: Event) -> Shape:
    where, head, base = event.repository, event.parts["head_sha"], event.parts["base_sha"]
    return {
        "merge_group": {
            "head_sha": head,
            "head_ref": event.parts["head_ref"],
            "base_sha": base,
            "base_ref": event.parts["base_ref"],
            "head_commit": repositories.simple_commit(world, where.git.log(head, most=1)[0]),
        }
    }


def _fork(world: World, event: Event) -> Shape:
    return {"forkee": repositories.repository(world, event.parts["forkee"])}


def _workflow_run(world: World, event: Event) -> Shape:
    return actions_shapes.run_event(world, event.repository, event.parts["run"])


def _workflow_job(world: World, event: Event) -> Shape:
    return actions_shapes.job_event(world, event.repository, event.parts["job"])


def _ping(world: World, event: Event) -> Shape:
    app = event.parts["app"]
    stamp = accounts.app(world, app)["created_at"]
    config = {"content_type": "json", "url": app.webhook_url, "insecure_ssl": "0", "secret": "********"}
    hook = {
        "type": "App", "id": app.id, "name": "web", "active": True, "events": list(app.events), "config": config,
        "updated_at": stamp, "created_at": stamp, "app_id": app.id,
        "deliveries_url": f"{accounts.api(world)}/app/hook/deliveries",
    }  # fmt: skip
    return {"zen": "Speak like a human.", "hook_id": app.id, "hook": hook}


_SUBJECTS: dict[str, Callable[[World, Event], Shape]] = {
    "check_run": _check_run,
    "check_suite": _check_suite,
    "commit_comment": _commit_comment,
    "create": _ref,
    "delete": _ref,
    "deployment": _deployment,
    "deployment_status": _deployment,
    "fork": _fork,
    "installation": _installation,
    "installation_repositories": _installation_repositories,
    "issue_comment": _issue_comment,
    "merge_group": _merge_group,
    "ping": _ping,
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "push": _push,
    "repository": _repository,
    "status": _status,
    "workflow_job": _workflow_job,
    "workflow_run": _workflow_run,
}
