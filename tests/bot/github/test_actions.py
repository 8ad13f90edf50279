"""Dispatches, runs and jobs, for real."""

from __future__ import annotations

import json

import pytest

from bot.github.errors import NotFound, Refused, Unreachable
from bot.github.repository_client import RepositoryClient
from tests.bot.github.conftest import asked
from tests.github import GitHub
from tests.github.world.clock import stamp
from tests.github.world.deployments import Environment
from tests.github.world.repository import Repository
from tests.waiting import until

FILE = "headwater.yml"


def inputs(key: str) -> dict[str, str]:
    return {"dispatch": json.dumps({"key": key})}


def test_a_dispatch_tells_its_run(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    number = client.dispatch(FILE, "main", inputs("k1"))
    assert number is not None
    github.settle(120)
    run = client.run(number)
    assert (run.display_title, run.name, run.event, run.run_attempt) == (
        "headwater k1",
        "Headwater",
        "workflow_dispatch",
        1,
    )
    assert (run.status, run.conclusion, run.path) == ("completed", "success", f".github/workflows/{FILE}")
    assert run.head_sha == shop.git.branch("main")
    (job,) = client.jobs(number)
    assert (job.name, job.run_id, job.status, job.conclusion) == ("deploy", number, "completed", "success")
    assert job.html_url.endswith(f"/actions/runs/{number}/job/{job.id}")
    assert [one.id for one in client.runs(FILE)] == [number]
    assert client.cancel_run(number) is False
    with pytest.raises(NotFound):
        client.run(1)


def test_a_dispatch_whose_answer_is_lost_is_found_by_its_title(
    github: GitHub, shop: Repository, client: RepositoryClient
) -> None:
    before = stamp(github.world.clock.now())
    github.faults.unlisted_seconds = 5
    github.faults.lose_answer("dispatches")
    with pytest.raises(Unreachable) as lost:
        client.dispatch(FILE, "main", inputs("k2"))
    assert lost.value.uncertain
    assert client.runs(FILE, created_since=before) == ()
    github.world.clock.move(6)
    assert [one.display_title for one in client.runs(FILE, created_since=before)] == ["headwater k2"]
    assert client.runs(FILE, event="push") == ()


def test_an_enterprise_server_without_run_details(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    github.enterprise = "3.20"
    assert client.dispatch(FILE, "main", inputs("k3")) is None
    assert client.dispatch(FILE, "main", inputs("k4")) is None
    github.settle(120)
    assert {one.display_title for one in client.runs(FILE)} == {"headwater k3", "headwater k4"}
    tried = [one.rsplit(" ", 1)[1] for one in asked(github) if one.startswith("POST") and "dispatches" in one]
    assert tried == ["400", "204", "204"]  # asked once, then known


def test_dispatches_that_are_refused(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    with pytest.raises(NotFound):
        client.dispatch("gone.yml", "main", inputs("k"))
    with pytest.raises(Refused, match="No ref found for: gone"):
        client.dispatch(FILE, "gone", inputs("k"))
    with pytest.raises(Refused, match="Unexpected inputs") as refused:
        client.dispatch(FILE, "main", {"other": "x"})
    assert not isinstance(refused.value, Unreachable)
    shop.workflows[f".github/workflows/{FILE}"].state = "disabled_manually"
    with pytest.raises(Refused, match="disabled workflow"):
        client.dispatch(FILE, "main", inputs("k"))


def test_what_waits_for_reviewers_and_is_cancelled(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    shop.environments["headwater-deploy"] = Environment(
        github.world.next_id(), "headwater-deploy", github.world.clock.now(), (github.world.user("owner"),)
    )
    number = client.dispatch(FILE, "main", inputs("k5"))
    assert number is not None
    until(lambda: client.run(number).status == "waiting", seconds=120)
    assert client.cancel_run(number) is True
    until(lambda: client.run(number).status == "completed", seconds=120)
    assert client.run(number).conclusion == "cancelled"


def test_jobs_of_all_attempts_page_by_page(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    legs = "{n: [" + ", ".join(str(number) for number in range(101)) + "]}"
    text = (
        f"name: Wide\non: workflow_dispatch\njobs:\n  leg:\n    if: true\n    runs-on: ubuntu-latest\n"
        f"    strategy: {{fail-fast: false, matrix: {legs}}}\n    steps: [{{run: 'true'}}]\n"
    )
    github.commit(shop, {".github/workflows/wide.yml": text})
    github.faults.runs_never_start = 0
    github.actions.most_jobs = 0  # they stay queued
    number = client.dispatch("wide.yml", "main", {})
    assert number is not None
    until(lambda: len(client.jobs(number)) == 101, seconds=120)
    assert client.cancel_run(number)
    until(lambda: client.run(number).status == "completed", seconds=120)
    from tests.github.actions import starting  # noqa: PLC0415

    starting.again(github.actions, shop, shop.runs[number], github.world.user("ada"))
    until(lambda: len(client.jobs(number)) == 101 and client.run(number).run_attempt == 2, seconds=120)
    assert len(client.jobs(number, every_attempt=True)) == 202
    client.cancel_run(number)
    until(lambda: client.run(number).status == "completed", seconds=120)
