"""`headwater serve` is two processes, one that listens and one that works: nothing waits for the other one, and they end together."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bot.serving.conftest import Process, deliver, outcome
from tests.bot.web.conftest import ask
from tests.github import GitHub
from tests.waiting import until

INSTALLED = b'{"action":"created","installation":{"id":1}}'


def worker_of(server: Process) -> int:
    """The process that works."""
    pid = server.process.pid
    (found,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(found)


def ends(pid: int, seconds: float = 5.0) -> bool:
    """Whether that process is gone, or is all the same."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.01)
    return False


def stopped(process: int) -> bool:
    """Whether all its threads are: a signal reaches them one after the other."""
    told = [(thread / "stat").read_text() for thread in Path(f"/proc/{process}/task").iterdir()]
    return all(one.rpartition(")")[2].split()[0] == "T" for one in told)


def stop_between_writes(server: Process, surroundings: dict[str, str]) -> int:
    """Stop the process that works by a signal while it writes nothing; its process id."""
    worker = worker_of(server)
    file = Path(surroundings["HEADWATER_STATE"]) / "headwater.db-turn"
    until(file.exists)  # it writes as soon as it works
    with file.open("r+b") as turns:
        while True:
            os.kill(worker, signal.SIGSTOP)
            until(lambda: stopped(worker))
            try:
                fcntl.lockf(turns, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                os.kill(worker, signal.SIGCONT)
                time.sleep(0.01)
            else:
                return worker


def metrics(port: int) -> str:
    return ask(port, "GET", "/metrics").body.decode()


@pytest.fixture
def own_port() -> int:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_who_listens_and_who_works_end_together_when_told_to(start: Callable[..., Process]) -> None:
    serving = start("serve", "--port", "0")
    serving.up()
    worker = worker_of(serving)
    assert worker != serving.process.pid
    assert serving.end()[0] == 0
    assert ends(worker, 0.1)


def test_nothing_is_worked_on_where_it_cannot_listen(
    start: Callable[..., Process], github: GitHub, own_port: int
) -> None:
    with socket.create_server(("127.0.0.1", own_port)):
        for given in (["--port", str(own_port)], ["--port", "0"]):
            code, logged = start("serve", *given, HEADWATER_METRICS_PORT=str(own_port)).end(signal.SIGCONT)
            assert (code, "cannot listen at" in logged) == (1, True)
    assert [path for _, path, _ in github.rest.calls if "installations" in path] == []


def test_who_works_ends_what_it_has_in_hand_however_often_it_is_told_to_stop(
    start: Callable[..., Process], github: GitHub
) -> None:
    """A terminal and a service manager tell all processes; then the one that listens tells the other one again."""
    serving = start("serve", "--port", "0")
    port = serving.up()
    late = github.faults.late("/app/installations", 1.5, times=None)
    assert deliver(port, INSTALLED, "installation", "one").status == 202
    while not late.met:
        time.sleep(0.01)
    worker = worker_of(serving)
    for pid in (worker, serving.process.pid):
        os.kill(pid, signal.SIGTERM)
    time.sleep(0.2)
    os.kill(worker, signal.SIGTERM)
    assert not ends(worker, 0.3)
    assert serving.process.wait(10) == 0
    assert ends(worker, 0.1)
    github.faults.mend()


def test_who_listens_ends_well_too_where_a_terminal_was_faster_with_the_other_one(
    start: Callable[..., Process],
) -> None:
    serving = start("serve", "--port", "0")
    serving.up()
    os.kill(worker_of(serving), signal.SIGINT)
    assert serving.process.wait(10) == 0
    assert "error" not in serving.end()[1]


def test_it_ends_and_says_so_when_its_worker_is_killed(
    start: Callable[..., Process], surroundings: dict[str, str]
) -> None:
    serving = start("serve", "--port", "0")
    port = serving.up()
    worker = stop_between_writes(serving, surroundings)
    assert deliver(port, INSTALLED, "installation", "one").status == 202
    os.kill(worker, signal.SIGKILL)
    serving.process.wait(10)
    code, logged = serving.end()
    assert code == 1
    assert "error: the process that works was killed by signal 9\n  see above why" in logged
    start("serve", "--port", "0").up()
    assert outcome(surroundings, "one") == "installation created"


def test_a_worker_does_not_outlive_a_killed_server(start: Callable[..., Process]) -> None:
    serving = start("serve", "--port", "0")
    serving.up()
    worker = worker_of(serving)
    serving.end(signal.SIGKILL)
    start("serve", "--port", "0").up()  # at once, although that process may be there for a moment
    assert ends(worker)


def test_nothing_waits_for_a_worker_that_hangs(
    start: Callable[..., Process], surroundings: dict[str, str], own_port: int
) -> None:
    serving = start("serve", "--port", "0", HEADWATER_METRICS_PORT=str(own_port))
    port = serving.up()
    worker = stop_between_writes(serving, surroundings)
    for number in range(300):
        assert deliver(port, INSTALLED, "installation", f"id-{number}").status == 202
    assert ask(port, "GET", "/readyz").status == 200
    assert 'headwater_webhooks_total{answer="kept",event="installation"} 300.0' in metrics(own_port)
    os.kill(worker, signal.SIGCONT)
    assert outcome(surroundings, "id-299") == "installation created"


def test_what_both_counted_is_told_in_one(
    start: Callable[..., Process], surroundings: dict[str, str], own_port: int
) -> None:
    serving = start("serve", "--port", "0", HEADWATER_METRICS_PORT=str(own_port))
    port = serving.up()
    deliver(port, INSTALLED, "installation", "one")
    deliver(port, b"{}", "watch", "two")
    assert outcome(surroundings, "one") == "installation created"
    told = metrics(own_port)
    assert 'headwater_webhooks_total{answer="kept",event="installation"} 1.0' in told
    assert 'headwater_deliveries_total{event="installation",outcome="done"} 1.0' in told
    assert 'headwater_deliveries_total{event="other",outcome="ignored"} 1.0' in told
    assert re.search(r'headwater_work_seconds_count\{kind="delivery",result="done"\} [1-9]', told)
    assert re.search(r"headwater_github_calls_total [1-9]", told)
    assert "headwater_store_up 1.0" in told
    families = re.findall(r"^# TYPE (\S+)", told, re.MULTILINE)
    assert sorted(families) == sorted(set(families))
