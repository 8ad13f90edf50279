"""Runs: dispatches, order, matrices, environments, concurrency, cancelling, identity."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import jwt
import pytest
import requests
from github import GithubException

from tests.github import GitHub
from tests.github.actions.definition import InvalidWorkflow, parse
from tests.github.actions.runs import Run
from tests.github.world.deployments import Environment
from tests.github.world.repository import Repository
from tests.github_itself.clients import Receiver, as_person, call
from tests.waiting import until

FILE = ".github/workflows/main.yml"


@pytest.fixture
def shop(github: GitHub) -> Repository:
    github.world.organization("acme", ["owner"])
    return github.repository("acme/shop", {"README.md": "# Shop\n"}, write=["ada", "bob"])


def start(github: GitHub, shop: Repository, jobs: str, top: str = "on: workflow_dispatch", **inputs: Any) -> Run:
    github.commit(shop, {FILE: f"{top}\njobs:\n{jobs}"})
    return again(github, shop, **inputs)


def again(github: GitHub, shop: Repository, **inputs: Any) -> Run:
    token, body = github.world.personal_token("ada"), {"ref": "main", "inputs": inputs, "return_run_details": True}
    answer = call(github, "POST", "/repos/acme/shop/actions/workflows/main.yml/dispatches", token, json=body)
    assert answer.status_code == 200, answer.text
    return shop.runs[answer.json()["workflow_run_id"]]


def results(run: Run) -> dict[str, str | None]:
    return {one.name: one.conclusion for one in run.current()}


def log(run: Run, name: str) -> str:
    return "\n".join(next(one for one in run.current() if one.name == name).log)


def job(name: str, script: str = "true", more: str = "") -> str:
    return f"  {name}:\n    runs-on: ubuntu-latest\n{more}    steps:\n      - run: {script}\n"


def test_a_dispatch_runs_and_tells(github: GitHub, shop: Repository, receiver: Receiver) -> None:
    github.app(
        "acme", receiver.url, events=["workflow_run", "workflow_job", "check_run", "deployment", "deployment_status"]
    )
    run = start(
        github,
        shop,
        job("hello", "echo hi", "    environment: prod\n"),
        "on: workflow_dispatch\nname: Main\nrun-name: Key 7",
    )
    github.settle()
    assert (run.conclusion, run.title, "hi" in log(run, "hello").splitlines()) == ("success", "Key 7", True)
    assert receiver.titles()[1:] == [
        "workflow_run requested", "workflow_job queued", "check_run created", "workflow_run in_progress",
        "deployment created", "deployment_status created", "workflow_job in_progress", "deployment_status created",
        "workflow_job completed", "check_run completed", "workflow_run completed",
    ]  # fmt: skip
    repository = as_person(github, "ada").get_repo("acme/shop")
    found = repository.get_workflow_run(run.id)
    assert (found.display_title, found.name, found.event) == ("Key 7", "Main", "workflow_dispatch")
    assert [(one.name, one.conclusion) for one in found.jobs()] == [("hello", "success")]
    assert repository.get_workflow("main.yml").get_runs(status="success")[0].id == run.id
    assert repository.get_deployments()[0].get_statuses()[0].state == "success"
    numbered = found.jobs()[0].raw_data
    assert numbered["check_run_url"].endswith(f"/check-runs/{numbered['id']}")
    token = github.world.personal_token("ada")
    assert "hi" in call(github, "GET", f"/repos/acme/shop/actions/jobs/{numbered['id']}/logs", token).text


def test_dispatches_that_are_refused(github: GitHub, shop: Repository) -> None:
    top = "on:\n  workflow_dispatch:\n    inputs:\n      size: {type: choice, options: [s, m], required: true}\n      dry: {type: boolean, default: true}"
    run = start(
        github,
        shop,
        job("a", "echo ${{ inputs.dry && 'dry' || 'wet' }} ${{ github.event.inputs.dry }}"),
        top,
        size="s",
        dry="false",
    )
    github.settle()
    assert "wet false" in log(run, "a")
    token, path = github.world.personal_token("ada"), "/repos/acme/shop/actions/workflows/main.yml/dispatches"

    def told(body: dict[str, Any]) -> tuple[int, str]:
        answer = call(github, "POST", path, token, json=body)
        return answer.status_code, answer.json()["message"] if answer.content else ""

    assert told({"ref": "main", "inputs": {"size": "s"}}) == (204, "")
    assert told({"ref": "main"}) == (422, "Required input 'size' not provided")
    assert told({"ref": "gone"}) == (422, "No ref found for: gone")
    assert told({"ref": "main", "inputs": {"size": "s", "other": "x"}}) == (
        422,
        'Unexpected inputs provided: ["other"]',
    )
    assert told({"ref": "main", "inputs": {"size": "xl"}})[0] == 422
    assert told({"ref": "main", "inputs": {"size": "s", "dry": "x" * 70_000}})[1].startswith("inputs are too large")
    assert told({"ref": "main", "inputs": {str(n): "" for n in range(26)}})[0] == 422
    github.enterprise = "3.20"
    assert told({"ref": "main", "inputs": {"size": "s"}, "return_run_details": True})[0] == 400
    github.commit(shop, {FILE: f"on: push\njobs:\n{job('a')}"}, by="ada")
    assert told({"ref": "main"}) == (422, "Workflow does not have 'workflow_dispatch' trigger")
    github.commit(shop, {FILE: None})
    assert told({"ref": "main"})[0] == 404


def test_needs_failures_and_conditions(github: GitHub, shop: Repository) -> None:
    run = start(
        github, shop,
        job("a") + job("b", "exit 3", "    needs: a\n") + job("c", more="    needs: [b]\n") + job("d", more="    needs: [a]\n")
        + job("e", more="    needs: [c]\n    if: always()\n") + job("f", more="    needs: [d]\n    if: failure()\n")
        + job("g", more="    needs: [b]\n    if: ${{ !cancelled() && needs.b.result == 'failure' }}\n"),
    )  # fmt: skip
    github.settle()
    expected = {
        "a": "success",
        "b": "failure",
        "c": "skipped",
        "d": "success",
        "e": "success",
        "f": "skipped",
        "g": "success",
    }
    assert (results(run), run.conclusion) == (expected, "failure")
    assert "Process completed with exit code 3." in log(run, "b")


def test_a_matrix_from_an_earlier_jobs_output(github: GitHub, shop: Repository) -> None:
    first = (
        "  pick:\n    runs-on: ubuntu-latest\n    outputs:\n      legs: ${{ steps.pick.outputs.legs }}\n    steps:\n      - id: pick\n"
        '        run: echo \'legs={"include":[{"env":"a","n":1},{"env":"b","n":2}]}\' >> "$GITHUB_OUTPUT"\n'
    )
    more = "    needs: pick\n    name: go ${{ matrix.env }}\n    strategy:\n      fail-fast: false\n      matrix: ${{ fromJSON(needs.pick.outputs.legs) }}\n"
    run = start(github, shop, first + job("go", "test ${{ matrix.n }} = 1 && sleep 0.3", more))
    github.settle()
    assert results(run) == {"pick": "success", "go a": "success", "go b": "failure"}, [
        (one.log, one.stopping) for one in run.jobs
    ]


def test_fail_fast_cancels_the_other_legs(github: GitHub, shop: Repository) -> None:
    github.actions.cancel_seconds = 0.5
    more = "    strategy:\n      max-parallel: 2\n      matrix: {n: [0, 5, 6]}\n"
    run = start(github, shop, job("leg", "sleep ${{ matrix.n }}; exit 1", more))
    github.settle()
    assert results(run) == {"leg (0)": "failure", "leg (5)": "cancelled", "leg (6)": "cancelled"}


def test_reviewers_hold_a_job_back(github: GitHub, shop: Repository, receiver: Receiver) -> None:
    github.app("acme", receiver.url, events=["workflow_job"])
    bob = github.world.user("bob")
    for name in ("prod", "other"):
        shop.environments[name] = Environment(
            github.world.next_id(), name, github.world.clock.now(), (bob,), secrets={"KEY": f"{name}-secret"}
        )
    body = job(
        "deploy",
        "echo key is $KEY",
        "    environment: {name: Prod, deployment: false}\n    env: {KEY: '${{ secrets.KEY }}'}\n",
    )
    run = start(github, shop, body + job("no", more="    environment: other\n"))
    github.settle()
    assert (run.status, receiver.titles().count("workflow_job waiting")) == ("waiting", 2)
    token, path = github.world.personal_token("bob"), f"/repos/acme/shop/actions/runs/{run.id}/pending_deployments"
    waits = {one["environment"]["name"]: one["environment"]["id"] for one in call(github, "GET", path, token).json()}
    ask = {"environment_ids": [waits["prod"]], "state": "approved", "comment": "ok"}
    assert call(github, "POST", path, github.world.personal_token("ada"), json=ask).status_code == 422
    assert call(github, "POST", path, token, json=ask).status_code == 200
    assert (
        call(
            github, "POST", path, token, json={**ask, "environment_ids": [waits["other"]], "state": "rejected"}
        ).status_code
        == 200
    )
    github.settle()
    assert results(run) == {"deploy": "success", "no": "failure"}
    assert "key is ***" in log(run, "deploy")
    assert shop.deployments == {}


def test_branches_that_may_not_deploy(github: GitHub, shop: Repository) -> None:
    shop.environments["prod"] = Environment(1, "prod", github.world.clock.now(), branches=("release/*",))
    run = start(github, shop, job("a", more="    environment: prod\n"))
    github.settle()
    assert (run.conclusion, "is not allowed to deploy to prod" in log(run, "a")) == ("failure", True)


def test_concurrency_keeps_one_running_and_one_waiting(github: GitHub, shop: Repository) -> None:
    top = "on: workflow_dispatch\nconcurrency: Deploy"
    first = start(github, shop, job("a", "while [ ! -e $RUNNER_TEMP/../../../go ]; do sleep 0.02; done"), top)
    until(lambda: first.status == "in_progress")
    second, third = again(github, shop), again(github, shop)
    until(lambda: second.done)
    assert (second.conclusion, third.status) == ("cancelled", "pending")
    (github.folder / "go").touch()
    github.settle()
    assert (first.conclusion, third.conclusion) == ("success", "success")
    top = "on: workflow_dispatch\nconcurrency: {group: x, cancel-in-progress: true}"
    github.actions.cancel_seconds = 0.2
    old = start(github, shop, job("a", "sleep 20"), top)
    until(lambda: old.status == "in_progress")
    new = start(github, shop, job("a"), top)
    github.settle()
    assert (old.conclusion, new.conclusion) == ("cancelled", "success")


def _in_line(github: GitHub, shop: Repository, more: str) -> list[str | None]:
    """How three jobs of one group end, of which the first runs while the others wait."""
    github.actions.cancel_seconds = 0.2
    wait = "while [ ! -e $RUNNER_TEMP/../../../go ]; do sleep 0.02; done"
    group = f"    concurrency: {{group: x, {more}}}\n"
    run = start(github, shop, job("a", wait, more=group) + job("b", more=group) + job("c", more=group))
    until(lambda: any(one.key == "a" and one.status == "in_progress" for one in run.current()))
    (github.folder / "go").touch()
    github.settle()
    return [one.conclusion for one in sorted(run.current(), key=lambda each: each.key)]


def test_jobs_in_line(github: GitHub, shop: Repository) -> None:
    assert _in_line(github, shop, "queue: max") == ["success", "success", "success"]


def test_an_expression_says_whether_a_job_cancels_what_runs(github: GitHub, shop: Repository) -> None:
    github.actions.cancel_seconds = 0.2
    group = "    concurrency: {group: x, cancel-in-progress: '${{ github.event_name == ''workflow_dispatch'' }}'}\n"
    old = start(github, shop, job("a", "sleep 20", more=group))
    until(lambda: all(one.status == "in_progress" for one in old.current()))
    new = start(github, shop, job("a", more=group))
    github.settle()
    assert (old.conclusion, new.conclusion) == ("cancelled", "success")


@pytest.mark.parametrize("more", ["queue: long", "queue: max, cancel-in-progress: true", "cancel: true"])
def test_a_concurrency_that_is_not_known_is_refused(github: GitHub, shop: Repository, more: str) -> None:
    with pytest.raises(InvalidWorkflow):
        parse("x.yml", f"on: push\nconcurrency: {{group: x, {more}}}\njobs:\n{job('a')}".encode())


def test_jobs_share_limited_machines(github: GitHub, shop: Repository) -> None:
    github.actions.most_jobs, github.actions.start_delay = 1, 0.2
    run = start(github, shop, job("a", "sleep 0.2") + job("b", "sleep 0.2"))
    github.settle()
    one, other = sorted(run.current(), key=lambda each: each.started_at or each.created_at)
    assert one.completed_at is not None
    assert other.started_at is not None
    assert one.completed_at <= other.started_at
    assert (run.started_at - run.created_at).total_seconds() >= 0.2


def test_a_cancel_gives_grace_then_kills(github: GitHub, shop: Repository) -> None:
    github.actions.cancel_seconds = 0.5
    script = "|\n          trap 'echo caught; exit 1' INT\n          touch $RUNNER_TEMP/../../../on; while :; do sleep 0.05; done\n      - if: always()\n        run: echo cleaned up\n      - run: echo never"
    run = start(
        github,
        shop,
        job("polite", script) + job("after", more="    needs: polite\n") + job("stubborn", "trap '' INT; sleep 30"),
    )
    until((github.folder / "on").exists)
    as_person(github, "ada").get_repo("acme/shop").get_workflow_run(run.id).cancel()
    github.settle()
    assert (run.conclusion, set(results(run).values()) <= {"cancelled", "skipped"}) == ("cancelled", True)
    text = log(run, "polite")
    assert ("caught" in text, "\ncleaned up" in text, "\nnever" in text) == (True, True, False)
    with pytest.raises(GithubException, match="completed"):
        as_person(github, "ada").get_repo("acme/shop").requester.requestJsonAndCheck(
            "POST", f"/repos/acme/shop/actions/runs/{run.id}/cancel"
        )


def test_a_cancel_reaches_a_step_whose_process_is_about_to_start(
    github: GitHub, shop: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.actions.cancel_seconds = 0.5
    start_process = subprocess.Popen

    def cancelled_first(*arguments: Any, **more: Any) -> Any:
        github.actions.cancel(shop, run)
        return start_process(*arguments, **more)

    github.actions.start_delay = 0.5
    run = start(github, shop, job("stubborn", "trap '' INT; sleep 60"))
    monkeypatch.setattr("tests.github.actions.worker.subprocess.Popen", cancelled_first)
    github.settle()
    assert (run.conclusion, results(run)) == ("cancelled", {"stubborn": "cancelled"})


def test_a_cancel_asks_twice_before_it_kills(github: GitHub, shop: Repository) -> None:
    github.actions.cancel_seconds = 2.0
    script = "|\n          trap 'echo asked' INT; trap 'echo asked again; exit 1' TERM\n          touch $RUNNER_TEMP/../../../on; while :; do :; done"  # bash may lose an INT that comes while a command ends
    run = start(github, shop, job("deaf", script))
    until((github.folder / "on").exists)
    as_person(github, "ada").get_repo("acme/shop").get_workflow_run(run.id).cancel()
    github.settle()
    assert [line for line in log(run, "deaf").splitlines() if line.startswith("asked")] == ["asked", "asked again"]


def test_what_stands_between_stop_commands_is_text(github: GitHub, shop: Repository) -> None:
    lines = (
        "echo ::stop-commands::w0rd; echo ::add-mask::seen; echo ::w0rd::; echo ::add-mask::unseen; echo seen unseen"
    )
    run = start(github, shop, job("quoting", f"|\n          {lines}"))
    github.settle()
    text = log(run, "quoting").splitlines()
    assert "::add-mask::seen" in text and "seen ***" in text and "::stop-commands::***" in text


def test_failed_jobs_are_run_again(github: GitHub, shop: Repository) -> None:
    script = 'test "$GITHUB_RUN_ATTEMPT" = 2'
    run = start(
        github, shop, job("good") + job("bad", script, "    needs: good\n") + job("next", more="    needs: bad\n")
    )
    github.settle()
    assert results(run) == {"good": "success", "bad": "failure", "next": "skipped"}
    good = next(one.id for one in run.jobs if one.name == "good")
    as_person(github, "ada").get_repo("acme/shop").get_workflow_run(run.id).rerun_failed_jobs()
    github.settle()
    assert (results(run), run.attempt) == ({"good": "success", "bad": "success", "next": "success"}, 2)
    assert [one.id for one in run.current() if one.name == "good"] == [good]
    as_person(github, "ada").get_repo("acme/shop").get_workflow_run(run.id).rerun()
    github.settle()
    assert (run.attempt, results(run)["bad"]) == (3, "failure")


def test_time_outs_and_tolerated_failures(github: GitHub, shop: Repository) -> None:
    github.actions.minute, github.actions.cancel_seconds = 0.2, 0.2
    run = start(
        github,
        shop,
        job("slow", "sleep 9", "    timeout-minutes: 1\n")
        + job("soft", "exit 1", "    continue-on-error: true\n")
        + job("last", more="    needs: soft\n"),
    )
    github.settle()
    assert results(run) == {"slow": "cancelled", "soft": "failure", "last": "success"}


def test_a_job_proves_who_it_is(github: GitHub, shop: Repository) -> None:
    script = '|\n          curl -sS -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=headwater" > $RUNNER_TEMP/../../../answer'
    more = "    permissions: {id-token: write}\n    environment: headwater-deploy\n"
    run = start(github, shop, job("who", script, more) + job("nobody", 'test -z "$ACTIONS_ID_TOKEN_REQUEST_URL"'))
    github.settle()
    assert results(run) == {"who": "success", "nobody": "success"}
    text = requests.models.complexjson.loads((github.folder / "answer").read_text())["value"]
    issuer = f"{github.url}/_services/token"
    keys = jwt.PyJWKClient(requests.get(f"{issuer}/.well-known/openid-configuration", timeout=5).json()["jwks_uri"])
    claims = jwt.decode(text, keys.get_signing_key_from_jwt(text).key, ["RS256"], audience="headwater", issuer=issuer)
    assert claims["sub"] == "repo:acme/shop:environment:headwater-deploy"
    assert claims["job_workflow_ref"] == f"acme/shop/{FILE}@refs/heads/main"
    assert (claims["run_id"], claims["repository_id"]) == (str(run.id), str(shop.id))
    assert claims["check_run_id"] == str(next(one.id for one in run.jobs if one.name == "who"))
    github.actions.issuer.rotate()
    assert len(requests.get(f"{issuer}/.well-known/jwks", timeout=5).json()["keys"]) == 2
    github.actions.issuer.forget()
    with pytest.raises(jwt.PyJWKClientError):
        jwt.PyJWKClient(f"{issuer}/.well-known/jwks").get_signing_key_from_jwt(text)


def test_the_jobs_token_does_what_permissions_say(github: GitHub, shop: Repository) -> None:
    ask = "|\n          for path in issues/1/comments check-runs; do curl -s -o /dev/null -w '%{http_code} ' -X POST -H \"Authorization: Bearer ${{ github.token }}\" -d '{}' $GITHUB_API_URL/repos/$GITHUB_REPOSITORY/$path; done"
    run = start(github, shop, job("few", ask) + job("one", ask, "    permissions: {checks: write}\n"))
    github.settle()
    assert ("403 403" in log(run, "few"), "403 422" in log(run, "one")) == (True, True)


def test_pushes_and_pull_requests_start_runs(github: GitHub, shop: Repository) -> None:
    top = "on:\n  push: {branches: [main], paths: ['db/**']}\n  pull_request: {branches: ['main']}"
    github.commit(
        shop,
        {FILE: f"{top}\njobs:\n{job('a', 'echo $GITHUB_REF ${{ github.event.pull_request.number }}')}", "db/x": "1"},
    )
    github.commit(shop, {"other": "1"})
    github.commit(shop, {"db/x": "2"}, branch="feature", by="ada")
    pull = as_person(github, "ada").get_repo("acme/shop").create_pull("main", "feature", title="x")
    github.commit(shop, {"db/x": "3"}, branch="feature", by="ada")
    github.settle()
    assert [(one.event, one.ref) for one in shop.runs.values()] == [
        ("push", "refs/heads/main"), ("pull_request", "refs/pull/1/merge"), ("pull_request", "refs/pull/1/merge"),
    ]  # fmt: skip
    assert f"refs/pull/{pull.number}/merge {pull.number}" in log(list(shop.runs.values())[-1], "a")


def test_runs_that_vanish_never_start_or_die(github: GitHub, shop: Repository) -> None:
    github.faults.runs_never_start = 1
    stuck = start(github, shop, job("deploy", "sleep 0.1"))
    github.settle()
    assert stuck.status == "queued"
    github.actions.cancel(shop, stuck)
    github.settle()
    assert stuck.conclusion == "cancelled"
    github.faults.runs_vanish = 1
    with pytest.raises(KeyError):
        again(github, shop)
    github.faults.jobs_die = [re.compile("deploy")]
    dead = again(github, shop)
    github.settle()
    assert (dead.conclusion, "lost communication" in log(dead, "deploy")) == ("failure", True)
    github.faults.unlisted_seconds = 5
    late = again(github, shop)
    repository = as_person(github, "ada").get_repo("acme/shop")
    assert late.id not in [one.id for one in repository.get_workflow_runs()]
    github.world.clock.move(6)
    assert late.id in [one.id for one in repository.get_workflow_runs()]
    github.settle()


def test_a_machine_is_lost_in_the_middle(github: GitHub, shop: Repository) -> None:
    run = start(github, shop, job("long", "touch $RUNNER_TEMP/../../../on; sleep 30"))
    until((github.folder / "on").exists)
    github.actions.lose(run.current()[0])
    github.settle()
    assert results(run) == {"long": "failure"}
