"""A walk past every route there is: each answers well, and as GitHub's own model has it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from tests.github import GitHub
from tests.github.server.routing import ROUTES
from tests.github.world.repository import Protection, Repository
from tests.github_itself.clients import Receiver, as_itself, call
from tests.github_itself.judge import Judge
from tests.github_itself.models import answer_model

WORKFLOW = """on: workflow_dispatch
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment: prod
    steps:
      - run: echo built > built
      - uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1
        with: {name: dist, path: built}
"""


class Step(NamedTuple):
    """One call. `{…}` stands for what is known: `keep` is what the answer adds to it, `name=where.it.is`."""

    who: str
    asked: str
    body: dict[str, Any] | None = None
    keep: str = ""


APPS = [
    Step("app", "GET /app"),
    Step("app", "GET /app/installations"),
    Step("app", "GET {shop}/installation", keep="installation=id"),
    Step("app", "GET /app/installations/{installation}"),
    Step("app", "GET /orgs/acme/installation"),
    Step("app", "GET /users/eve/installation"),
    Step("app", "POST /app/installations/{installation}/access_tokens", {"repositories": ["shop"]}, "bot=token"),
    Step("bot", "GET /installation/repositories"),
    Step("app", "GET /app/hook/config"),
    Step("app", "PATCH /app/hook/config", {"secret": "another"}),
    Step("app", "GET /app/hook/deliveries", keep="delivery=0.id"),
    Step("app", "GET /app/hook/deliveries/{delivery}"),
    Step("app", "POST /app/hook/deliveries/{delivery}/attempts"),
    Step("nobody", "POST /app-manifests/code/conversions"),
]
PEOPLE = [
    Step("ada", "GET /user"),
    Step("bot", "GET /users/ada"),
    Step("bot", "GET /orgs/acme/teams/platform"),
    Step("bot", "GET /orgs/acme/teams/platform/members"),
    Step("bot", "GET /orgs/acme/teams/platform/memberships/bob"),
    Step("bot", "GET {shop}/collaborators/ada/permission"),
    Step("bot", "GET {shop}/collaborators/ada"),
    Step("nobody", "GET /rate_limit"),
    Step("nobody", "GET /meta"),
    Step("nobody", "GET /"),
]
REPOSITORY = [
    Step("bot", "GET {shop}"),
    Step("bot", "GET {shop}/branches"),
    Step("bot", "GET {shop}/branches/main", keep="main=commit.sha"),
    Step("ada", "POST {shop}/git/refs", {"ref": "refs/heads/feature", "sha": "{main}"}),
    Step("ada", "POST {shop}/git/refs", {"ref": "refs/heads/side", "sha": "{main}"}),
    Step("bot", "GET {shop}/git/ref/heads/feature"),
    Step(
        "ada",
        "PUT {shop}/contents/new.txt",
        {"message": "n", "content": "bg==", "branch": "feature"},
        "head=commit.sha",
    ),
    Step("bot", "GET {shop}/contents/"),
    Step("bot", "GET {shop}/contents/new.txt?ref=feature"),
    Step("ada", "PATCH {shop}/git/refs/heads/side", {"sha": "{head}"}),
    Step("ada", "DELETE {shop}/git/refs/heads/side"),
    Step("bot", "GET {shop}/activity"),
    Step("bot", "GET {shop}/commits"),
    Step("bot", "GET {shop}/commits/{head}"),
    Step("bot", "GET {shop}/git/commits/{head}"),
    Step("bot", "GET {shop}/compare/main...feature"),
    Step("bot", "GET {shop}/branches/main/protection"),
    Step("bot", "GET {shop}/branches/main/protection/required_status_checks"),
    Step("bot", "GET {shop}/branches/main/protection/required_pull_request_reviews"),
    Step("bot", "GET {shop}/rules/branches/main"),
    Step("ada", "POST {shop}/forks"),
]
PULLS = [
    Step("ada", "POST {shop}/pulls", {"title": "Add new", "head": "feature", "base": "main"}, "pull=number"),
    Step("bot", "GET {shop}/pulls"),
    Step("bot", "GET {shop}/pulls/{pull}"),
    Step("bot", "PATCH {shop}/pulls/{pull}", {"body": "why"}),
    Step("bot", "GET {shop}/pulls/{pull}/files"),
    Step("bot", "GET {shop}/pulls/{pull}/commits"),
    Step("bot", "GET {shop}/commits/{head}/pulls"),
    Step("bot", "GET {shop}/pulls/{pull}/requested_reviewers"),
    Step("bot", "GET {shop}/pulls/{pull}/comments"),
    Step("bob", "POST {shop}/pulls/{pull}/reviews", {"event": "REQUEST_CHANGES", "body": "no"}, "review=id"),
    Step("bot", "GET {shop}/pulls/{pull}/reviews"),
    Step("bot", "GET {shop}/pulls/{pull}/reviews/{review}"),
    Step("ada", "PUT {shop}/pulls/{pull}/reviews/{review}/dismissals", {"message": "yes"}),
    Step("bot", "GET {shop}/issues/{pull}/timeline"),
]
TALK = [
    Step("bot", "GET {shop}/issues/{pull}"),
    Step("bot", "POST {shop}/issues/{pull}/comments", {"body": "one"}, "comment=id"),
    Step("bot", "GET {shop}/issues/{pull}/comments"),
    Step("bot", "GET {shop}/issues/comments"),
    Step("bot", "GET {shop}/issues/comments/{comment}"),
    Step("bot", "PATCH {shop}/issues/comments/{comment}", {"body": "two"}),
    Step("bot", "POST {shop}/issues/comments/{comment}/reactions", {"content": "eyes"}, "reaction=id"),
    Step("bot", "GET {shop}/issues/comments/{comment}/reactions"),
    Step("bot", "DELETE {shop}/issues/comments/{comment}/reactions/{reaction}"),
    Step("bot", "DELETE {shop}/issues/comments/{comment}"),
    Step("bot", "POST {shop}/issues/{pull}/reactions", {"content": "eyes"}),
    Step("bot", "GET {shop}/issues/{pull}/reactions"),
    Step("bot", "POST {shop}/commits/{head}/comments", {"body": "deployed"}, "remark=id"),
    Step("bot", "GET {shop}/commits/{head}/comments"),
    Step("bot", "GET {shop}/comments/{remark}"),
    Step("ada", "PATCH {shop}/comments/{remark}", {"body": "deployed well"}),
    Step("ada", "POST {shop}/comments/{remark}/reactions", {"content": "hooray"}),
]
NOTE = {"path": "new.txt", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "new"}
OUTPUT = {"title": "Plan", "summary": "s", "annotations": [NOTE]}
CHECKS = [
    Step("bot", "POST {shop}/check-runs", {"name": "plan", "head_sha": "{head}", "output": OUTPUT}, "check=id"),
    Step("bot", "GET {shop}/check-runs/{check}", keep="suite=check_suite.id"),
    Step("bot", "PATCH {shop}/check-runs/{check}", {"status": "completed", "conclusion": "success"}),
    Step("bot", "GET {shop}/check-runs/{check}/annotations"),
    Step("ada", "POST {shop}/check-runs/{check}/rerequest"),
    Step("bot", "GET {shop}/commits/{head}/check-runs"),
    Step("bot", "GET {shop}/commits/{head}/check-suites"),
    Step("bot", "GET {shop}/check-suites/{suite}"),
    Step("bot", "GET {shop}/check-suites/{suite}/check-runs"),
    Step("ada", "POST {shop}/check-suites/{suite}/rerequest"),
    Step("ada", "POST {shop}/statuses/{head}", {"state": "success", "context": "ci"}),
    Step("bot", "GET {shop}/commits/{head}/statuses"),
    Step("bot", "GET {shop}/statuses/{head}"),
    Step("bot", "GET {shop}/commits/{head}/status"),
]
DEPLOYMENTS = [
    Step("olga", "PUT {shop}/environments/prod", {"reviewers": [{"type": "User", "id": "{bob's id}"}]}),
    Step("bot", "GET {shop}/environments"),
    Step("bot", "GET {shop}/environments/prod"),
    Step("ada", "POST {shop}/deployments", {"ref": "{head}", "environment": "prod"}, "deployment=id"),
    Step("ada", "GET {shop}/deployments"),
    Step("ada", "GET {shop}/deployments/{deployment}"),
    Step("ada", "POST {shop}/deployments/{deployment}/statuses", {"state": "success"}),
    Step("ada", "GET {shop}/deployments/{deployment}/statuses"),
]
APPROVED = {"environment_ids": ["{environment}"], "state": "approved", "comment": "ok"}
ACTIONS = [
    Step("bot", "GET {shop}/actions/workflows"),
    Step("bot", "GET {shop}/actions/workflows/main.yml"),
    Step("bot", "PUT {shop}/actions/workflows/main.yml/disable"),
    Step("bot", "PUT {shop}/actions/workflows/main.yml/enable"),
    Step(
        "bot", "POST {shop}/actions/workflows/main.yml/dispatches", {"ref": "main", "return_run_details": True},
        "run=workflow_run_id",
    ),
    Step("bot", "GET {shop}/actions/runs"),
    Step("bot", "GET {shop}/actions/workflows/main.yml/runs"),
    Step("bob", "GET {shop}/actions/runs/{run}/pending_deployments", keep="environment=0.environment.id"),
    Step("bob", "POST {shop}/actions/runs/{run}/pending_deployments", APPROVED),
    Step("bot", "GET {shop}/actions/runs/{run}"),
    Step("bot", "GET {shop}/actions/runs/{run}/jobs", keep="job=jobs.0.id"),
    Step("bot", "GET {shop}/actions/runs/{run}/attempts/1/jobs"),
    Step("bot", "GET {shop}/actions/runs/{run}/logs"),
    Step("bot", "GET {shop}/actions/jobs/{job}"),
    Step("bot", "GET {shop}/actions/jobs/{job}/logs"),
    Step("bot", "GET {shop}/actions/artifacts"),
    Step("bot", "GET {shop}/actions/runs/{run}/artifacts", keep="artifact=artifacts.0.id"),
    Step("bot", "GET {shop}/actions/artifacts/{artifact}"),
    Step("bot", "GET {shop}/actions/artifacts/{artifact}/zip"),
    Step("bot", "POST {shop}/actions/runs/{run}/rerun"),
    Step("bot", "POST {shop}/actions/runs/{run}/cancel"),
    Step("bot", "POST {shop}/actions/runs/{run}/rerun-failed-jobs"),
    Step("bot", "POST {shop}/actions/runs/{run}/force-cancel"),
    Step("bot", "DELETE {shop}/actions/runs/{run}"),
]  # fmt: skip
END = [
    Step("bob", "POST {shop}/pulls/{pull}/reviews", {"event": "APPROVE"}),
    Step("ada", "PUT {shop}/pulls/{pull}/merge"),
    Step("bot", "GET {shop}/pulls/{pull}/merge"),
    Step("olga", "DELETE {shop}/environments/prod"),
    Step("bot", "DELETE /installation/token"),
]
ALWAYS_EMPTY = {
    "GET {shop}/rules/branches/main",  # there are no rulesets here
    "GET {shop}/pulls/{pull}/comments",  # and no comments on lines
    "POST {shop}/actions/runs/{run}/pending_deployments",  # a job makes its deployment when it starts, after this
}


@pytest.fixture
def shop(github: GitHub) -> Repository:
    github.world.team("acme", "platform", ["bob"])
    files = {"README.md": "# Shop\n", ".github/workflows/main.yml": WORKFLOW}
    made = github.repository("acme/shop", files, write=["ada", "bob"])
    made.collaborators[github.world.user("olga").login] = "admin"
    made.protections["main"] = Protection(("ci",), approvals=1)
    return made


@pytest.fixture
def known(github: GitHub, shop: Repository, receiver: Receiver) -> dict[str, Any]:
    """What is known at the start: where the repository is, and who proves by what text that it is they."""
    app = github.app("acme", receiver.url)
    github.world.install(app, github.world.user("eve"))
    github.manifests["code"] = app
    tokens = {login: github.world.personal_token(login) for login in ("ada", "bob", "olga")}
    bob = github.world.user("bob").id
    return {"shop": "/repos/acme/shop", "nobody": None, "app": as_itself(github, app), "bob's id": bob, **tokens}


def test_every_route_answers_as_github_does(github: GitHub, judge: Judge, known: dict[str, Any]) -> None:
    """The judge holds each answer against its model when the test is over."""
    for step in (*APPS, *PEOPLE, *REPOSITORY, *PULLS, *TALK, *CHECKS, *DEPLOYMENTS, *ACTIONS, *END):
        github.settle()
        take(github, step, known)
    routes = {(one.method, one.path) for one in ROUTES}
    assert judge.visited == routes
    assert judge.told == {one for one in routes if answer_model(*one) is not None}


def take(github: GitHub, step: Step, known: dict[str, Any]) -> None:
    """Make the call, hold that it was answered with something, and keep what it told."""
    method, path = filled(step.asked, known).split(" ")
    answer = call(github, method, path, known[step.who], json=filled(step.body, known))
    assert 200 <= answer.status_code < 300, f"{step}: {answer.status_code} {answer.text}"
    if not answer.headers.get("Content-Type", "").startswith("application/json"):
        return
    found = answer.json()
    few = found == [] or (isinstance(found, dict) and found.get("total_count") == 0)
    assert few == (step.asked in ALWAYS_EMPTY), f"{step}: {found}"
    if step.keep:
        name, _, place = step.keep.partition("=")
        for key in place.split("."):
            found = found[int(key) if key.isdigit() else key]
        known[name] = found


def filled(given: Any, known: dict[str, Any]) -> Any:
    """A path or body with what is known in it; a text that is one name alone becomes the value itself."""
    if isinstance(given, dict):
        return {key: filled(value, known) for key, value in given.items()}
    if isinstance(given, list):
        return [filled(one, known) for one in given]
    if not isinstance(given, str):
        return given
    alone = re.fullmatch(r"\{([^{}]*)\}", given)
    return known[alone[1]] if alone else re.sub(r"\{([^{}]*)\}", lambda found: str(known[found[1]]), given)
