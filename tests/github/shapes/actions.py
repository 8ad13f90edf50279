"""Workflows, runs, jobs and artifacts as JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.github.actions.runs import Artifact, Job, Run, WorkflowFile
from tests.github.shapes.accounts import node_id, user
from tests.github.shapes.checks import deployment as deployment_shape
from tests.github.shapes.pulls import pulls_of
from tests.github.shapes.repositories import html_of, repository, simple_commit, url_of
from tests.github.world.clock import stamp
from tests.github.world.deployments import Environment
from tests.github.world.repository import Repository
from tests.github.world.world import World

Shape = dict[str, Any]


def workflow(world: World, where: Repository, one: WorkflowFile) -> Shape:
    """A workflow file."""
    file = one.path.rsplit("/", 1)[1]
    return {
        "id": one.id,
        "node_id": node_id("Workflow", one.id),
        "name": one.name,
        "path": one.path,
        "state": one.state,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "url": f"{url_of(world, where)}/actions/workflows/{one.id}",
        "html_url": f"{html_of(world, where)}/blob/{where.default_branch}/{one.path}",
        "badge_url": f"{html_of(world, where)}/workflows/{quote(file)}/badge.svg",
    }


def run(world: World, where: Repository, one: Run) -> Shape:
    """A run."""
    url, html = f"{url_of(world, where)}/actions/runs/{one.id}", f"{html_of(world, where)}/actions/runs/{one.id}"
    return {
        "id": one.id,
        "name": one.workflow.name,
        "node_id": node_id("WorkflowRun", one.id),
        "head_branch": one.head_branch,
        "head_sha": one.head_sha,
        "path": one.workflow.path,
        "display_title": one.title,
        "run_number": one.number,
        "run_attempt": one.attempt,
        "event": one.event,
        "status": one.status,
        "conclusion": one.conclusion,
        "workflow_id": one.workflow.id,
        "check_suite_id": one.suite.id,
        "check_suite_node_id": node_id("CheckSuite", one.suite.id),
        "url": url,
        "html_url": html,
        "pull_requests": pulls_of(world, where, one.head_sha),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "run_started_at": stamp(one.started_at or one.created_at),
        "actor": user(world, one.actor),
        "triggering_actor": user(world, one.actor),
        "referenced_workflows": [],
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{url_of(world, where)}/check-suites/{one.suite.id}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{one.attempt - 1}" if one.attempt > 1 else None,
        "workflow_url": f"{url_of(world, where)}/actions/workflows/{one.workflow.id}",
        "head_commit": simple_commit(world, where.git.log(one.head_sha, most=1)[0]),
        "repository": repository(world, where),
        "head_repository": repository(world, where),
    }


def job(world: World, where: Repository, one: Job) -> Shape:
    """A job."""
    url = f"{url_of(world, where)}/actions/jobs/{one.id}"
    runner = one.id if one.started_at else None
    return {
        "id": one.id,
        "run_id": one.run.id,
        "workflow_name": one.run.workflow.name,
        "head_branch": one.run.head_branch,
        "run_url": f"{url_of(world, where)}/actions/runs/{one.run.id}",
        "run_attempt": one.attempt,
        "node_id": node_id("CheckRun", one.id),
        "head_sha": one.run.head_sha,
        "url": url,
        "html_url": f"{html_of(world, where)}/actions/runs/{one.run.id}/job/{one.id}",
        "status": one.status,
        "conclusion": one.conclusion,
        "created_at": stamp(one.created_at),
        "started_at": stamp(one.started_at or one.created_at),
        "completed_at": stamp(one.completed_at),
        "name": one.name,
        "steps": [
            {
                "name": step.name,
                "status": step.status,
                "conclusion": step.conclusion,
                "number": step.number,
                "started_at": stamp(step.started_at),
                "completed_at": stamp(step.completed_at),
            }
            for step in one.steps
        ],
        "check_run_url": f"{url_of(world, where)}/check-runs/{one.id}",
        "labels": one.labels,
        "runner_id": runner,
        "runner_name": f"localhost {one.id}" if runner else None,
        "runner_group_id": 1 if runner else None,
        "runner_group_name": "GitHub Actions" if runner else None,
    }


def run_event(world: World, where: Repository, one: Run) -> Shape:
    """What a webhook about a run holds."""
    return {"workflow_run": run(world, where, one), "workflow": workflow(world, where, one.workflow)}


def job_event(world: World, where: Repository, one: Job) -> Shape:
    """What a webhook about a job holds."""
    shape: Shape = {"workflow_job": job(world, where, one)}
    if one.deployment is not None:
        shape["deployment"] = deployment_shape(world, where, one.deployment)
    return shape


def artifact(world: World, where: Repository, one: Artifact) -> Shape:
    """An artifact."""
    url = f"{url_of(world, where)}/actions/artifacts/{one.id}"
    made = where.runs[one.run]
    return {
        "id": one.id,
        "node_id": node_id("Artifact", one.id),
        "name": one.name,
        "size_in_bytes": len(one.data),
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": False,
        "digest": f"sha256:{one.digest}",
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "expires_at": stamp(one.expires_at),
        "workflow_run": {
            "id": made.id, "repository_id": where.id, "head_repository_id": where.id,
            "head_branch": made.head_branch, "head_sha": made.head_sha,
        },
    }  # fmt: skip


def pending(world: World, where: Repository, one: Environment, login: str) -> Shape:
    """An environment whose reviewers a run waits for."""
    url = f"{url_of(world, where)}/environments/{one.name}"
    html = f"{html_of(world, where)}/deployments/activity_log?environments_filter={one.name}"
    return {
        "environment": {
            "id": one.id, "node_id": node_id("Environment", one.id), "name": one.name, "url": url, "html_url": html,
        },
        "wait_timer": 0,
        "wait_timer_started_at": None,
        "current_user_can_approve": any(each.login == login for each in one.reviewers),
        "reviewers": [{"type": "User", "reviewer": user(world, each)} for each in one.reviewers],
    }  # fmt: skip
