"""What runners ask: claims by jobs that prove who they are, and nothing for anybody else."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import update

from bot.decide.facts import Stop
from bot.github.oidc import Verifier
from bot.store import remote, remote_jobs
from bot.store.hosted_tables import dispatches
from bot.web.pace import Pace
from bot.web.runner_api import MOST_LOG, MOST_REPORT
from tests.bot.runner.bot_server import problems
from tests.bot.web.conftest import PUBLIC_URL, Answer, Site, TestHost, both
from tests.bot.web.offering import Ci, Offered, end, offer
from tests.github import GitHub
from tests.github.actions.runs import Job

REPORT = {"attempt": "", "result": "succeeded", "error": None, "plan": None, "applied": True, "outputs": {},
          "plan_duration": 1.0, "duration": 2.0}  # fmt: skip


@pytest.fixture(scope="module")
def ci() -> Iterator[Ci]:
    with GitHub() as github:
        yield Ci.on(github)
        assert not github.errors


@pytest.fixture(scope="module")
def job(ci: Ci) -> Job:
    return ci.job()


@pytest.fixture
def host(host: TestHost, ci: Ci) -> TestHost:
    """A host that trusts the issuer on localhost."""
    host.verifier = Verifier(ci.github.actions.issuer.url, PUBLIC_URL)
    return host


@pytest.fixture
def offered(host: TestHost, ci: Ci) -> Offered:
    return offer(host, ci.repository.id)


def claim(site: Site, offered: Offered, token: str | None, **changed: Any) -> Answer:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = {"attempt": offered.attempt, "key": offered.key, **changed}
    return site.ask("POST", "/runner/v1/claim", json.dumps(body).encode(), headers)


class Runner:
    """One that has its attempt."""

    def __init__(self, site: Site, offered: Offered, token: str) -> None:
        self.site = site
        self.attempt = offered.attempt
        self.token = token

    def call(self, what: str, body: bytes, token: str | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.site.ask("POST", f"/runner/v1/attempts/{self.attempt}/{what}", body, headers)

    def beat(self, beats: int) -> Answer:
        return self.call("beat", json.dumps({"beats": beats}).encode())

    def report(self, **changed: Any) -> Answer:
        return self.call("report", json.dumps({**REPORT, "attempt": self.attempt, **changed}).encode())


@pytest.fixture
def runner(site: Site, offered: Offered, ci: Ci, job: Job) -> Runner:
    return Runner(site, offered, claim(site, offered, ci.token(job)).json["token"])


def error(answer: Answer) -> tuple[int, str]:
    """A refusal, which is one as the description has it."""
    assert problems("Error", answer.json) == []
    assert answer.json["detail"]
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status, answer.json["error"]


# ---- claims


@both
def test_the_job_of_an_attempt_claims_it(site: Site, offered: Offered, ci: Ci, job: Job) -> None:
    answer = claim(site, offered, ci.token(job))
    assert answer.status == 200
    assert answer.json["spec"]["attempt"] == offered.attempt
    assert answer.json["spec"]["variables"] == [{"name": "PASSWORD", "value": "tiger"}]
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.json["token"]) >= 32
    assert site.host.woken == 0, "a claim is seen with the next look: nothing can go on for it"
    with site.host.database.reading() as connection:
        row = remote_jobs.rows(connection, [offered.attempt])[offered.attempt]
    assert (row.claimed, row.run_id, row.job_id) == (True, job.run.id, job.id)


@both
def test_of_many_jobs_one_has_it(site: Site, offered: Offered, ci: Ci) -> None:
    tokens = [ci.token(one) for one in [ci.job() for _ in range(4)] for _ in range(2)]
    with ThreadPoolExecutor(8) as jobs:
        answers = list(jobs.map(lambda token: claim(site, offered, token), tokens))
    taken = [error(one) for one in answers if one.status != 200]
    # Once the first has it, the run of the others is another one than its own: both are no.
    assert len(taken) == len(tokens) - 1
    assert set(taken) <= {(409, "taken"), (403, "run")}


def test_another_job_is_told_so(site: Site, runner: Runner, offered: Offered, ci: Ci, job: Job) -> None:
    assert error(claim(site, offered, ci.token(job), key="another")) == (409, "unknown")
    assert error(claim(site, offered, ci.token(ci.job()))) in {(403, "run"), (409, "taken")}


def test_what_was_given_up_is_not_handed_out(site: Site, offered: Offered, ci: Ci, job: Job) -> None:
    with site.host.database.writing() as connection:
        remote_jobs.revoke(connection, offered.attempt, "a newer push superseded it")
    answer = claim(site, offered, ci.token(job))
    assert error(answer) == (409, "revoked")
    assert answer.json["detail"] == "a newer push superseded it"


def test_an_attempt_that_there_never_was(site: Site, offered: Offered, ci: Ci, job: Job) -> None:
    assert error(claim(site, offered, ci.token(job), attempt="1-2-x")) == (409, "unknown")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b'{"attempt":"a"}', b'{"attempt":1,"key":"k"}', b'{"attempt":"a/../b","key":"k"}',
     b'{"attempt":"a","key":"\xc3\xa9"}', b'{"attempt":"a","key":""}', b'{"attempt":"' + b"a" * 201 + b'","key":"k"}',
     b"[" * 50_000, b'{"a":' * 20_000, b"1" * 5000],
)  # fmt: skip
def test_claims_that_are_none(body: bytes, site: Site, ci: Ci, job: Job) -> None:
    answer = site.ask("POST", "/runner/v1/claim", body, {"Authorization": f"Bearer {ci.token(job)}"})
    assert error(answer) in {(400, "bad-request"), (413, "request-entity-too-large")}


FORGED: Mapping[str, tuple[Mapping[str, Any], tuple[int, str]]] = {
    "issuer": ({"iss": "https://token.actions.githubusercontent.com"}, (401, "not-genuine")),
    "audience": ({"aud": "https://github.com/acme"}, (401, "not-genuine")),
    "expired": ({"exp": 1_700_000_000, "nbf": 1_699_990_000, "iat": 1_699_990_000}, (401, "not-genuine")),
    "early": ({"nbf": 4_000_000_000}, (401, "not-genuine")),
    "for ever": ({"exp": None}, (401, "not-genuine")),
    "repository": ({"repository_id": "1"}, (403, "repository")),
    "no repository": ({"repository_id": None}, (403, "repository")),
    "environment": ({"environment": "headwater-plan"}, (403, "environment")),
    "no environment": ({"environment": None}, (403, "environment")),
    "workflow": (
        {"workflow_ref": "acme/shop/.github/workflows/other.yml@refs/heads/main"}, (403, "workflow"),
    ),
    "branch": ({"workflow_ref": "acme/shop/.github/workflows/headwater.yml@refs/heads/x"}, (403, "workflow")),
    "called workflow": ({"job_workflow_ref": "evil/x/.github/workflows/headwater.yml@refs/heads/main"}, (403, "job-workflow")),
    "ref": ({"ref": "refs/heads/x"}, (403, "ref")),
    "event": ({"event_name": "pull_request_target"}, (403, "event")),
    "no run": ({"run_id": None}, (403, "run")),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_token_with_another_claim_gets_nothing(name: str, site: Site, offered: Offered, ci: Ci, job: Job) -> None:
    changed, told = FORGED[name]
    answer = claim(site, offered, ci.token(job, **changed))
    assert error(answer) == told
    assert "tiger" not in answer.body.decode()
    with site.host.database.reading() as connection:
        assert not remote_jobs.rows(connection, [offered.attempt])[offered.attempt].claimed


def test_a_job_of_another_repository_hears_nothing_of_this_one(site: Site, offered: Offered, ci: Ci, job: Job) -> None:
    answer = claim(site, offered, ci.token(job, repository_id="1", environment="x"))
    assert answer.json["detail"] == "this job is not of the repository that the attempt belongs to"


def test_a_run_that_comes_second_is_told_so(site: Site, host: TestHost, ci: Ci, job: Job) -> None:
    other = offer(host, ci.repository.id, alias="eks", run_id=job.run.id + 1)
    assert error(claim(site, other, ci.token(job))) == (409, "taken")


def test_only_the_run_that_was_started_for_it_claims_an_attempt(
    site: Site, host: TestHost, offered: Offered, ci: Ci, job: Job
) -> None:
    """Its key stands in the title of its run, for all to read."""
    with host.database.writing() as connection:
        connection.execute(update(dispatches).values(run_id=job.run.id))
    assert error(claim(site, offered, ci.token(ci.job()))) == (409, "taken")
    assert claim(site, offered, ci.token(job)).status == 200


def test_a_runner_whose_answer_was_lost_is_answered_again_and_no_other(
    site: Site, offered: Offered, ci: Ci, job: Job
) -> None:
    first = claim(site, offered, ci.token(job), nonce="one")
    again = claim(site, offered, ci.token(job), nonce="one")
    assert (first.status, again.status) == (200, 200)
    assert first.json["spec"] == again.json["spec"]
    assert first.json["token"] == again.json["token"]  # whichever answer comes last, the job holds what counts
    assert error(claim(site, offered, ci.token(job), nonce="two")) == (409, "taken")
    assert error(claim(site, offered, ci.token(job))) == (409, "taken")


def by_another_key(ci: Ci, job: Job) -> str:
    claims = jwt.decode(ci.token(job), options={"verify_signature": False})
    kid = jwt.get_unverified_header(ci.token(job))["kid"]
    return jwt.encode(claims, rsa.generate_private_key(65537, 2048), "RS256", {"kid": kid})


def without_algorithm(ci: Ci, job: Job) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    return f"{header}.{ci.token(job).split('.')[1]}."


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda ci, job: None, id="none"),
        pytest.param(lambda ci, job: "x", id="a word"),
        pytest.param(lambda ci, job: "a.b.c", id="three words"),
        pytest.param(lambda ci, job: ci.token(job)[:-6], id="truncated"),
        pytest.param(lambda ci, job: ci.token(job)[:-6] + "AAAAAA", id="another signature"),
        pytest.param(lambda ci, job: "x" * 19_000, id="long"),
        pytest.param(by_another_key, id="another key"),
        pytest.param(without_algorithm, id="alg none"),
    ],
)
def test_without_a_genuine_token_nothing_is_told(spoil: Any, site: Site, offered: Offered, ci: Ci, job: Job) -> None:
    status, code = error(claim(site, offered, spoil(ci, job)))
    assert (status, code) in {(401, "no-token"), (401, "not-genuine")}


def test_an_issuer_out_of_reach_is_no_refusal(site: Site, offered: Offered, ci: Ci, job: Job) -> None:
    site.host.verifier = Verifier("http://127.0.0.1:1/_services/token", PUBLIC_URL, timeout=1.0)
    answer = claim(site, offered, ci.token(job))
    assert error(answer) == (503, "issuer-unreachable")
    assert answer.headers["Retry-After"] == "1"


# ---- beats


@both
def test_a_beat_is_told_whether_to_stop(site: Site, runner: Runner) -> None:
    assert runner.beat(2).json == {"stop": None}
    with site.host.database.writing() as connection:
        remote_jobs.ask_stop(connection, runner.attempt, Stop.GRACEFULLY)
    assert runner.beat(3).json == {"stop": "stop"}
    assert runner.beat(1).json == {"stop": "stop"}
    with site.host.database.reading() as connection:
        assert remote_jobs.rows(connection, [runner.attempt])[runner.attempt].beats == 3


def test_beats_of_what_is_over_are_answered_so(site: Site, runner: Runner) -> None:
    end(site.host, runner.attempt)
    assert error(runner.beat(2)) == (410, "gone")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"beats":-1}', b'{"beats":true}', b'{"beats":1.5}', b'{"beats":"2"}',
                                  b'{"beats":2147483648}', b'{"beats":NaN}', b'{"beats":' + b"9" * 5000 + b"}"])  # fmt: skip
def test_beats_that_are_none(body: bytes, runner: Runner) -> None:
    assert error(runner.call("beat", body)) == (400, "bad-request")


# ---- whose token it is


@pytest.mark.parametrize(("what", "body"), [("beat", b'{"beats":2}'), ("log?offset=0", b"x"), ("report", b"{}")])
def test_the_token_of_another_attempt_is_none(
    what: str, body: bytes, site: Site, runner: Runner, ci: Ci, job: Job
) -> None:
    other = offer(site.host, ci.repository.id, alias="eks")
    theirs = claim(site, other, ci.token(job)).json["token"]
    assert error(runner.call(what, body, token=theirs)) == (410, "gone")
    assert error(runner.call(what, body, token="x" * 43)) == (410, "gone")
    path = f"/runner/v1/attempts/{runner.attempt}/{what}"
    for header in ({}, {"Authorization": ""}, {"Authorization": f"Basic {theirs}"}, {"Authorization": "Bearer "}):
        assert error(site.ask("POST", path, body, header)) == (401, "no-token")
    assert error(
        site.ask("POST", f"/runner/v1/attempts/nobody/{what}", body, {"Authorization": f"Bearer {theirs}"})
    ) == (
        410,
        "gone",
    )


def test_the_identity_of_a_job_is_no_token_of_an_attempt(runner: Runner, ci: Ci, job: Job) -> None:
    assert error(runner.call("beat", b'{"beats":2}', token=ci.token(job))) == (410, "gone")


def test_tokens_are_kept_as_hashes(site: Site, runner: Runner) -> None:
    with site.host.database.reading() as connection:
        found = connection.exec_driver_sql("SELECT * FROM remote_attempts").all()
    assert runner.token not in str(found)
    assert "tiger" not in str(found)


# ---- logs


@both
def test_a_log_comes_piece_by_piece(site: Site, runner: Runner) -> None:
    assert runner.call("log?offset=0", b"one\n").json == {"size": 4}
    assert runner.call("log?offset=4", "zwei €\n".encode()).json == {"size": 13}
    again = runner.call("log?offset=4", b"twice")
    assert (again.status, again.json["size"]) == (409, 13)
    assert problems("LogSize", again.json) == []
    assert runner.call("log?offset=13", b"").json == {"size": 13}
    with site.host.database.reading() as connection:
        assert remote_jobs.log(connection, runner.attempt).decode() == "one\nzwei €\n"


def test_a_log_may_not_become_too_long(runner: Runner) -> None:
    size = 0
    while True:
        answer = runner.call(f"log?offset={size}", b"x" * MOST_LOG)
        if answer.status != 200:
            break
        size = answer.json["size"]
    assert error(answer) == (413, "full")
    assert size == remote.LOG_LIMIT
    assert error(runner.call("log?offset=0", b"x" * (MOST_LOG + 1)))[0] == 413


@pytest.mark.parametrize("offset", ["", "-1", "1.5", "x", "9" * 13, "٣"])
def test_offsets_that_are_none(offset: str, runner: Runner) -> None:
    from urllib.parse import quote  # noqa: PLC0415

    assert error(runner.call(f"log?offset={quote(offset)}", b"x")) == (400, "bad-request")


# ---- reports


@both
def test_a_report_told_twice_is_told_once(site: Site, runner: Runner) -> None:
    woken = site.host.woken
    assert runner.report().json == {"heard": True}
    assert runner.report(result="failed").json == {"heard": True}
    assert site.host.woken > woken
    with site.host.database.reading() as connection:
        found = remote_jobs.read_report(connection, site.host.vault, runner.attempt)
    assert found is not None
    assert found["result"] == "succeeded"
    assert error(runner.beat(9)) == (410, "gone")


def test_a_report_that_comes_late_counts(site: Site, runner: Runner) -> None:
    end(site.host, runner.attempt)
    assert runner.report().json == {"heard": True}


@pytest.mark.parametrize("body", [b"", b"[]", b"no", b"\xff\xfe", b"[" * 100_000, b"{}", b'{"duration": NaN}'])
def test_reports_that_are_none(body: bytes, runner: Runner) -> None:
    assert error(runner.call("report", body)) == (400, "bad-request")
    assert runner.report().json == {"heard": True}


@pytest.mark.parametrize(
    "changed",
    [
        {"attempt": "1-2-other-1"}, {"result": "splendid"}, {"duration": 10**400}, {"duration": -1}, {"applied": 1},
        {"plan": {}}, {"outputs": {"a": {"value": 1}}}, {"outputs": []},
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_and_not_kept(changed: dict[str, object], site: Site, runner: Runner) -> None:
    assert error(runner.report(**changed)) == (400, "bad-request")
    with site.host.database.reading() as connection:
        assert remote_jobs.read_report(connection, site.host.vault, runner.attempt) is None
    assert runner.report().json == {"heard": True}


def test_a_report_of_fifty_megabytes(runner: Runner) -> None:
    assert error(runner.report(error="x" * MOST_REPORT))[0] == 413
    with pytest.raises((ConnectionError, OSError)):
        runner.report(error="x" * 50_000_000)  # the connection ends before all of it was sent
    assert runner.report().json == {"heard": True}


# ---- the rest


def test_the_runner_itself_is_fetched_by_its_digest(site: Site) -> None:
    zipapp = site.host.zipapp
    answer = site.ask("GET", f"/runner/v1/{zipapp.name}")
    assert (answer.status, answer.body) == (200, zipapp.data)
    assert answer.headers["Content-Type"] == "application/zip"
    assert "immutable" in answer.headers["Cache-Control"]
    for other in ("0" * 64, "x", "..%2fx", zipapp.digest.upper()):
        assert error(site.ask("GET", f"/runner/v1/headwater-{other}.pyz"))[0] == 404


def test_one_that_asks_too_often_is_slowed_down() -> None:
    now = [0.0]
    pace = Pace(rate=2, burst=3, clock=lambda: now[0])
    assert [pace.allows("a") for _ in range(4)] == [True, True, True, False]
    assert pace.allows("b")
    now[0] = 0.5
    assert [pace.allows("a"), pace.allows("a")] == [True, False]
    now[0] = 100.0
    assert [pace.allows("a") for _ in range(4)] == [True, True, True, False]


def test_a_flood_of_beats_is_answered_429(site: Site, runner: Runner) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: runner.call("beat", b"{}"), range(500)))
    assert {one.status for one in answers} == {400, 429}
    (slow, *_) = [one for one in answers if one.status == 429]
    assert error(slow) == (429, "too-fast")
    assert slow.headers["Retry-After"] == "1"


def test_refusals_are_logged_without_a_secret(
    site: Site, offered: Offered, ci: Ci, job: Job, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = [ci.token(job, environment="x"), ci.token(job)[:-6] + "AAAAAA"]
    for token in tokens:
        claim(site, offered, token)
    runner = Runner(site, offered, "wrong-token-that-nobody-has-given-out")
    runner.beat(2)
    said = caplog.text + capsys.readouterr().out
    for code in ("environment", "not-genuine", "gone"):
        assert code in said
    for secret in (*tokens, *(one.split(".")[2] for one in tokens), runner.token, offered.key):
        assert secret not in said
