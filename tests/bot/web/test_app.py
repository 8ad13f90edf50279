"""What all answers have in common, health, metrics, and how the server ends."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import StoreError
from bot.github.limits import Numbers
from bot.metrics import Metrics
from bot.store import work
from bot.store.measures import WORK, Measured
from bot.web.listener import Listener, ListenError
from tests.bot.web.conftest import Site, TestHost, ask, both, webhook_headers
from tests.bot.web.offering import offer

ROUTES = [
    ("GET", "/"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/nothing"), ("POST", "/webhook"),
    ("PUT", "/webhook"), ("POST", "/runner/v1/claim"), ("GET", "/runner/v1/headwater-x.pyz"), ("BREW", "/"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_answer_is_careful(method: str, path: str, site: Site) -> None:
    answer = site.ask(method, path)
    assert "Server" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "Set-Cookie" not in answer.headers
    if answer.status >= 400:
        assert set(answer.json) == {"error", "detail"}
    for word in (b"werkzeug", b"flask", b"python", b"waitress", b"0.1.0"):
        assert word not in answer.body.lower()


def test_health_says_only_ok(site: Site) -> None:
    for path in ("/healthz", "/readyz"):
        answer = site.ask("GET", path)
        assert (answer.status, answer.body) == (200, b"ok\n")
    assert b"Headwater" in site.ask("GET", "/").body


@both
def test_it_is_ready_while_webhooks_can_be_stored(site: Site) -> None:
    with site.host.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE work RENAME TO away")
    answer = site.ask("GET", "/readyz")
    assert (answer.status, answer.json["error"]) == (503, "not-ready")
    assert site.ask("GET", "/healthz").status == 200
    with site.host.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO work")
    assert site.ask("GET", "/readyz").status == 200
    site.intake.stop()
    assert site.ask("GET", "/readyz").status == 503


def test_a_fault_is_told_without_its_inside(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a secret inside")

    monkeypatch.setattr("bot.web.health.work.next_due", fail)
    answer = site.ask("GET", "/readyz")
    assert (answer.status, answer.json["error"]) == (500, "fault")
    assert b"inside" not in answer.body


@pytest.mark.parametrize("head", [b"GET /healthz HTTP/1.1\r\nX: ".ljust(65_536, b"y"), b"no http at all\r\n\r\n"])
def test_what_is_no_request(head: bytes, site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        connection.sendall(head)
        said = b"".join(iter(lambda: connection.recv(10_000), b""))
    assert said.split()[1] in (b"400", b"431")
    assert b'{"error": ' in said
    assert b"waitress" not in said


# ---- metrics


def lines(metrics: Metrics) -> list[str]:
    found: list[bytes] = list(
        metrics.application()({"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics"}, lambda *_: None)
    )
    return [one for one in b"".join(found).decode().splitlines() if not one.startswith("#")]


def value(metrics: Metrics, name: str) -> float:
    (line,) = [one for one in lines(metrics) if one.rsplit(" ", 1)[0] == name]
    return float(line.rsplit(" ", 1)[1])


@both
def test_metrics_tell_what_came_and_what_waits(site: Site, host: TestHost) -> None:
    installed = b'{"action":"created","installation":{"id":1}}'
    site.deliver(installed, webhook_headers(installed, "installation"))
    site.deliver(b"{}", webhook_headers(b"{}", "some_new_event"))
    site.deliver(b"{}", {})
    site.ask("GET", "/nothing/12345")
    host.metrics.delivery("push", "done")
    host.metrics.worked("pull", "done", 0.2)
    host.metrics.first_comment("plan", 0.3)
    numbers = [Numbers(one, "core", 5000, left, 60, 0, 0, 3, 1, 0) for one, left in ((1, 4000), (2, 12), (3, None))]
    github = Metrics(numbers=lambda: [*numbers, replace(numbers[0], resource="graphql", remaining=1)])
    offer(host, 99)
    metrics = host.metrics
    assert value(metrics, 'headwater_webhooks_total{answer="kept",event="installation"}') == 1
    assert value(metrics, 'headwater_webhooks_total{answer="kept",event="other"}') == 1
    assert value(metrics, 'headwater_webhooks_total{answer="refused",event="other"}') == 1
    assert value(metrics, 'headwater_deliveries_total{event="push",outcome="done"}') == 1
    assert value(metrics, 'headwater_http_request_seconds_count{route="none",status="404"}') == 1
    assert value(metrics, 'headwater_http_request_seconds_count{route="webhook.webhook",status="202"}') == 2
    assert value(metrics, 'headwater_deliveries_total{event="other",outcome="ignored"}') == 1
    assert value(metrics, 'headwater_work_waiting{kind="delivery"}') == 1
    assert value(metrics, 'headwater_work_age_seconds{kind="delivery"}') > 0
    assert value(metrics, 'headwater_work_waiting{kind="pull"}') == 0
    assert value(metrics, 'headwater_tasks_unfinished{state="waiting"}') == 1
    assert value(metrics, "headwater_tasks_stuck") == 1  # it was offered to a job long ago, as the test's clock has it
    assert value(metrics, 'headwater_work_seconds_count{kind="pull",result="done"}') == 1
    assert value(metrics, 'headwater_first_comment_seconds_bucket{kind="plan",le="0.25"}') == 0
    assert value(metrics, 'headwater_first_comment_seconds_bucket{kind="plan",le="0.5"}') == 1
    assert value(github, "headwater_github_calls_left") == 12
    assert value(github, "headwater_github_calls_total") == 9
    assert value(github, "headwater_github_calls_limited_total") == 3
    assert value(metrics, "headwater_store_up") == 1


def test_how_long_attempts_took_is_told_by_tool_and_result() -> None:
    metrics = Metrics()
    for result, seconds in (("succeeded", 4.0), ("succeeded", 5.5), ("failed", 9000.0)):
        metrics.took("script", "deploy", result, seconds)
    name, good = "headwater_task_seconds", 'result="succeeded",tool="script"'
    found = {
        bound: value(metrics, f'{name}_bucket{{job="deploy",le="{bound}",{good}}}')
        for bound in ("1.0", "5.0", "10.0", "+Inf")
    }
    assert found == {"1.0": 0, "5.0": 1, "10.0": 2, "+Inf": 2}
    assert value(metrics, f'{name}_sum{{job="deploy",{good}}}') == 9.5
    bad = 'job="deploy",result="failed",tool="script"'
    assert value(metrics, f"{name}_count{{{bad}}}") == 1
    assert value(metrics, f"{name}_sum{{{bad}}}") == 9000


def test_how_many_series_there_are_does_not_grow_with_use(host: TestHost, site: Site) -> None:
    """T21: labels are independent of how many repositories, pull requests and people there are."""

    def series() -> set[str]:
        return {one.rsplit(" ", 1)[0] for one in lines(host.metrics)}

    def use(number: int) -> None:
        host.metrics.webhook(f"event_{number}", "kept")
        host.metrics.delivery(f"event_{number}", f"outcome {number}")
        host.metrics.worked(f"kind {number}", f"result {number}", 0.1)
        site.ask("GET", f"/repos/{number}")
        site.ask("POST", f"/runner/v1/attempts/{number}/beat", b"{}")
        with host.database.writing() as connection:
            work.request(connection, f"new {number}", str(number), 1.0, 1.0)

    use(0)
    before = series()
    for number in range(1, 30):
        use(number)
    assert series() == before
    assert len(before) < 250


def test_a_store_that_does_not_answer_is_one_metric() -> None:
    def fail() -> Measured:
        raise StoreError("gone")

    assert value(Metrics(fail), "headwater_store_up") == 0
    assert len(WORK) == 9


# ---- the listener


Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def slow(seconds: float, entered: threading.Event) -> Application:
    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        entered.set()
        time.sleep(seconds)
        start("200 OK", [("Content-Length", "4")])
        return [b"done"]

    return app


def test_what_is_under_way_is_answered_before_the_end(site: Site) -> None:
    entered = threading.Event()
    listener = Listener(slow(2.0, entered), "127.0.0.1", 0, most_body=100, grace=10)
    thread = listener.start()
    idle = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10)
    idle.request("GET", "/")
    assert idle.getresponse().read() == b"done"
    entered.clear()
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(ask, listener.port, "GET", "/")
        assert entered.wait(5)
        began = time.monotonic()
        listener.stop()
        assert answer.result().body == b"done"
    thread.join(8)
    assert time.monotonic() - began < 6  # an idle connection does not keep it
    with pytest.raises(OSError, match="refused"):
        ask(listener.port, "GET", "/")
    idle.close()


def test_what_takes_too_long_is_not_waited_for() -> None:
    entered = threading.Event()
    listener = Listener(slow(8, entered), "127.0.0.1", 0, most_body=100, grace=0.3)
    thread = listener.start()
    client = socket.create_connection(("127.0.0.1", listener.port))
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert entered.wait(5)
    began = time.monotonic()
    listener.stop()
    thread.join(6)
    assert time.monotonic() - began < 4
    client.close()


def test_who_has_ended_may_be_stopped_again() -> None:
    listener = Listener(slow(0, threading.Event()), "127.0.0.1", 0, most_body=1)
    thread = listener.start()
    listener.stop()
    thread.join(10)
    listener.stop()  # as where the last turn is over before the signal is through


def test_an_address_that_is_taken(site: Site) -> None:
    with pytest.raises(ListenError, match=f"cannot listen at 127.0.0.1:{site.port}: Address already in use"):
        Listener(slow(0, threading.Event()), "127.0.0.1", site.port, most_body=1)
    with pytest.raises(ListenError, match=r"cannot listen at no\.such\.host\.invalid:80"):
        Listener(slow(0, threading.Event()), "no.such.host.invalid", 80, most_body=1)


def test_it_listens_on_ipv6_too() -> None:
    try:
        listener = Listener(slow(0, threading.Event()), "::1", 0, most_body=1)
    except ListenError:
        pytest.skip("this machine has no IPv6")
    assert listener.url == f"http://[::1]:{listener.port}"
    thread = listener.start()
    connection = http.client.HTTPConnection("::1", listener.port, timeout=5)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    listener.stop()
    thread.join(5)
