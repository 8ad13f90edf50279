"""The web application over real HTTP, on a real store; who signs jobs' identities is the GitHub on localhost."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.github.oidc import Verifier
from bot.metrics import Metrics
from bot.settings import Settings
from bot.store.database import Database
from bot.store.hosted_tables import deliveries
from bot.store.measures import measure
from bot.vault import Vault
from bot.waking import Topic
from bot.web import webhook
from bot.web.app import create_app
from bot.web.intake import Intake
from bot.web.listener import Listener
from bot.zipapp import Zipapp, build
from tests.bot.store.conftest import database, migrated_postgres, postgres  # noqa: F401  (fixtures)
from tests.github.world.apps import new_private_key

SECRET = "correct horse battery staple"
PUBLIC_URL = "https://headwater.example.com"


@dataclass
class TestHost:
    """The parts of a server that the web needs; `woken` counts its calls for workers."""

    settings: Settings
    database: Database
    vault: Vault
    verifier: Verifier
    metrics: Metrics
    zipapp: Zipapp = field(default_factory=build)
    woken: int = 0
    __test__ = False

    def code_token(self, attempt: str, url: str) -> str | None:
        return None

    def wake(self, *topics: Topic) -> None:
        self.woken += 1


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def webhook_headers(body: bytes, event: str = "push", guid: str | None = None) -> dict[str, str]:
    """What GitHub sends along with a webhook."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid or str(uuid.uuid4()),
        "X-Hub-Signature-256": signature(body),
    }


@dataclass
class Site:
    """The application, listening."""

    host: TestHost
    intake: Intake
    port: int

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        return ask(self.port, method, path, body, headers)

    def deliver(self, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> Answer:
        """Send a webhook; headers are the right ones unless given."""
        return self.ask("POST", "/webhook", body, webhook_headers(body) if headers is None else headers)

    def kept(self) -> list[tuple[str, str, bytes]]:
        """The webhooks that are stored, in their order."""
        with self.host.database.reading() as connection:
            query = select(deliveries.c.guid, deliveries.c.event, deliveries.c.body).order_by(deliveries.c.id)
            return [(row.guid, row.event, bytes(row.body)) for row in connection.execute(query)]


both = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
"""For tests about the store: on both databases."""


@pytest.fixture
def kind() -> str:
    """The other tests run on SQLite."""
    return "sqlite"


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An App's private key."""
    file = tmp_path_factory.mktemp("app") / "app.pem"
    file.write_text(new_private_key())
    return file


def settings_in(state: Path, key_file: Path, **more: Any) -> Settings:
    """Settings that nobody's process environment changes."""
    given = {
        "state": state,
        "public_url": PUBLIC_URL,
        "github_app_id": 7,
        "github_private_key_file": key_file,
        "webhook_secret": SECRET,
        "beat_seconds": 0.5,
        "silence_seconds": 2,
        "metrics_port": 0,
        **more,
    }
    return Settings(_env_file=None, **given)  # type: ignore[call-arg]


@pytest.fixture
def host(database: Database, tmp_path: Path, key_file: Path) -> TestHost:  # noqa: F811
    settings = settings_in(tmp_path / "state", key_file)
    settings.state.mkdir()
    verifier = Verifier("http://127.0.0.1:1/_services/token", PUBLIC_URL)

    def counted() -> Any:
        with database.reading() as connection:
            return measure(connection, 2_000_000_000.0, 600.0)

    return TestHost(settings, database, Vault(settings.state / "key"), verifier, Metrics(counted))


@pytest.fixture
def site(host: TestHost) -> Iterator[Site]:
    """The application over HTTP."""
    intake = Intake(host.database, host.wake)
    intake.start()
    listener = Listener(create_app(host, intake), "127.0.0.1", 0, most_body=webhook.MOST_BYTES, threads=8)
    thread = listener.start()
    yield Site(host, intake, listener.port)
    listener.stop()
    thread.join(20)
    intake.stop()
    assert not thread.is_alive()
