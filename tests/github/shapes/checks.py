"""Check suites, check runs, statuses, environments and deployments as JSON."""

from __future__ import annotations

from typing import Any

from tests.github.shapes.accounts import app as app_shape
from tests.github.shapes.accounts import node_id, user
from tests.github.shapes.pulls import pulls_of
from tests.github.shapes.repositories import html_of, repository, simple_commit, url_of
from tests.github.world.checks import CheckRun, CheckSuite, Status, suite_state
from tests.github.world.clock import stamp
from tests.github.world.deployments import Deployment, DeploymentStatus, Environment
from tests.github.world.repository import Repository
from tests.github.world.world import World

Shape = dict[str, Any]


def runs_of(where: Repository, suite: CheckSuite) -> list[CheckRun]:
    """The check runs of a suite; of several with one name, the newest."""
    return list({one.name: one for one in where.check_runs.values() if one.suite is suite}.values())


def check_suite(world: World, where: Repository, one: CheckSuite) -> Shape:
    """A check suite."""
    runs = runs_of(where, one)
    status, conclusion = suite_state(runs)
    url = f"{url_of(world, where)}/check-suites/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id("CheckSuite", one.id),
        "head_branch": one.head_branch,
        "head_sha": one.head_sha,
        "status": status,
        "conclusion": conclusion,
        "url": url,
        "before": one.before,
        "after": one.head_sha,
        "pull_requests": pulls_of(world, where, one.head_sha),
        "app": app_shape(world, world.apps[one.app]),
        "repository": repository(world, where),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "head_commit": simple_commit(world, where.git.log(one.head_sha, most=1)[0]),
        "latest_check_runs_count": len(runs),
        "check_runs_url": f"{url}/check-runs",
        "rerequestable": True,
        "runs_rerequestable": True,
    }


def check_run(world: World, where: Repository, one: CheckRun, *, hook: bool = False) -> Shape:
    """A check run; `hook`: as webhooks show it, with its suite."""
    url = f"{url_of(world, where)}/check-runs/{one.id}"
    html = f"{html_of(world, where)}/runs/{one.id}"
    suite: Shape = {"id": one.suite.id}
    if hook:
        suite = check_suite(world, where, one.suite)
        suite = {name: found for name, found in suite.items() if name not in ("head_commit", "latest_check_runs_count")}
    return {
        "id": one.id,
        "name": one.name,
        "node_id": node_id("CheckRun", one.id),
        "head_sha": one.head_sha,
        "external_id": one.external_id,
        "url": url,
        "html_url": html,
        "details_url": one.details_url or html,
        "status": one.status,
        "conclusion": one.conclusion,
        "started_at": stamp(one.started_at or one.suite.created_at),
        "completed_at": stamp(one.completed_at),
        "output": {
            **{name: one.output.get(name) for name in ("title", "summary", "text")},
            "annotations_count": len(one.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": suite,
        "app": app_shape(world, world.apps[one.suite.app]),
        "pull_requests": pulls_of(world, where, one.head_sha),
    }


def annotation(world: World, where: Repository, on: CheckRun, one: Shape) -> Shape:
    """An annotation of a check run."""
    keys = ("path", "start_line", "end_line", "start_column", "end_column", "annotation_level", "title", "message")
    link = f"{html_of(world, where)}/blob/{on.head_sha}/{one['path']}"
    return {**{key: one.get(key) for key in keys}, "raw_details": one.get("raw_details"), "blob_href": link}


def status(world: World, where: Repository, one: Status) -> Shape:
    """A commit status."""
    return {
        "url": f"{url_of(world, where)}/statuses/{one.sha}",
        "avatar_url": f"{world.url}/avatars/{one.creator.id}",
        "id": one.id,
        "node_id": node_id("StatusContext", one.id),
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "creator": user(world, one.creator),
    }


def combined(world: World, where: Repository, sha: str) -> Shape:
    """All statuses of a commit: the newest of each context, and what they come to."""
    newest = list({one.context: one for one in where.statuses if one.sha == sha}.values())
    states = {one.state for one in newest}
    bad = bool(states & {"error", "failure"})
    whole = "failure" if bad else "success" if states == {"success"} else "pending"
    shapes = [{**status(world, where, one), "required": False} for one in newest]
    for one in shapes:
        del one["creator"]
    return {
        "state": whole,
        "statuses": shapes,
        "sha": sha,
        "total_count": len(newest),
        "repository": repository(world, where),
        "commit_url": f"{url_of(world, where)}/commits/{sha}",
        "url": f"{url_of(world, where)}/commits/{sha}/status",
    }


def environment(world: World, where: Repository, one: Environment) -> Shape:
    """An environment with its protection."""
    rules: list[Shape] = []
    if one.reviewers:
        people = [{"type": "User", "reviewer": user(world, each)} for each in one.reviewers]
        rule = {"id": one.id, "node_id": node_id("Gate", one.id), "type": "required_reviewers"}
        rules.append({**rule, "prevent_self_review": one.prevent_self_review, "reviewers": people})
    policy = None
    if one.branches is not None:
        policy = {"protected_branches": False, "custom_branch_policies": True}
        rules.append({"id": one.id + 1, "node_id": node_id("Gate", one.id + 1), "type": "branch_policy"})
    return {
        "id": one.id,
        "node_id": node_id("Environment", one.id),
        "name": one.name,
        "url": f"{url_of(world, where)}/environments/{one.name}",
        "html_url": f"{html_of(world, where)}/deployments/activity_log?environments_filter={one.name}",
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "protection_rules": rules,
        "deployment_branch_policy": policy,
    }


def deployment(world: World, where: Repository, one: Deployment) -> Shape:
    """A deployment."""
    url = f"{url_of(world, where)}/deployments/{one.id}"
    return {
        "url": url,
        "id": one.id,
        "node_id": node_id("Deployment", one.id),
        "task": one.task,
        "original_environment": one.environment,
        "environment": one.environment,
        "description": one.description,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.statuses[-1].created_at if one.statuses else one.created_at),
        "statuses_url": f"{url}/statuses",
        "repository_url": url_of(world, where),
        "creator": user(world, one.creator),
        "sha": one.sha,
        "ref": one.ref,
        "payload": one.payload,
        "transient_environment": False,
        "production_environment": one.environment == "production",
        "performed_via_github_app": None,
    }


def deployment_status(world: World, where: Repository, on: Deployment, one: DeploymentStatus) -> Shape:
    """A status of a deployment."""
    url = f"{url_of(world, where)}/deployments/{on.id}"
    return {
        "url": f"{url}/statuses/{one.id}",
        "id": one.id,
        "node_id": node_id("DeploymentStatus", one.id),
        "state": one.state,
        "creator": user(world, one.creator),
        "description": one.description,
        "environment": on.environment,
        "target_url": one.log_url,
        "log_url": one.log_url,
        "environment_url": one.environment_url,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "deployment_url": url,
        "repository_url": url_of(world, where),
        "performed_via_github_app": None,
    }
