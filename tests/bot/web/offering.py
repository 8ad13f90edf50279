"""An attempt that is offered to a job, and a job of the GitHub on localhost that may claim it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from sqlalchemy import insert, select, update

from bot.decide.deeds import By
from bot.decide.facts import TaskAction
from bot.store import attempts, dispatching, hosting, new_deployments, remote
from bot.store.attempts import NewAttempt
from bot.store.hosted_tables import remote_attempts
from bot.store.new_deployments import NewDeployment, NewTask
from bot.store.remote import Offer
from bot.store.tables import attempts as attempt_rows
from bot.store.tables import environments, tasks, workflows
from planner.ci.headwater_workflow import FILE as WORKFLOW_FILE
from tests.bot.web.conftest import PUBLIC_URL, TestHost
from tests.github import GitHub
from tests.github.actions.runs import Job
from tests.github.world.repository import Repository

COMMIT = "a" * 40
ENVIRONMENT = "headwater-deploy"
SPEC = {"attempt": "", "kind": "deploy", "alias": "db", "variables": [{"name": "PASSWORD", "value": "tiger"}]}
FILE = f"""on: workflow_dispatch
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment: {ENVIRONMENT}
    steps: [{{run: "true"}}]
"""


@dataclass(frozen=True)
class Offered:
    """The attempt, and the key that it was dispatched with."""

    attempt: str
    key: str


@dataclass
class Ci:
    """A repository on GitHub with our workflow file, and jobs in it."""

    github: GitHub
    repository: Repository

    @classmethod
    def on(cls, github: GitHub) -> Ci:
        github.world.organization("acme", ["owner"])
        return cls(github, github.repository("acme/shop", {WORKFLOW_FILE: FILE}, write=["ada"]))

    def job(self) -> Job:
        """A job of a new run."""
        before = set(self.repository.runs)
        path = f"{self.github.api_url}/repos/acme/shop/actions/workflows/headwater.yml/dispatches"
        headers = {"Authorization": f"Bearer {self.github.world.personal_token('ada')}"}
        assert requests.post(path, json={"ref": "main"}, headers=headers, timeout=10).status_code == 204
        self.github.settle()
        (number,) = set(self.repository.runs) - before
        return self.repository.runs[number].jobs[0]

    def token(self, job: Job, audience: str = PUBLIC_URL, **other: Any) -> str:
        """The identity token of a job; `other` claims replace the true ones."""
        return self.github.actions.issuer.token(self.repository, job, audience, **other)


def offer(
    host: TestHost,
    github_id: int,
    alias: str = "db",
    run_id: int | None = None,
    spec: Mapping[str, object] = SPEC,
) -> Offered:
    """Write down a deployment of one environment, its attempt, and the dispatch that it went out with."""
    now = time.time()
    with host.database.writing() as connection:
        known = {"installation_id": 1, "full_name": "acme/shop", "default_branch": "main", "private": True}
        hosted = hosting.keep_repository(connection, github_id, {**known, "clone_url": "", "html_url": ""})
        file = {"repository_id": hosted.id, "file": f"{alias}.yml", "name": alias}
        workflow = connection.execute(insert(workflows).values(file)).inserted_primary_key[0]  # type: ignore[index]
        place = {"workflow_id": workflow, "alias": alias, "alias_key": alias, "slug": alias, "path": alias}
        own = {"tool": "script", "state_id": alias, "digest_key": bytes(32)}
        environment = connection.execute(insert(environments).values(place | own)).inserted_primary_key[0]  # type: ignore[index]
        by = By("ada", "#1", ("deploy: write",))
        task = NewTask(environment, alias, TaskAction.DEPLOY, COMMIT, COMMIT)
        new = NewDeployment(workflow, TaskAction.DEPLOY, COMMIT, by, "github-actions", (task,), jobs=4)
        deployment = new_deployments.create(connection, new, now)
        number = connection.execute(select(tasks.c.id).where(tasks.c.deployment_id == deployment)).scalar_one()
        attempt = f"{deployment}-{number}-{alias}-1"
        attempts.add(connection, host.vault, [NewAttempt(attempt, number, environment, 1, True, bytes(32))], now)  # type: ignore[arg-type]
        out = Offer(attempt, hosted.id, deployment, "deploy", alias, ("ubuntu-latest",), ENVIRONMENT)
        remote.offer(connection, host.vault, out, {**spec, "attempt": attempt}, now)  # type: ignore[arg-type]
        row = dispatching.batch(connection, hosted.id, dispatching.offered(connection, hosted.id), now)
        if run_id is not None:
            of_it = remote_attempts.c.attempt_id == attempt
            connection.execute(update(remote_attempts).where(of_it).values(run_id=run_id))
    return Offered(attempt, row.key)


def end(host: TestHost, attempt: str) -> None:
    """The attempt is over."""
    with host.database.writing() as connection:
        connection.execute(update(attempt_rows).where(attempt_rows.c.id == attempt).values(active=False))
