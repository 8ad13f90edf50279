"""Fault 42: signatures that are forged, replayed or cut short; identities of jobs that are not the one that was asked."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.request
import uuid
from typing import Any

import pytest

from bot.store import remote_jobs
from tests.bot.web.conftest import Site, TestHost, signature, webhook_headers
from tests.bot.web.offering import Ci, Offered
from tests.bot.web.test_runner_api import by_another_key, claim, error, without_algorithm
from tests.conversations.town import SECRET, Town
from tests.github.actions.runs import Job

BODY = b'{"action":"created","installation":{"id":1}}'


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(signature(BODY, "a secret that we never had"), id="forged"),
        pytest.param(signature(BODY + b" "), id="of other bytes"),
        pytest.param(signature(BODY)[:-1], id="truncated"),
        pytest.param("sha256=", id="truncated to nothing"),
        pytest.param("", id="empty"),
    ],
)
def test_fault_42_a_signature_that_is_not_that_of_the_bytes(wrong: str, site: Site) -> None:
    headers = webhook_headers(BODY, "installation") | {"X-Hub-Signature-256": wrong}
    answer = site.deliver(BODY, headers)
    assert (answer.status, answer.json["error"]) == (401, "bad-signature")
    assert site.kept() == []
    assert site.host.woken == 0


def test_fault_42_a_signature_that_is_replayed_with_its_delivery(site: Site) -> None:
    headers = webhook_headers(BODY, "installation", "seen-before")
    assert [site.deliver(BODY, headers).status for _ in range(3)] == [202] * 3
    assert len(site.kept()) == 1


def test_fault_42_a_signature_that_is_replayed_as_another_delivery(town: Town) -> None:
    """It does not cover the delivery's id; so whoever has seen one could send it again under another: nothing follows."""
    town.setup(
        {
            "headwater.yml": "name: w\nenvironments:\n  db: {vcs: {type: script, path: db}}\n",
            **town.environments(db="1"),
        }
    )
    pull = town.pull(town.environments(db="2"))
    town.settle()
    pull.say("/deploy")
    assert town.tool_log() == ["db begins", "db deployed"]
    said, jobs = [one.body for one in pull.ours()], len(town.repository.runs)
    town.drift("db", "something else")  # a second deploy would show
    for one in [sent for sent in town.github.hooks.log if sent.event in ("issue_comment", "pull_request")]:
        assert replay(town, one.event, one.body) == 202
    town.settle()
    assert town.tool_log() == ["db begins", "db deployed"]
    assert [one.body for one in pull.ours()] == said
    assert len(town.repository.runs) == jobs


def replay(town: Town, event: str, body: bytes) -> int:
    """Send the very bytes again, as another delivery."""
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
    }
    request = urllib.request.Request(f"{town.settings.public_url}/webhook", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(answer.status)


OTHERS: dict[str, tuple[dict[str, Any], set[tuple[int, str]]]] = {
    "repository": ({"repository_id": "1", "repository": "evil/shop"}, {(403, "repository")}),
    "audience": ({"aud": "https://another.example"}, {(401, "not-genuine")}),
    "issuer": ({"iss": "https://issuer.evil.example"}, {(401, "not-genuine")}),
    "environment": ({"environment": "headwater-plan"}, {(403, "environment")}),
    "workflow": ({"workflow_ref": "acme/shop/.github/workflows/x.yml@refs/heads/main"}, {(403, "workflow")}),
    "branch": ({"ref": "refs/heads/evil"}, {(403, "ref")}),
    "time": ({"exp": 1_700_000_000, "nbf": 1_699_990_000, "iat": 1_699_990_000}, {(401, "not-genuine")}),
}


@pytest.mark.parametrize("of_another", OTHERS)
def test_fault_42_the_identity_of_another(
    of_another: str, site: Site, trusting: TestHost, offered: Offered, ci: Ci, job: Job
) -> None:
    changed, told = OTHERS[of_another]
    refused(site, offered, ci.token(job, **changed), told)


def test_fault_42_the_identity_of_another_run(
    site: Site, trusting: TestHost, offered: Offered, ci: Ci, job: Job
) -> None:
    assert claim(site, offered, ci.token(job)).status == 200
    assert error(claim(site, offered, ci.token(ci.job()))) == (409, "taken")


def test_fault_42_an_identity_signed_with_another_key(
    site: Site, trusting: TestHost, offered: Offered, ci: Ci, job: Job
) -> None:
    refused(site, offered, by_another_key(ci, job), {(401, "not-genuine")})


def test_fault_42_an_identity_that_says_alg_none(
    site: Site, trusting: TestHost, offered: Offered, ci: Ci, job: Job
) -> None:
    refused(site, offered, without_algorithm(ci, job), {(401, "not-genuine"), (401, "no-token")})


def test_fault_42_an_identity_that_is_truncated(
    site: Site, trusting: TestHost, offered: Offered, ci: Ci, job: Job
) -> None:
    for end in (-1, -6, -200):
        refused(site, offered, ci.token(job)[:end], {(401, "not-genuine")})


def refused(site: Site, offered: Offered, token: str, told: set[tuple[int, str]]) -> None:
    """It claims nothing, is told why, and hears nothing of what the attempt is about."""
    answer = claim(site, offered, token)
    assert error(answer) in told
    assert "tiger" not in json.dumps(answer.json)
    with site.host.database.reading() as connection:
        assert not remote_jobs.rows(connection, [offered.attempt])[offered.attempt].claimed
