"""Webhooks: the signature is looked at first, and what is answered 202 is stored."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from bot.errors import StoreError
from bot.store import deliveries as rows
from bot.store import work
from bot.store.deliveries import Arrived
from bot.store.hosted_tables import deliveries
from bot.web.intake import Intake
from bot.web.webhook import MOST_BYTES, signed
from tests.bot.web.conftest import SECRET, Site, ask, both, signature, webhook_headers

BODY = b'{"action":"opened","number":1}'
INSTALLED = b'{"action":"created","installation":{"id":1}}'


@both
def test_a_webhook_is_stored_as_it_came_and_wakes_the_workers(site: Site) -> None:
    body = INSTALLED.replace(b":", b":  ") + b"\r\n"
    answer = site.deliver(body, webhook_headers(body, "installation", "guid-1"))
    assert (answer.status, answer.body) == (202, b'{"kept":true}')
    assert site.kept() == [("guid-1", "installation", body)]
    with site.host.database.reading() as connection:
        assert [(one.kind, one.key) for one in work.soonest(connection, 9)] == [("delivery", "guid-1")]
    assert site.host.woken == 1


@both
def test_what_nothing_follows_from_is_stored_as_it_came_and_nobody_works_on_it(site: Site) -> None:
    odd = b'{"odd":  "spaces","bytes":"\xff\x00"}\r\n'
    created = b'{"action":"created"}'
    assert site.deliver(odd, webhook_headers(odd, "pull_request", "guid-1")).status == 202
    assert site.deliver(created, webhook_headers(created, "check_run", "guid-2")).status == 202
    assert site.kept() == [("guid-1", "pull_request", odd), ("guid-2", "check_run", created)]
    with site.host.database.reading() as connection:
        assert work.soonest(connection, 9) == []
        told = [(one.id, one.action, one.outcome) for one in rows.recent(connection, 9)]
    assert told == [("guid-2", "created", "ignored: action created"), ("guid-1", "", "not JSON, or no object")]


@both
def test_hints_of_jobs_wait_for_company_and_all_else_does_not(site: Site) -> None:
    job = json.dumps(
        {
            "action": "queued",
            "repository": {"id": 1},
            "workflow_job": {
                "id": 2, "run_id": 3, "run_attempt": 1, "name": "plan x", "status": "queued", "html_url": "https://x/2",
            },
        }
    ).encode()  # fmt: skip
    before = time.time()
    site.deliver(job, webhook_headers(job, "workflow_job", "hint"))
    site.deliver(INSTALLED, webhook_headers(INSTALLED, "installation", "news"))
    with site.host.database.reading() as connection:
        due = {one.key: one.due_at for one in work.soonest(connection, 9)}
    after, poll = time.time(), site.host.settings.poll_seconds
    assert before <= due["news"] <= after
    assert rows.together(before, poll) <= due["hint"] <= rows.together(after, poll)


def test_those_that_come_about_now_are_due_together() -> None:
    assert rows.together(100.3, 0.0) == 100.3
    assert rows.together(100.0, 1.0) == rows.together(100.3, 1.0) == rows.together(100.999, 1.0) == 101.0


def without(headers: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda good: None, id="missing"),
        pytest.param(lambda good: "", id="empty"),
        pytest.param(lambda good: signature(BODY, "another secret than ours"), id="of another secret"),
        pytest.param(lambda good: signature(BODY + b" "), id="of another body"),
        pytest.param(lambda good: good[:-1], id="truncated"),
        pytest.param(lambda good: good + "0", id="longer"),
        pytest.param(lambda good: "sha256=" + good.removeprefix("sha256=").upper(), id="upper case"),
        pytest.param(lambda good: good.removeprefix("sha256="), id="without its kind"),
        pytest.param(
            lambda good: "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(), id="of another kind"
        ),
        pytest.param(lambda good: good[:-1] + "\xe9", id="not ASCII"),
        pytest.param(lambda good: f"{good},{good}", id="two"),
        pytest.param(lambda good: "sha256=" + "0" * 64, id="zeros"),
    ],
)
def test_without_its_signature_nothing_is_stored(spoil: Callable[[str], str | None], site: Site) -> None:
    headers = webhook_headers(BODY)
    wrong = spoil(headers["X-Hub-Signature-256"])
    headers = without(headers, "X-Hub-Signature-256") | (
        {} if wrong is None else {"X-Hub-Signature-256": wrong.encode("latin-1")}  # type: ignore[dict-item]
    )
    answer = site.deliver(BODY, headers)
    assert (answer.status, answer.json["error"]) == (401, "bad-signature")
    assert site.kept() == []
    assert site.host.woken == 0


def test_the_old_header_of_sha_1_is_not_enough(site: Site) -> None:
    old = {"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()}
    assert site.deliver(BODY, without(webhook_headers(BODY), "X-Hub-Signature-256") | old).status == 401


def test_signatures_are_told_apart() -> None:
    assert signed(SECRET.encode(), BODY, signature(BODY))
    assert not signed(b"", BODY, signature(BODY))
    assert not signed(SECRET.encode(), b"", signature(BODY))


@pytest.mark.parametrize(
    "headers",
    [
        {"X-GitHub-Event": ""},
        {"X-GitHub-Event": "Push!"},
        {"X-GitHub-Event": "x" * 65},
        {"X-GitHub-Delivery": ""},
        {"X-GitHub-Delivery": "a b"},
        {"X-GitHub-Delivery": "'; DROP TABLE deliveries"},
        {"X-GitHub-Delivery": "x" * 65},
    ],
)
def test_event_and_delivery_must_be_named(headers: dict[str, str], site: Site) -> None:
    answer = site.deliver(BODY, webhook_headers(BODY) | headers)
    assert (answer.status, answer.json["error"]) == (400, "bad-headers")
    assert site.kept() == []


def test_the_signature_comes_before_all_other_headers(site: Site) -> None:
    headers = without(webhook_headers(BODY), "X-GitHub-Event", "X-GitHub-Delivery")
    assert site.deliver(BODY, headers | {"X-Hub-Signature-256": signature(b"other")}).status == 401
    assert site.deliver(BODY, headers).status == 400


@both
def test_what_comes_twice_is_one_webhook(site: Site) -> None:
    """A redelivery or a replay has the same id: it is answered, and handled once."""
    headers = webhook_headers(BODY, "push", "once")
    assert [site.deliver(BODY, headers).status for _ in range(3)] == [202, 202, 202]
    other = b'{"another": "body"}'
    assert site.deliver(other, webhook_headers(other, "push", "once")).status == 202
    assert site.kept() == [("once", "push", BODY)]


@both
def test_what_failed_is_worked_on_again_when_it_is_sent_again(site: Site) -> None:
    headers = webhook_headers(INSTALLED, "installation", "again")
    site.deliver(INSTALLED, headers)
    with site.host.database.writing() as connection:
        (row,) = work.soonest(connection, 9)
        work.done(connection, row)
        rows.failed(connection, "again", "no answer")
    site.deliver(INSTALLED, headers)
    with site.host.database.reading() as connection:
        assert [one.key for one in work.soonest(connection, 9)] == ["again"]
        assert [one.outcome for one in rows.recent(connection, 5)] == ["waiting"]


def test_json_is_not_read_here(site: Site) -> None:
    for body in (b"", b"no json", b"\x00" * 10, b"[" * 100_000):
        assert site.deliver(body, webhook_headers(body, "unknown_event")).status == 202
    assert len(site.kept()) == 4


def test_the_largest_that_github_sends_is_taken_and_no_larger_one(site: Site) -> None:
    body = b'{"x":"' + b"y" * (MOST_BYTES - 8) + b'"}'
    assert len(body) == MOST_BYTES
    assert site.deliver(body).status == 202
    assert [len(one) for _, _, one in site.kept()] == [MOST_BYTES]
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        head = f"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n"
        connection.sendall(head.encode())
        said = b"".join(iter(lambda: connection.recv(10_000), b""))
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b'"error": "too-large"' in said
    assert b"X-Content-Type-Options: nosniff" in said
    assert b"waitress" not in said.lower()


def test_a_body_that_ends_too_early_is_not_taken(site: Site) -> None:
    headers = "".join(f"{name}: {value}\r\n" for name, value in webhook_headers(BODY).items())
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        head = f"POST /webhook HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(BODY)}\r\n\r\n"
        connection.sendall(head.encode() + BODY[:-5])
    time.sleep(0.3)
    assert site.kept() == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_it_is_posted(method: str, site: Site) -> None:
    answer = site.ask(method, "/webhook", BODY, webhook_headers(BODY))
    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]


@both
def test_a_store_that_fails_is_told_to_github(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never 202: GitHub then shows the delivery as failed, and the sweep has it sent again."""
    with site.host.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE deliveries RENAME TO away")
    answer = site.deliver(BODY, webhook_headers(BODY, "push", "later"))
    assert (answer.status, answer.json["error"]) == (503, "unavailable")
    assert "away" not in answer.body.decode()
    with site.host.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO deliveries")
    assert site.deliver(BODY, webhook_headers(BODY, "push", "later")).status == 202
    assert [guid for guid, _, _ in site.kept()] == ["later"]


@both
def test_a_store_that_does_not_answer_in_time_is_told_too(site: Site) -> None:
    intake = Intake(site.host.database, site.host.wake, wait=0.3)
    intake.start()
    with site.host.database.writing() as connection:
        connection.execute(update(deliveries).values(action="locks what the writer needs"))
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreError, match=r"within 0\.3 s"):
            intake.keep(Arrived("late", "push", BODY))
        began = time.monotonic()
        with pytest.raises(StoreError):
            intake.keep(Arrived("never", "push", BODY))
        assert time.monotonic() - began < 2
    intake.stop()
    # What was being written was kept in the end; what had only waited was not.
    assert [guid for guid, _, _ in site.kept()] == ["late"]


@both
def test_many_at_once_are_all_kept(site: Site) -> None:
    bodies = {str(uuid.uuid4()): f'{{"number":{number}}}'.encode() for number in range(400)}

    def send(guid: str) -> int:
        return ask(site.port, "POST", "/webhook", bodies[guid], webhook_headers(bodies[guid], "push", guid)).status

    with ThreadPoolExecutor(50) as clients:
        assert set(clients.map(send, bodies)) == {202}
    assert {guid: body for guid, _, body in site.kept()} == bodies


def test_those_that_wait_are_written_together(site: Site) -> None:
    """One transaction for all that came while the one before was written."""
    commits = []
    real = site.host.database.writing

    class Slow:
        url = site.host.database.url

        def writing(self, *, first: bool) -> object:
            time.sleep(0.05)
            commits.append(1)
            return real(first=first)

    intake = Intake(Slow(), site.host.wake)  # type: ignore[arg-type]
    intake.start()
    threads = [
        threading.Thread(target=intake.keep, args=(Arrived(f"id-{number}", "push", BODY),)) for number in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    intake.stop()
    assert len(site.kept()) == 40
    assert len(commits) <= 4


def test_at_the_end_what_waits_is_kept_and_no_more_is_taken(site: Site) -> None:
    intake = Intake(site.host.database, site.host.wake)
    intake.start()
    intake.keep(Arrived("first", "push", BODY))
    intake.stop()
    assert not intake.alive
    with pytest.raises(StoreError, match="being stopped"):
        intake.keep(Arrived("second", "push", BODY))
    assert [guid for guid, _, _ in site.kept()] == ["first"]
