"""The real runner in a job of the rendered workflow, and the real server: neither is played by a test."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from sqlalchemy import update

from bot.decide.facts import Stop
from bot.github.oidc import Verifier
from bot.runner.channel import seal_context
from bot.runner.seal import unseal
from bot.store import remote_jobs
from bot.store.hosted_tables import remote_attempts
from planner.ci.headwater_workflow import FILE, SETUP_FILE, render_headwater_setup, render_headwater_workflow
from planner.definition import Definitions
from tests.bot.web.conftest import Site, TestHost, database, host, key_file, kind, site  # noqa: F401  (fixtures)
from tests.bot.web.offering import Offered, offer
from tests.github import GitHub
from tests.github.actions.runs import Run
from tests.github.world.repository import Repository
from tests.waiting import until

KEY = "6b" * 32
SCRIPTS = {
    "plan": "echo would change; exit 2",
    "apply": "echo applied",
    "destroy": "echo gone",
    "outputs": """echo '{"key": {"value": "hush-hush", "sensitive": true}}'""",
}


class World:
    """A repository with our two files on a GitHub that plays Actions, and a server that its jobs speak to."""

    def __init__(self, github: GitHub, site: Site) -> None:  # noqa: F811
        self.github, self.site, self.host = github, site, site.host
        self.url = f"http://127.0.0.1:{site.port}"
        self.host.verifier = Verifier(github.actions.issuer.url, self.url)
        github.world.organization("acme", ["ada"])
        files: dict[str, Any] = {f"svc/{name}": ("100755", f"#!/bin/sh\n{text}\n") for name, text in SCRIPTS.items()}
        files[FILE] = render_headwater_workflow(Definitions(), self.url)
        files[SETUP_FILE] = render_headwater_setup(Definitions())
        self.shop: Repository = github.repository("acme/shop", files, write=["ada"])
        github.settle()

    def offer(self, **more: Any) -> Offered:
        found = offer(self.host, self.shop.id)
        spec = {
            "attempt": found.attempt,
            "kind": "deploy",
            "alias": "db",
            "slug": "db",
            "tool": "script",
            "path": "svc",
            "commit": self.shop.git.branch("main"),
            "fetch": {"url": f"{self.github.url}/acme/shop", "token": None},
            "refuse_no_backend": True,
            "digest_key": KEY,
            "seal_key": KEY,
            "accept": {"all": True},
            "beat_every": 0.2,
            **more,
        }
        with self.host.database.writing() as connection:
            of_it = remote_attempts.c.attempt_id == found.attempt
            connection.execute(update(remote_attempts).where(of_it).values(spec=self.host.vault.seal(spec)))
        return found

    def dispatch(self, offered: Offered) -> Run:
        leg = {"attempt": offered.attempt, "slug": "db", "runsOn": ["x"], "environment": "headwater-deploy"}
        told = {"key": offered.key, "runner": self.host.zipapp.digest, "deploy": [leg]}
        answer = requests.post(
            f"{self.github.api_url}/repos/acme/shop/actions/workflows/headwater.yml/dispatches",
            headers={"Authorization": f"Bearer {self.github.world.personal_token('ada')}"},
            json={"ref": "main", "inputs": {"dispatch": json.dumps(told)}, "return_run_details": True},
            timeout=10,
        )
        return self.shop.runs[answer.json()["workflow_run_id"]]

    def report(self, offered: Offered) -> dict[str, Any] | None:
        with self.host.database.reading() as connection:
            return remote_jobs.read_report(connection, self.host.vault, offered.attempt)

    def log(self, offered: Offered) -> str:
        with self.host.database.reading() as connection:
            return remote_jobs.log(connection, offered.attempt).decode()

    def row(self, offered: Offered) -> remote_jobs.RemoteRow:
        with self.host.database.reading() as connection:
            return remote_jobs.rows(connection, [offered.attempt])[offered.attempt]


@pytest.fixture
def world(site: Site) -> Any:  # noqa: F811
    with GitHub() as github:
        yield World(github, site)
    assert not github.errors


def test_a_job_claims_works_and_reports(world: World) -> None:
    offered = world.offer()
    run = world.dispatch(offered)
    world.github.settle(60)
    job = next(one for one in run.jobs if one.name == "deploy db")
    assert job.conclusion == "success", job.log
    row, report = world.row(offered), world.report(offered)
    assert (row.claimed, row.reported, row.run_id, row.job_id) == (True, True, run.id, job.id)
    assert row.beats > 1
    assert report and (report["result"], report["applied"]) == ("succeeded", True)
    sealed = report["outputs"]["key"]["sealed"]
    assert unseal(sealed, bytes.fromhex(KEY), seal_context(offered.attempt, "key")) == "hush-hush"
    assert world.log(offered) == "applied\n"


def test_a_stop_reaches_the_tool(world: World) -> None:
    mark = world.github.folder / "mark"
    text = f"#!/bin/sh\ntrap 'echo saved; exit 1' INT; touch {mark}; while :; do sleep .1; done\n"
    world.github.commit(world.shop, {"svc/apply": ("100755", text)})
    offered = world.offer()
    run = world.dispatch(offered)
    until(mark.exists, seconds=60)
    with world.host.database.writing() as connection:
        remote_jobs.ask_stop(connection, offered.attempt, Stop.GRACEFULLY)
    world.github.settle(60)
    report = world.report(offered)
    assert report and report["result"] == "cancelled" and "saved" in world.log(offered)
    assert run.conclusion == "failure"
