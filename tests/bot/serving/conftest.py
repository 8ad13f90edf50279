"""Servers as processes of their own, beside a GitHub on localhost."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.settings import Settings, names
from bot.store import deliveries
from bot.store.database import Database
from tests.bot.store.conftest import migrated_postgres, postgres  # noqa: F401  (fixtures)
from tests.bot.web.conftest import SECRET, Answer, ask, webhook_headers
from tests.github import GitHub
from tests.github.world.apps import App

PING = b'{"zen":"Keep it logically awesome.","hook_id":1}'


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    with GitHub() as made:
        made.world.organization("acme", ["owner"])
        yield made


@pytest.fixture(scope="module")
def app(github: GitHub) -> App:
    return github.app("acme", secret=SECRET)


@pytest.fixture
def surroundings(github: GitHub, app: App, tmp_path: Path) -> dict[str, str]:
    """The process environment of a server at that GitHub."""
    key = tmp_path / "app.pem"
    key.write_text(app.private_key)
    kept = {name: value for name, value in os.environ.items() if name not in names(Settings)}
    own = {
        "STATE": str(tmp_path / "state"),
        "PUBLIC_URL": "http://127.0.0.1:1",
        "GITHUB_API_URL": github.api_url,
        "GITHUB_APP_ID": str(app.id),
        "GITHUB_PRIVATE_KEY_FILE": str(key),
        "WEBHOOK_SECRET": SECRET,
        "METRICS_PORT": "0",
        "STOP_SECONDS": "5",
    }
    return kept | {f"HEADWATER_{name}": value for name, value in own.items()}


class Process:
    """A command of the server."""

    def __init__(self, *arguments: str, environment: dict[str, str]) -> None:
        self.environment = environment
        argv = [sys.executable, "-m", "bot.cli.main", *arguments]
        self.process = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.said = ""

    def up(self) -> int:
        """Wait for the line that says where it listens; the port."""
        assert self.process.stdout is not None
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                self.said = self.process.stdout.readline().decode()
                found = re.search(r"listens at http://127\.0\.0\.1:(\d+);", self.said)
                if found:
                    return int(found[1])
                if "works" in self.said:
                    return 0
            if self.process.poll() is not None:
                break
        raise AssertionError(self.end(signal.SIGKILL))

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Stop it; its exit code and what it logged."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, logged = self.process.communicate(timeout=30)
        return self.process.returncode, logged.decode()


@pytest.fixture
def start(surroundings: dict[str, str]) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def begin(*arguments: str, **more: str) -> Process:
        one = Process(*arguments, environment=surroundings | more)
        made.append(one)
        return one

    yield begin
    for one in made:
        one.end(signal.SIGKILL)


def run(surroundings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "bot.cli.main", *arguments]
    return subprocess.run(argv, env=surroundings, capture_output=True, text=True, check=False, timeout=60)


def deliver(port: int, body: bytes = PING, event: str = "ping", guid: str | None = None) -> Answer:
    return ask(port, "POST", "/webhook", body, webhook_headers(body, event, guid))


def outcome(surroundings: dict[str, str], guid: str) -> str:
    """What became of a webhook, once something did."""
    own = f"sqlite:///{surroundings['HEADWATER_STATE']}/headwater.db"
    database = Database(surroundings.get("HEADWATER_DATABASE_URL", own))
    end = time.monotonic() + 20
    try:
        while time.monotonic() < end:
            with database.reading() as connection:
                (found,) = [one.outcome for one in deliveries.recent(connection, 100) if one.id == guid]
            if found != "waiting":
                return found
            time.sleep(0.05)
    finally:
        database.engine.dispose()
    raise AssertionError("nobody worked on it")
