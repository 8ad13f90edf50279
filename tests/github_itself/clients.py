"""Clients and a receiver of webhooks, for the tests of the GitHub on localhost."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from github import Auth, Github, GithubIntegration
from githubkit import AppAuthStrategy
from githubkit import GitHub as Githubkit
from githubkit.cache import MemCacheStrategy

from tests.github import GitHub
from tests.github.world.apps import App


def as_person(github: GitHub, login: str) -> Github:
    """PyGithub with a person's token."""
    return _client(github, Auth.Token(github.world.personal_token(login)))


def integration(github: GitHub, app: App) -> GithubIntegration:
    """PyGithub as the App itself."""
    auth = Auth.AppAuth(app.id, app.private_key)
    return GithubIntegration(auth=auth, base_url=github.api_url, seconds_between_requests=0, seconds_between_writes=0)


def as_itself(github: GitHub, app: App) -> str:
    """The App's JSON web token."""
    return Auth.AppAuth(app.id, app.private_key).create_jwt()


def as_app(github: GitHub, app: App) -> Github:
    """PyGithub with a token of the App's first installation."""
    found = integration(github, app).get_installations()[0]
    return _client(github, Auth.AppAuth(app.id, app.private_key).get_installation_auth(found.id))


def _client(github: GitHub, auth: Auth.Auth) -> Github:
    return Github(
        auth=auth, base_url=github.api_url, retry=None, seconds_between_requests=0, seconds_between_writes=0
    )  # fmt: skip


def githubkit_of(github: GitHub, app: App) -> Githubkit[AppAuthStrategy]:
    """githubkit as the App; with a cache of its own, for its default one is shared and keyed by App id alone."""
    auth, cache = AppAuthStrategy(app.id, app.private_key), MemCacheStrategy()
    return Githubkit(auth, base_url=f"{github.api_url}/", auto_retry=False, cache_strategy=cache)


def call(github: GitHub, method: str, path: str, token: str | None = None, **more: Any) -> requests.Response:
    """One plain request to the REST API."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= more.pop("headers", {})
    return requests.request(method, f"{github.api_url}{path}", headers=headers, timeout=10, **more)


@dataclass(frozen=True)
class Received:
    """One webhook as it came in."""

    event: str
    id: str
    payload: dict[str, Any]
    raw: bytes
    signature: str

    @property
    def title(self) -> str:
        """Event and action."""
        return f"{self.event} {self.payload['action']}" if "action" in self.payload else self.event

    def signed_by(self, secret: str) -> bool:
        """Whether the signature is right."""
        return self.signature == f"sha256={hmac.new(secret.encode(), self.raw, hashlib.sha256).hexdigest()}"


class Receiver:
    """A web server that takes webhooks; `status` is what it answers."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.status = 202
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                headers = self.headers
                outer.got.append(
                    Received(
                        headers["X-GitHub-Event"], headers["X-GitHub-Delivery"], json.loads(raw), raw,
                        headers["X-Hub-Signature-256"],
                    )
                )  # fmt: skip
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def titles(self) -> list[str]:
        """What came, in order."""
        return [one.title for one in self.got]

    def stop(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()
