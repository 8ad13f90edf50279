"""The server as processes of its own: it starts, keeps what came whatever happens to it, and ends gracefully."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.state_lock import held
from bot.store import audit, deliveries, restoring
from bot.store.database import Database
from tests.bot.serving.conftest import Process, deliver, outcome, run
from tests.bot.web.conftest import SECRET, ask
from tests.github import GitHub
from tests.github.world.apps import App

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def test_it_serves_and_ends_when_it_is_told_to(start: Callable[..., Process], surroundings: dict[str, str]) -> None:
    serving = start("serve", "--port", "0")
    port = serving.up()
    assert serving.said == (
        f"Headwater listens at http://127.0.0.1:{port}; GitHub sends webhooks to http://127.0.0.1:1/webhook\n"
    )
    assert ask(port, "GET", "/readyz").body == b"ok\n"
    assert deliver(port, guid="first").status == 202
    assert outcome(surroundings, "first")
    began = time.monotonic()
    code, logged = serving.end()
    assert code == 0, logged
    assert time.monotonic() - began < 8
    with pytest.raises(ConnectionRefusedError):
        ask(port, "GET", "/readyz")
    assert all(json.loads(line) for line in logged.splitlines())
    for secret in (SECRET, "PRIVATE KEY", "ghs_"):
        assert secret not in logged


def test_what_was_answered_202_is_there_after_a_kill(
    start: Callable[..., Process], surroundings: dict[str, str]
) -> None:
    accepted: set[str] = set()
    for _ in range(3):
        serving = start("serve", "--port", "0")
        port, before = serving.up(), len(accepted)

        def send(number: int, port: int = port) -> None:
            guid = str(uuid.uuid4())
            try:
                answer = deliver(port, f'{{"number":{number}}}'.encode(), "some_event", guid)
            except OSError:
                return  # it was killed before it answered: GitHub shows that as failed
            if answer.status == 202:
                accepted.add(guid)

        with ThreadPoolExecutor(8) as clients:
            done = [clients.submit(send, number) for number in range(60)]
            while len(accepted) < before + 15 and not all(one.done() for one in done):
                time.sleep(0.001)
            serving.process.kill()
        serving.end()
    database = Database.file(Path(surroundings["HEADWATER_STATE"]) / "headwater.db")
    with database.reading() as connection:
        kept = deliveries.known(connection, list(accepted))
    database.engine.dispose()
    assert len(accepted) >= 3 * 15
    assert accepted <= kept


def test_one_server_for_a_state_folder(start: Callable[..., Process], surroundings: dict[str, str]) -> None:
    first = start("serve", "--port", "0")
    first.up()
    second = run(surroundings, "serve", "--port", "0")
    assert second.returncode == 2
    state = surroundings["HEADWATER_STATE"]
    assert second.stderr == (
        f"error: another server (process {first.process.pid}) works with the state folder {state}\n"
        "  stop that one first, or name another folder with --state DIR\n"
    )
    first.end(signal.SIGKILL)
    third = start("serve", "--port", "0")
    third.up()
    assert third.end()[0] == 0


def test_an_address_that_is_taken_is_told(start: Callable[..., Process], surroundings: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = run(surroundings, "serve", "--port", str(port))
    assert answer.returncode == 1
    assert f"error: cannot listen at 127.0.0.1:{port}: Address already in use" in answer.stderr


@pytest.mark.parametrize("command", ["serve", "web", "worker"])
def test_nothing_starts_without_a_webhook_secret(command: str, surroundings: dict[str, str]) -> None:
    del surroundings["HEADWATER_WEBHOOK_SECRET"]
    answer = run(surroundings, command)
    assert answer.returncode == 2
    assert "HEADWATER_WEBHOOK_SECRET is missing" in answer.stderr
    assert not Path(surroundings["HEADWATER_STATE"]).exists()


@pytest.mark.parametrize("command", ["web", "worker"])
def test_replicas_need_postgresql_and_a_key_to_share(command: str, surroundings: dict[str, str]) -> None:
    refused = run(surroundings, command)
    assert refused.returncode == 2
    assert "share a database in PostgreSQL; this one is SQLite" in refused.stderr
    refused = run({**surroundings, "HEADWATER_DATABASE_URL": "postgresql://db/x"}, command)
    assert refused.returncode == 2
    assert "HEADWATER_KEY is missing: replicas must encrypt with the same key" in refused.stderr


@pytest.mark.parametrize("command", ["web", "worker"])
def test_replicas_run_no_repository_on_their_own_machines(command: str, surroundings: dict[str, str]) -> None:
    here = {"HEADWATER_LOCAL_REPOSITORIES": "acme/shop", "HEADWATER_KEY": KEY}
    refused = run({**surroundings, "HEADWATER_DATABASE_URL": "postgresql://db/x", **here}, command)
    assert refused.returncode == 2
    assert "HEADWATER_LOCAL_REPOSITORIES: what runs on a machine itself has its state there" in refused.stderr


def test_replicas_share_the_work(
    start: Callable[..., Process],
    surroundings: dict[str, str],
    postgres: Callable[..., str],
    migrated_postgres: str,
    tmp_path: Path,
) -> None:
    surroundings |= {"HEADWATER_DATABASE_URL": postgres(migrated_postgres), "HEADWATER_KEY": KEY}
    webs = [start("web", "--port", "0", **surroundings) for _ in range(2)]
    ports = [one.up() for one in webs]
    installed = (b'{"action":"created","installation":{"id":1}}', "installation", "same")
    assert deliver(ports[0], *installed).status == deliver(ports[1], *installed).status == 202
    assert json.loads(run(surroundings, "deliveries", "--json").stdout)[0]["outcome"] == "waiting"
    worker = start("worker", **surroundings | {"HEADWATER_STATE": str(tmp_path / "worker")})
    worker.up()
    assert outcome(surroundings, "same") == "installation created"
    assert [one.end()[0] for one in (*webs, worker)] == [0, 0, 0]


def test_metrics_have_a_port_of_their_own(start: Callable[..., Process]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = free.getsockname()[1]
    port = start("serve", "--port", "0", HEADWATER_METRICS_PORT=str(own)).up()
    deliver(port)
    answer = ask(own, "GET", "/metrics")
    assert b'headwater_webhooks_total{answer="kept",event="ping"} 1.0' in answer.body
    assert "Server" not in answer.headers
    assert ask(port, "GET", "/metrics").status == 404


# ---- deliveries


def test_deliveries_are_listed_and_done_again(start: Callable[..., Process], surroundings: dict[str, str]) -> None:
    nothing = run(surroundings, "deliveries")
    assert (nothing.returncode, nothing.stdout) == (
        0,
        f"No webhook came yet, in sqlite:///{surroundings['HEADWATER_STATE']}/headwater.db.\n",
    )
    assert run(surroundings, "deliveries", "--json").stdout == "[]\n"
    assert not Path(surroundings["HEADWATER_STATE"]).exists()

    serving = start("serve", "--port", "0")
    port = serving.up()
    for number in range(3):
        deliver(port, guid=f"id-{number}")
        outcome(surroundings, f"id-{number}")
    serving.end()

    listed = json.loads(run(surroundings, "deliveries", "--json", "--limit", "2").stdout)
    assert [one["id"] for one in listed] == ["id-2", "id-1"]
    assert set(listed[0]) == {"id", "event", "action", "receivedAt", "outcome"}
    assert listed[0]["event"] == "ping"
    assert listed[0]["action"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", listed[0]["receivedAt"])

    again = run(surroundings, "deliveries", "redo", "id-1")
    assert (again.returncode, again.stdout) == (0, "id-1 is worked on again.\n")
    assert json.loads(run(surroundings, "deliveries", "--json").stdout)[1]["outcome"] == "waiting"
    log = run(surroundings, "audit", "--json", "--state", surroundings["HEADWATER_STATE"]).stdout.splitlines()
    assert [(one["deed"], one["origin"], one["detail"]) for one in map(json.loads, log)] == [
        ("redo", "cli", "webhook id-1")
    ]
    start("serve", "--port", "0").up()
    assert outcome(surroundings, "id-1")

    unknown = run(surroundings, "deliveries", "redo", "id-9")
    assert unknown.returncode == 2
    assert "error: no webhook id-9 came here" in unknown.stderr
    shown = run(surroundings, "deliveries").stdout
    assert shown.splitlines()[0].split() == ["Received", "Event", "Action", "ID", "Outcome"]
    assert "id-2" in shown.splitlines()[1]


def test_a_backup_is_made_while_it_serves_and_knows_that_it_is_one(
    start: Callable[..., Process], surroundings: dict[str, str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    nothing = run(surroundings, "backup", str(copy))
    assert nothing.returncode == 2
    assert "there is no database" in nothing.stderr
    port = start("serve", "--port", "0").up()
    deliver(port, guid="id-1")
    made = run(surroundings, "backup", str(copy))
    assert (made.returncode, "keep that, too" in made.stdout) == (0, True)
    assert copy.stat().st_mode & 0o077 == 0
    assert [one.name for one in tmp_path.glob("copy.db*")] == ["copy.db"]
    again = run(surroundings, "backup", str(copy))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    elsewhere = run(surroundings, "backup", str(tmp_path / "no" / "copy.db"))
    assert elsewhere.returncode == 1
    assert "could not be written" in elsewhere.stderr

    database = Database.file(copy)
    with database.reading() as connection:
        assert restoring.is_backup(connection)
        assert deliveries.known(connection, ["id-1"]) == {"id-1"}
    database.engine.dispose()
    told = run(surroundings | {"HEADWATER_DATABASE_URL": f"sqlite:///{copy}"}, "restored")
    assert "given up: 0." in told.stdout
    with database.reading() as connection:
        assert not restoring.is_backup(connection)
        assert restoring.last(connection) is not None
        (row,) = audit.entries(connection)
    assert (row.deed, row.result, row.origin, row.environment) == ("restored", "done", "cli", None)
    assert row.detail == "unfinished deployments that were given up: 0"
    database.engine.dispose()


def test_a_database_is_no_backup_while_a_server_works_with_it(surroundings: dict[str, str]) -> None:
    state = Path(surroundings["HEADWATER_STATE"])
    with held(state):
        told = run(surroundings, "restored")
    assert told.returncode == 2
    assert "another server" in told.stderr
    assert run(surroundings, "restored").returncode == 0


def test_an_app_that_github_does_not_know_is_told_by_the_names_of_its_settings(surroundings: dict[str, str]) -> None:
    wrong = run(surroundings | {"HEADWATER_GITHUB_APP_ID": "999999"}, "serve", "--port", "0")
    assert wrong.returncode == 2
    told = " ".join(wrong.stderr.split())
    assert "knows no App 999999 with this key" in told
    assert "HEADWATER_GITHUB_APP_ID is the App ID" in told
    assert "HEADWATER_GITHUB_PRIVATE_KEY_FILE a key" in told


def test_another_apps_key_is_told_too(github: GitHub, surroundings: dict[str, str]) -> None:
    other = github.app("acme", secret=SECRET)
    Path(surroundings["HEADWATER_GITHUB_PRIVATE_KEY_FILE"]).write_text(other.private_key)
    assert run(surroundings, "serve", "--port", "0").returncode == 2


def test_what_would_leave_it_deaf_is_told_at_the_start(app: App, start: Callable[..., Process]) -> None:
    app.webhook_url, events = "https://elsewhere.example/webhook", app.events
    app.events = tuple(one for one in events if one != "workflow_job")
    try:
        server = start("serve", "--port", "0")
        server.up()
        _, logged = server.end()
    finally:
        app.events = events
    assert f"the App {app.slug} sends its webhooks to https://elsewhere.example/webhook" in logged
    assert f"the App {app.slug} does not hear of workflow_job" in logged


def test_a_github_that_is_away_keeps_nobody_from_starting(start: Callable[..., Process]) -> None:
    server = start("serve", "--port", "0", HEADWATER_GITHUB_API_URL="http://127.0.0.1:9/api/v3")
    assert server.up()
    assert "GitHub could not be asked about the App" in server.end()[1]


def test_a_port_of_metrics_that_is_taken_names_its_setting(surroundings: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = run(surroundings | {"HEADWATER_METRICS_PORT": port}, "serve", "--port", "0")
    assert answer.returncode != 0
    assert "HEADWATER_METRICS_PORT" in answer.stderr
