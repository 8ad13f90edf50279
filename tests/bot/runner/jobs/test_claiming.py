"""A job claims its attempt, proves who it is, and tells what came of it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from base64 import b64encode
from pathlib import Path

import pytest

from bot.runner.channel import seal_context
from bot.runner.seal import unseal
from tests.bot.runner.bot_server import Bot, dropped, lost, refused
from tests.bot.runner.jobs.conftest import KEY, SECRET, Proxy, World, certificate
from tests.waiting import until


def test_a_deploy_from_the_claim_to_the_report(world: World) -> None:
    world.script(outputs="""echo '{"port": 80, "key": {"value": "hush-hush", "sensitive": true}}'""")
    offer = world.offer()
    job = world.run(offer)
    assert world.bot.audiences == [world.bot.url]
    report = offer.report
    assert report is not None
    assert (report["result"], report["applied"], report["plan"]["text"]) == ("succeeded", True, "would change\n")
    assert report["outputs"]["port"] == {"value": 80, "sensitive": False}
    sealed = report["outputs"]["key"]["sealed"]
    assert unseal(sealed, KEY.encode(), seal_context(offer.attempt, "key")) == "hush-hush"
    assert offer.text == "applied\n"
    assert job.left() == []
    lines = [
        line for line in job.out.splitlines() if not line.startswith("::add-mask::") and "stop-commands" not in line
    ]
    assert [line for line in lines if not line.endswith("::") or line == "::endgroup::"] == [
        f"Headwater: Deploy 'svc' at {offer.spec['commit'][:12]} (attempt 7-1)",
        "Headwater: checkout",
        "Headwater: plan",
        "Headwater: apply",
        "::group::Output of apply",
        "applied",
        "::endgroup::",
        "Headwater: outputs",
        "::group::The plan",
        "would change",
        "::endgroup::",
        "Headwater: succeeded",
    ]
    assert "### Deploy ` svc `\n\nSucceeded.\n\n```diff\nwould change\n```\n" in job.summary


def test_a_refused_claim_touches_nothing_and_is_no_failure(world: World) -> None:
    mark = world.folder / "mark"
    world.script(plan=f"touch {mark}; exit 2")
    for reason in ("taken", "revoked"):
        offer = world.offer()
        offer.taken = reason
        job = world.run(offer)
        assert (
            job.shown
            == f"Headwater: this attempt is not for this job ({reason}: another job has it): there is nothing to do here."
        )
        assert job.left() == [] and not job.summary
    other = world.job("7-99")
    assert (other.wait(), "unknown" in other.out) == (0, True)
    wrong_key = world.job(world.offer(), key="key-2")
    assert (wrong_key.wait(), "unknown" in wrong_key.out) == (0, True)
    assert not mark.exists()


def test_of_two_jobs_one_does_it(world: World) -> None:
    mark = world.folder / "mark"
    world.script(plan="sleep 1; exit 2", apply=f"echo x >> {mark}")
    offer = world.offer()
    first = world.job(offer)
    until(lambda: offer.beats)
    second = world.job(offer)
    assert (first.wait(), second.wait()) == (0, 0)
    assert mark.read_text() == "x\n"
    assert "taken" in second.out


@pytest.mark.parametrize("status", [401, 403])
def test_an_identity_that_is_refused_is_told(world: World, status: int) -> None:
    offer = world.offer()
    world.bot.fault("/claim", refused(status, {"error": "environment", "detail": "it runs in 'other'"}))
    job = world.run(offer, 5)
    assert (
        "::error title=Headwater does not accept this job::environment: it runs in 'other'. Nothing was touched."
        in job.out
    )
    assert job.left() == []


def test_a_job_that_may_not_ask_for_its_identity_is_told_what_lacks(world: World) -> None:
    job = world.run(world.offer(), 2, ACTIONS_ID_TOKEN_REQUEST_TOKEN="")
    assert "it lacks ACTIONS_ID_TOKEN_REQUEST_TOKEN. The job needs `permissions: id-token: write`" in job.out
    refusing = world.run(world.offer(), 5, ACTIONS_ID_TOKEN_REQUEST_TOKEN="another")
    assert "GitHub gives this job no identity" in refusing.out


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://headwater.example.com", "HEADWATER_URL must begin with https://"),
        ("https://me:secret-word@headwater.example.com", "HEADWATER_URL holds credentials"),
        ("headwater.example.com", "HEADWATER_URL is no address"),
        ("https://", "HEADWATER_URL is no address"),
    ],
)
def test_tokens_are_sent_over_https_alone(world: World, url: str, said: str) -> None:
    job = world.run(world.offer(), 2, HEADWATER_URL=url)
    assert said in job.out and "secret-word" not in job.out


def test_a_bot_that_is_being_restarted_is_waited_for(world: World) -> None:
    world.script()
    offer = world.offer()
    world.bot.fault("/claim", dropped)
    world.bot.fault("/claim", refused(503, Retry_After="1"))
    world.bot.fault("/claim", refused(404, b"<html>no backend</html>"))
    world.bot.fault("/identity", refused(500))
    job = world.run(offer)
    assert "503" in job.out or "on demand; trying again" in job.out
    assert offer.report and offer.report["result"] == "succeeded"


def test_a_claim_whose_answer_got_lost_is_made_again(world: World) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"echo x >> {mark}")
    offer = world.offer()
    world.bot.fault("/claim", lost, times=2)
    world.run(offer)
    assert (len(offer.claims), mark.read_text()) == (3, "x\n")


def test_nobody_there_at_the_claim(world: World) -> None:
    offer = world.offer()
    with world.bot.away():
        job = world.run(offer, 7, HEADWATER_PATIENCE_SECONDS="2")
    assert (
        "Headwater did not answer::127.0.0.1 cannot be reached: [Errno 111] Connection refused. Nothing was" in job.out
    )


def test_what_cannot_be_understood_is_reported_as_such(world: World) -> None:
    offer = world.offer()
    offer.spec["kind"] = "undo"
    job = world.run(offer, 1)
    assert offer.report is not None
    assert "This runner does not understand what it was told: kind is none of plan" in offer.report["error"]
    assert "::error title=7-1%3A failed::This runner does not understand" in job.out
    world.bot.wrong.clear()


def test_a_machine_without_room_is_told(world: World) -> None:
    offer = world.offer()
    world.run(offer, 1, RUNNER_TEMP="/proc")
    assert offer.report and offer.report["error"].startswith("No folder can be made in /proc: ")


@pytest.mark.parametrize(("function", "result", "code"), [("headline", "failed", 1), ("summary", "succeeded", 0)])
def test_a_defect_of_the_runner_is_reported_and_loses_nothing(
    world: World, function: str, result: str, code: int
) -> None:
    """Before the tool ran, and after it has."""
    with zipfile.ZipFile(world.zipapp) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    parts["bot/runner/summary.py"] += f"\ndef {function}(*_): raise ZeroDivisionError({SECRET!r})\n".encode()
    with zipfile.ZipFile(world.zipapp, "w") as broken:
        for name, data in parts.items():
            broken.writestr(name, data)
    world.script()
    offer = world.offer()
    job = world.run(offer, code, HEADWATER_SECRETS="OTHER", OTHER=SECRET)
    assert offer.report and offer.report["result"] == result
    said = offer.report["error"] if code else job.shown
    assert "this is a defect of its own:" in said and "ZeroDivisionError: ***" in said
    assert SECRET not in repr(offer.report) + job.shown and job.left() == []


def test_wrong_use_is_told(world: World) -> None:
    for arguments in ([], ["--attempt", "../x", "--key", "k"], ["--attempt", "a", "--key", "k", "--more"]):
        done = subprocess.run(
            [sys.executable, world.zipapp, "actions", *arguments], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (
            2,
            "headwater runner: usage: python3 headwater.pyz actions --attempt ID --key KEY\n",
        )


def test_a_failure_is_red_and_told_everywhere(world: World) -> None:
    world.script(apply="echo first; echo 'Error: no space: 100%' >&2; exit 3")
    offer = world.offer(alias="data & 🚀 `x`")
    job = world.run(offer, 1)
    assert offer.report and (offer.report["result"], offer.report["applied"]) == ("failed", True)
    commit = offer.spec["commit"][:12]
    title = f"Deploy 'data & 🚀 `x`' at {commit}%3A failed"
    assert f"::error title={title}::`apply` failed (exit code 3).%0A%0AError: no space: 100%25\n" in job.out
    assert job.summary.startswith("### Deploy `` data & 🚀 `x` ``\n\nFailed.\n\n```\n`apply` failed (exit code 3).")


def test_what_needs_approval_is_no_failure(world: World) -> None:
    world.script()
    offer = world.offer(accept={"shown": {"exit": "0", "stdout": "0"}})
    job = world.run(offer)
    assert offer.report and (offer.report["result"], offer.report["applied"]) == ("needs approval", False)
    assert "nothing was applied, and Headwater asks for approval" in job.out


def test_a_plan_job_never_applies(world: World) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"touch {mark}", plan="echo 'Plan: 1 to add, 2 to change, 0 to destroy.'; exit 2")
    offer = world.offer(kind="plan")
    job = world.run(offer)
    assert "Headwater: succeeded (1 to add, 2 to change)" in job.out
    assert not mark.exists()


def test_a_tool_that_hangs_times_out(world: World) -> None:
    world.script(plan="exec sleep 60")
    offer = world.offer(timeout=1.0)
    world.run(offer, 1)
    assert offer.report and offer.report["result"] == "timed out"


def test_https_through_a_proxy_with_an_authority_of_ones_own(world: World, tmp_path: Path) -> None:
    secure = Bot(certified=certificate(tmp_path, "headwater.test"))
    proxy = Proxy(secure.http.server_port)
    address = "https://headwater.test"
    names = {"HEADWATER_URL": address, "ACTIONS_ID_TOKEN_REQUEST_URL": f"{address}/identity?api-version=2.0"}
    names |= {"HTTPS_PROXY": f"http://me:pass%20word@127.0.0.1:{proxy.port}", "NO_PROXY": "other.test"}
    world.script()
    offer = world.offer()
    secure.offers[offer.attempt] = offer
    try:
        job = world.run(offer, **names, SSL_CERT_FILE=str(tmp_path / "authority.pem"))
        assert offer.report and offer.report["result"] == "succeeded"
        assert secure.audiences == [address]
        assert {line for line, _ in proxy.asked} == {"CONNECT headwater.test:443 HTTP/1.0"}
        assert {given for _, given in proxy.asked} == {f"Basic {b64encode(b'me:pass word').decode()}"}
        assert "pass" not in job.shown
        asked = len(secure.requests)
        untrusted = world.run(world.offer(), 7, **names, HEADWATER_PATIENCE_SECONDS="2")
        assert "certificate verify failed" in untrusted.out
        assert len(secure.requests) == asked, "nothing is said to whom nobody vouches for"
    finally:
        secure.stop()
        proxy.stop()
