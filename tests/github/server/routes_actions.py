"""Workflows, their runs and jobs, artifacts."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import Any

from tests.github.actions import starting
from tests.github.actions.runs import Artifact, Job, Run
from tests.github.server.routing import Answer, Call, Page, route
from tests.github.shapes import actions as shapes
from tests.github.shapes import checks
from tests.github.world.people import allows
from tests.github.world.refusal import Refusal, not_found
from tests.github.world.repository import Repository

BASE = "/repos/<owner>/<repo>/actions"
RUN = f"{BASE}/runs/<int:number>"
READ, WRITE = "actions:read", "actions:write"
RUN_DETAILS_SINCE = (3, 21)


@route("GET", f"{BASE}/workflows", needs=READ)
def list_workflows(call: Call, where: Repository) -> Any:
    """The workflow files of the default branch."""
    found = list(starting.registered(call.github.actions, where).values())
    return Answer(body=Page(found, lambda one: shapes.workflow(call.world, where, one), "workflows"))


@route("GET", f"{BASE}/workflows/<name>", needs=READ)
def show_workflow(call: Call, where: Repository, name: str) -> Any:
    """One workflow, by id or file name."""
    return shapes.workflow(call.world, where, starting.by_name(call.github.actions, where, name))


@route("PUT", f"{BASE}/workflows/<name>/disable", needs=WRITE)
def disable(call: Call, where: Repository, name: str) -> Any:
    """Switch it off."""
    starting.by_name(call.github.actions, where, name).state = "disabled_manually"
    return Answer(204)


@route("PUT", f"{BASE}/workflows/<name>/enable", needs=WRITE)
def enable(call: Call, where: Repository, name: str) -> Any:
    """Switch it on."""
    starting.by_name(call.github.actions, where, name).state = "active"
    return Answer(204)


@route("POST", f"{BASE}/workflows/<name>/dispatches", needs=WRITE)
def dispatch(call: Call, where: Repository, name: str) -> Any:
    """Start a run: 204, or 200 with its id when `return_run_details` asks (and always since API version 2026-03-10)."""
    body, workflow = dict(call.body), starting.by_name(call.github.actions, where, name)
    details = body.pop("return_run_details", None)
    enterprise = call.github.enterprise
    if details is not None and enterprise and tuple(map(int, enterprise.split(".")[:2])) < RUN_DETAILS_SINCE:
        raise Refusal(400, 'Invalid request.\n\n"return_run_details" is not a permitted key.')
    if not isinstance(body.get("ref"), str):
        raise Refusal(422, 'Invalid request.\n\n"ref" wasn\'t supplied.')
    unknown = sorted(set(body) - {"ref", "inputs"})
    if unknown:
        raise Refusal(400, f'Invalid request.\n\n"{unknown[0]}" is not a permitted key.')
    run = starting.dispatch(call.github.actions, where, workflow, body["ref"], body.get("inputs") or {}, call.user)
    newest = call.request.headers.get("X-GitHub-Api-Version", "") >= "2026-03-10"
    if not details and not newest:
        return Answer(204)
    shape = shapes.run(call.world, where, run)
    return {"workflow_run_id": run.id, "run_url": shape["url"], "html_url": shape["html_url"]}


def _run(where: Repository, number: int) -> Run:
    found = where.runs.get(number)
    if found is None:
        raise not_found()
    return found


def _listed(call: Call, where: Repository, found: list[Run]) -> Answer:
    found = [one for one in reversed(found) if call.github.listed(one.created_at)]
    wanted = {
        "event": lambda one: one.event,
        "branch": lambda one: one.head_branch,
        "actor": lambda one: one.actor.login,
    }
    wanted["head_sha"] = lambda one: one.head_sha
    for name, value in wanted.items():
        if call.query(name):
            found = [one for one in found if value(one) == call.query(name)]
    if status := call.query("status"):
        found = [one for one in found if status in (one.status, one.conclusion)]
    if created := call.query("created"):
        found = [one for one in found if _within(one.created_at, created)]
    return Answer(body=Page(found, lambda one: shapes.run(call.world, where, one), "workflow_runs"))


def _within(made: datetime, asked: str) -> bool:
    low, _, high = asked.partition("..")
    if high:
        return (low == "*" or made >= _time(low)) and (high == "*" or made <= _time(high))
    for sign, holds in ((">=", made.__ge__), ("<=", made.__le__), (">", made.__gt__), ("<", made.__lt__)):
        if asked.startswith(sign):
            return holds(_time(asked.removeprefix(sign)))
    return made.date() == _time(asked).date()


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as failed:
        raise Refusal(422, "Validation Failed") from failed
    return found if found.tzinfo else found.astimezone()


@route("GET", f"{BASE}/runs", needs=READ)
def list_runs(call: Call, where: Repository) -> Any:
    """Runs, newest first."""
    return _listed(call, where, list(where.runs.values()))


@route("GET", f"{BASE}/workflows/<name>/runs", needs=READ)
def list_workflow_runs(call: Call, where: Repository, name: str) -> Any:
    """Runs of one workflow."""
    workflow = starting.by_name(call.github.actions, where, name)
    return _listed(call, where, [one for one in where.runs.values() if one.workflow is workflow])


@route("GET", RUN, needs=READ)
def show_run(call: Call, where: Repository, number: int) -> Any:
    """One run."""
    return shapes.run(call.world, where, _run(where, number))


@route("DELETE", RUN, needs=WRITE)
def delete_run(call: Call, where: Repository, number: int) -> Any:
    """Forget a run that has ended."""
    if not _run(where, number).done:
        raise Refusal(403, "Could not delete the workflow run")
    del where.runs[number]
    return Answer(204)


@route("POST", f"{RUN}/cancel", needs=WRITE)
def cancel(call: Call, where: Repository, number: int) -> Any:
    """Cancel."""
    call.github.actions.cancel(where, _run(where, number))
    return Answer(202, {})


@route("POST", f"{RUN}/force-cancel", needs=WRITE)
def force_cancel(call: Call, where: Repository, number: int) -> Any:
    """Cancel, `if: always()` or not."""
    call.github.actions.cancel(where, _run(where, number), force=True)
    return Answer(202, {})


@route("POST", f"{RUN}/rerun", needs=WRITE)
def rerun(call: Call, where: Repository, number: int) -> Any:
    """Run all of it again."""
    starting.again(call.github.actions, where, _run(where, number), call.user)
    return Answer(201, {})


@route("POST", f"{RUN}/rerun-failed-jobs", needs=WRITE)
def rerun_failed(call: Call, where: Repository, number: int) -> Any:
    """Run again what failed and what stands on it."""
    starting.again(call.github.actions, where, _run(where, number), call.user, failed_only=True)
    return Answer(201, {})


@route("GET", f"{RUN}/jobs", needs=READ)
def list_jobs(call: Call, where: Repository, number: int) -> Any:
    """The jobs of the newest attempt, or with `filter=all` of all."""
    run = _run(where, number)
    found = run.jobs if call.query("filter") == "all" else run.current()
    return Answer(body=Page(found, lambda one: shapes.job(call.world, where, one), "jobs"))


@route("GET", f"{RUN}/attempts/<int:attempt>/jobs", needs=READ)
def list_attempt_jobs(call: Call, where: Repository, number: int, attempt: int) -> Any:
    """The jobs of one attempt."""
    found = [one for one in _run(where, number).jobs if one.attempt == attempt]
    return Answer(body=Page(found, lambda one: shapes.job(call.world, where, one), "jobs"))


def the_job(where: Repository, number: int) -> Job:
    """The job of this id. Raises Refusal 404."""
    for run in where.runs.values():
        for one in reversed(run.jobs):
            if one.id == number:
                return one
    raise not_found()


@route("GET", f"{BASE}/jobs/<int:number>", needs=READ)
def show_job(call: Call, where: Repository, number: int) -> Any:
    """One job."""
    return shapes.job(call.world, where, the_job(where, number))


@route("GET", f"{BASE}/jobs/<int:number>/logs", needs=READ)
def job_log(call: Call, where: Repository, number: int) -> Any:
    """A job's log as text (GitHub redirects to it)."""
    job = the_job(where, number)
    if not job.done:
        raise not_found()
    return Answer(raw="".join(f"{line}\n" for line in job.log).encode(), headers={"Content-Type": "text/plain"})


@route("GET", f"{RUN}/logs", needs=READ)
def run_logs(call: Call, where: Repository, number: int) -> Any:
    """All logs of a run as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for place, one in enumerate(_run(where, number).current()):
            archive.writestr(f"{place}_{one.name.replace('/', '_')}.txt", "\n".join(one.log))
    return Answer(raw=buffer.getvalue(), headers={"Content-Type": "application/zip"})


@route("GET", f"{RUN}/pending_deployments", needs=READ)
def pending(call: Call, where: Repository, number: int) -> Any:
    """The environments whose reviewers a run waits for."""
    names = {one.environment for one in _run(where, number).current() if one.status == "waiting"}
    login = call.user.login
    return [shapes.pending(call.world, where, one, login) for one in where.environments.values() if one.name in names]


@route("POST", f"{RUN}/pending_deployments", needs="deployments:write", role="read")
def review(call: Call, where: Repository, number: int) -> Any:
    """Approve or reject what waits."""
    body = call.body
    if body.get("state") not in ("approved", "rejected"):
        raise Refusal(422, 'Invalid request.\n\n"state" wasn\'t supplied.')
    if not allows(call.world.role(where, call.user.login), "read"):
        raise not_found()
    run, ids = _run(where, number), set(body.get("environment_ids") or [])
    jobs = call.github.actions.review(where, run, ids, call.user, approve=body["state"] == "approved")
    made = [one.deployment for one in jobs if one.deployment is not None]
    return [checks.deployment(call.world, where, one) for one in made]


def _artifact(where: Repository, number: int) -> Artifact:
    found = where.artifacts.get(number)
    if found is None:
        raise not_found()
    return found


@route("GET", f"{RUN}/artifacts", needs=READ)
def run_artifacts(call: Call, where: Repository, number: int) -> Any:
    """What a run uploaded."""
    found = [one for one in where.artifacts.values() if one.run == number and call.query("name") in (None, one.name)]
    return Answer(body=Page(found, lambda one: shapes.artifact(call.world, where, one), "artifacts"))


@route("GET", f"{BASE}/artifacts", needs=READ)
def list_artifacts(call: Call, where: Repository) -> Any:
    """What all runs uploaded."""
    found = [one for one in where.artifacts.values() if call.query("name") in (None, one.name)]
    return Answer(body=Page(found, lambda one: shapes.artifact(call.world, where, one), "artifacts"))


@route("GET", f"{BASE}/artifacts/<int:number>/zip", needs=READ)
def artifact_zip(call: Call, where: Repository, number: int) -> Any:
    """An artifact's files."""
    return Answer(raw=_artifact(where, number).data, headers={"Content-Type": "application/zip"})


@route("GET", f"{BASE}/artifacts/<int:number>", needs=READ)
def show_artifact(call: Call, where: Repository, number: int) -> Any:
    """An artifact."""
    return shapes.artifact(call.world, where, _artifact(where, number))
