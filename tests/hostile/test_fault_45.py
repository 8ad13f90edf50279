"""Fault 45: a runner that lies: of tasks that are not its own, claiming twice, flooding the log, saying the impossible."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.drive import Driver
from bot.store import remote, remote_jobs
from tests.bot.web.conftest import Site, TestHost
from tests.bot.web.offering import Ci, Offered, offer
from tests.bot.web.test_runner_api import REPORT, Runner, claim, error
from tests.conversations.town import Town
from tests.github.actions.runs import Job

LIAR = "a-token-that-somebody-else-has-got-hold-of"


@pytest.fixture
def liar(site: Site, trusting: TestHost, offered: Offered, ci: Ci, job: Job) -> Runner:
    """One that has an attempt of its own."""
    return Runner(site, offered, claim(site, offered, ci.token(job)).json["token"])


@pytest.fixture
def victim(liar: Runner, site: Site, ci: Ci, job: Job) -> Runner:
    """Another one, in the same run."""
    other = offer(site.host, ci.repository.id, alias="eks")
    return Runner(site, other, claim(site, other, ci.token(job)).json["token"])


def test_fault_45_it_reports_for_a_task_that_is_not_its_own(liar: Runner, victim: Runner, site: Site) -> None:
    theirs = json.dumps({**REPORT, "attempt": victim.attempt}).encode()
    assert error(victim.call("report", theirs, token=liar.token)) == (410, "gone")
    assert error(victim.call("log?offset=0", b"lies", token=liar.token)) == (410, "gone")
    assert error(victim.call("beat", b'{"beats":9}', token=liar.token)) == (410, "gone")
    assert error(liar.call("report", theirs)) == (400, "bad-request")  # under its own name, about the other
    with site.host.database.reading() as connection:
        rows = remote_jobs.rows(connection, [liar.attempt, victim.attempt])
        assert remote_jobs.log(connection, victim.attempt) == b""
    assert not any(one.reported for one in rows.values())
    assert rows[victim.attempt].beats == 1


def test_fault_45_it_claims_twice(liar: Runner, offered: Offered, site: Site, ci: Ci, job: Job) -> None:
    again = [claim(site, offered, ci.token(job)), claim(site, offered, ci.token(job), nonce="another")]
    assert [error(one) for one in again] == [(409, "taken")] * 2
    assert liar.beat(2).json == {"stop": None}  # whoever was first has it still


def test_fault_45_it_claims_what_is_not_its_own(liar: Runner, site: Site, ci: Ci, job: Job) -> None:
    other = offer(site.host, ci.repository.id, alias="eks")
    assert error(claim(site, other, ci.token(job), key=liar.token)) == (409, "unknown")
    assert error(claim(site, other, liar.token)) == (401, "not-genuine")
    assert claim(site, other, ci.token(job)).status == 200


def test_fault_45_it_floods_the_log(liar: Runner, victim: Runner, site: Site) -> None:
    size, piece = 0, b"y" * 1_000_000
    for _ in range(20):
        answer = liar.call(f"log?offset={size}", piece)
        size = answer.json.get("size", size)
    assert error(answer) == (413, "full")
    with site.host.database.reading() as connection:
        assert len(remote_jobs.log(connection, liar.attempt)) <= remote.LOG_LIMIT
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: liar.call("log?offset=0", b"x"), range(500)))
    assert {one.status for one in answers} == {409, 429}
    assert victim.call("log?offset=0", b"mine\n").json == {"size": 5}  # a flood is the liar's own


def test_fault_45_it_reports_twice_and_otherwise_the_second_time(liar: Runner, site: Site) -> None:
    assert liar.report(result="failed").json == {"heard": True}
    assert liar.report(result="succeeded").json == {"heard": True}
    with site.host.database.reading() as connection:
        found = remote_jobs.read_report(connection, site.host.vault, liar.attempt)
    assert found is not None
    assert found["result"] == "failed"


def test_fault_45_a_fault_in_one_deployment_keeps_no_other_from_going_on(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should a lie be taken in that breaks us all the same."""
    one = "environments:\n" + "".join(f"  {name}: {{vcs: {{type: script, path: {name}}}}}\n" for name in ("db", "web"))
    town.setup({"headwater.yml": one, **town.environments(db="1", web="1")})
    pull = town.pull(town.environments(db="2", web="2"))
    town.settle()
    broken = [True]
    step = Driver.step

    def breaks(driver: Driver, number: int, **how: bool) -> bool:
        if broken[0] and number == first[0]:
            raise OverflowError("a number that nobody thought of")
        return step(driver, number, **how)

    monkeypatch.setattr(Driver, "step", breaks)
    first = [newest(town) + 1]
    pull.comment("/deploy db")
    town.wait_for(lambda: newest(town) == first[0])
    pull.comment("/deploy web")
    town.wait_for(lambda: "web deployed" in town.tool_log())
    assert "db begins" not in town.tool_log()
    broken[0] = False
    town.settle()
    assert town.tool_log()[-1] == "db deployed"


def newest(town: Town) -> int:
    """The number of the newest deployment."""
    return max(int(line.split()[0]) for line in town.tasks())
