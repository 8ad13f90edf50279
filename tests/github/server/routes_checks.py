"""Check runs, check suites, statuses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.github.server.routes_repos import resolved
from tests.github.server.routing import Answer, Call, Page, route
from tests.github.shapes import checks as shapes
from tests.github.world.checks import CONCLUSIONS, STATUSES, CheckRun, CheckSuite, Status, checked_output
from tests.github.world.pushing import suite_for
from tests.github.world.refusal import Refusal, invalid, not_found
from tests.github.world.repository import Repository

RUNS = "/repos/<owner>/<repo>/check-runs"
READ, WRITE = "checks:read", "checks:write"
STATUS_STATES = ("error", "failure", "pending", "success")


def _run(where: Repository, number: int) -> CheckRun:
    found = where.check_runs.get(number)
    if found is None:
        raise not_found()
    return found


def _suite(where: Repository, number: int) -> CheckSuite:
    found = where.check_suites.get(number)
    if found is None:
        raise not_found()
    return found


def _owner(call: Call) -> int:
    """Which App's checks a caller writes: its own, or GitHub Actions' for a job."""
    if call.token is None or not call.token.is_app:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    return call.by_app or call.world.actions_app.id


@route("POST", RUNS, needs=WRITE, content=True)
def create(call: Call, where: Repository) -> Any:
    """Make a check run."""
    body, app = call.body, _owner(call)
    for name in ("name", "head_sha"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise Refusal(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
    sha = resolved(where, body["head_sha"])
    branch = next(
        (ref[11:] for ref, at in where.git.refs().items() if at == sha and ref.startswith("refs/heads/")), None
    )
    suite = suite_for(call.world, where, app, sha, branch)
    made = CheckRun(call.world.next_id(), suite, body["name"], sha, external_id=body.get("external_id") or "")
    _change(call, made, body)
    where.check_runs[made.id] = made
    call.world.emit("check_run", call.user, where, "created", check_run=made)
    if made.status == "completed":
        _completed(call, where, made)
    return Answer(201, shapes.check_run(call.world, where, made))


def _change(call: Call, one: CheckRun, body: dict[str, Any]) -> None:
    status, conclusion = body.get("status"), body.get("conclusion")
    if status not in (None, *STATUSES) or conclusion not in (None, *CONCLUSIONS):
        raise invalid("CheckRun", "status" if conclusion in (None, *CONCLUSIONS) else "conclusion")
    if status == "completed" and conclusion is None:
        raise Refusal(422, 'Invalid request.\n\n"conclusion" is required when status is "completed".')
    if body.get("output") is not None:
        one.output = checked_output(body["output"])
        one.annotations += body["output"].get("annotations") or []
    if len(body.get("actions") or []) > 3:
        raise Refusal(422, "Invalid request.\n\nNo more than 3 actions are allowed.")
    now = call.world.clock.now()
    one.name, one.actions = body.get("name") or one.name, body.get("actions") or one.actions
    one.details_url = body.get("details_url") or one.details_url
    one.external_id = body.get("external_id") or one.external_id
    one.status = "completed" if conclusion else status or one.status
    one.conclusion = (conclusion or one.conclusion) if one.status == "completed" else None
    one.started_at = _time(body.get("started_at")) or one.started_at or now
    one.completed_at = (_time(body.get("completed_at")) or one.completed_at or now) if one.conclusion else None


def _time(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(str(text))
    except ValueError as failed:
        raise invalid("CheckRun", "started_at") from failed


def _completed(call: Call, where: Repository, one: CheckRun) -> None:
    call.world.emit("check_run", call.user, where, "completed", check_run=one)
    if all(each.status == "completed" for each in shapes.runs_of(where, one.suite)):
        call.world.emit("check_suite", call.user, where, "completed", one.suite.app, check_suite=one.suite)


@route("GET", f"{RUNS}/<int:number>", needs=READ)
def show(call: Call, where: Repository, number: int) -> Any:
    """One check run."""
    return shapes.check_run(call.world, where, _run(where, number))


@route("PATCH", f"{RUNS}/<int:number>", needs=WRITE)
def update(call: Call, where: Repository, number: int) -> Any:
    """Change a check run; annotations are added to those that are there."""
    one = _run(where, number)
    if one.suite.app != _owner(call):
        raise Refusal(
            403,
            f"Invalid app_id `{one.suite.app}` - check run can only be modified by the GitHub App that created it.",
        )
    before = one.status
    _change(call, one, call.body)
    if one.status == "completed" and before != "completed":
        _completed(call, where, one)
    return shapes.check_run(call.world, where, one)


@route("GET", f"{RUNS}/<int:number>/annotations", needs=READ)
def annotations(call: Call, where: Repository, number: int) -> Any:
    """What was noted at files and lines."""
    one = _run(where, number)
    return Answer(body=Page(one.annotations, lambda each: shapes.annotation(call.world, where, one, each)))


@route("POST", f"{RUNS}/<int:number>/rerequest", needs=WRITE)
def rerequest(call: Call, where: Repository, number: int) -> Any:
    """Ask its App to run it again."""
    one = _run(where, number)
    call.world.emit("check_run", call.user, where, "rerequested", one.suite.app, check_run=one)
    return Answer(201, {})


@route("GET", "/repos/<owner>/<repo>/commits/<path:ref>/check-runs", needs=READ)
def of_commit(call: Call, where: Repository, ref: str) -> Any:
    """The check runs of a commit: of those with one name from one App the newest, or all with `filter=all`."""
    sha = resolved(where, ref)
    found = [one for one in where.check_runs.values() if one.head_sha == sha]
    return _listed(call, where, found)


@route("GET", "/repos/<owner>/<repo>/check-suites/<int:number>/check-runs", needs=READ)
def of_suite(call: Call, where: Repository, number: int) -> Any:
    """The check runs of a suite."""
    suite = _suite(where, number)
    return _listed(call, where, [one for one in where.check_runs.values() if one.suite is suite])


def _listed(call: Call, where: Repository, found: list[CheckRun]) -> Answer:
    if call.query("filter") != "all":
        found = list({(one.suite.app, one.name): one for one in found}.values())
    wanted = {"check_name": lambda one: one.name, "status": lambda one: one.status}
    wanted["app_id"] = lambda one: str(one.suite.app)
    for name, value in wanted.items():
        if call.query(name):
            found = [one for one in found if value(one) == call.query(name)]
    return Answer(body=Page(found, lambda one: shapes.check_run(call.world, where, one), "check_runs"))


@route("GET", "/repos/<owner>/<repo>/commits/<path:ref>/check-suites", needs=READ)
def suites_of_commit(call: Call, where: Repository, ref: str) -> Any:
    """The check suites of a commit."""
    sha, app = resolved(where, ref), call.query("app_id")
    found = [one for one in where.check_suites.values() if one.head_sha == sha and app in (None, str(one.app))]
    return Answer(body=Page(found, lambda one: shapes.check_suite(call.world, where, one), "check_suites"))


@route("GET", "/repos/<owner>/<repo>/check-suites/<int:number>", needs=READ)
def show_suite(call: Call, where: Repository, number: int) -> Any:
    """One check suite."""
    return shapes.check_suite(call.world, where, _suite(where, number))


@route("POST", "/repos/<owner>/<repo>/check-suites/<int:number>/rerequest", needs=WRITE)
def rerequest_suite(call: Call, where: Repository, number: int) -> Any:
    """Ask its App to run all of it again."""
    suite = _suite(where, number)
    call.world.emit("check_suite", call.user, where, "rerequested", suite.app, check_suite=suite)
    return Answer(201, {})


@route("POST", "/repos/<owner>/<repo>/statuses/<sha>", needs="statuses:write", content=True)
def create_status(call: Call, where: Repository, sha: str) -> Any:
    """Set a commit status."""
    body = call.body
    if body.get("state") not in STATUS_STATES:
        raise invalid("Status", "state", "custom", "state is not included in the list")
    if len(body.get("description") or "") > 140:
        raise invalid("Status", "description", "custom", "description is too long (maximum is 140 characters)")
    made = Status(
        call.world.next_id(), resolved(where, sha), body["state"], body.get("context") or "default",
        body.get("description"), body.get("target_url"), call.user, call.world.clock.now(),
    )  # fmt: skip
    where.statuses.append(made)
    call.world.emit("status", call.user, where, status=made)
    return Answer(201, shapes.status(call.world, where, made))


@route("GET", "/repos/<owner>/<repo>/statuses/<path:ref>", needs="statuses:read")
@route("GET", "/repos/<owner>/<repo>/commits/<path:ref>/statuses", needs="statuses:read")
def list_statuses(call: Call, where: Repository, ref: str) -> Any:
    """All statuses of a commit, newest first."""
    sha = resolved(where, ref)
    found = [one for one in reversed(where.statuses) if one.sha == sha]
    return Answer(body=Page(found, lambda one: shapes.status(call.world, where, one)))


@route("GET", "/repos/<owner>/<repo>/commits/<path:ref>/status", needs="statuses:read")
def combined_status(call: Call, where: Repository, ref: str) -> Any:
    """What the statuses of a commit come to."""
    return shapes.combined(call.world, where, resolved(where, ref))
