"""The pages of `headwater setup`: one to begin with, one that GitHub sends the browser back to."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources

from flask import Flask, Response, request
from jinja2 import Environment, FunctionLoader, StrictUndefined

from bot.errors import HeadwaterError
from bot.github import urls
from bot.github.data import ManifestData
from bot.web.listener import HEADERS
from bot.web.manifest import form_url, manifest

_PAGE = "setup.html.j2"


@dataclass(slots=True)
class Setup:
    """One walk through the flow. `finish` exchanges the code and keeps what comes; it is called once at most."""

    name: str
    public_url: str
    api_url: str
    organization: str | None
    finish: Callable[[str], ManifestData]
    hosts: frozenset[str] = frozenset()
    """The names that the pages answer under: a page elsewhere must not read the state through another one."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    made: ManifestData | None = None
    error: HeadwaterError | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def come_back(self, state: str, code: str) -> bool:
        """The browser is back from GitHub; False where it brings another state than it was sent away with."""
        if not secrets.compare_digest(state.encode(), self.state.encode()):
            return False
        with self._lock:
            if self.made is None and self.error is None:
                try:
                    self.made = self.finish(code)
                except HeadwaterError as error:
                    self.error = error
        return True


def names_of(host: str, port: int) -> frozenset[str]:
    """What a browser on this machine, or at the other end of a tunnel, may call this server."""
    names = {f"[{host}]" if ":" in host else host}
    if names & {"127.0.0.1", "localhost", "[::1]"}:
        names |= {"127.0.0.1", "localhost", "[::1]"}
    return frozenset(one for name in names for one in ((f"{name}:{port}", name) if port == 80 else (f"{name}:{port}",)))


def create_setup_app(setup: Setup) -> Flask:
    """The pages."""
    app = Flask("headwater-setup", static_folder=None)
    github = urls.web_url(setup.api_url)
    pages = Environment(
        loader=FunctionLoader(lambda name: resources.files("templates").joinpath(name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def page(status: int = 200, **values: object) -> Response:
        nonce = secrets.token_urlsafe(16)
        about = {"github": github, "nonce": nonce, "made": None, "error": None, "manifest": None, **values}
        answer = Response(pages.get_template(_PAGE).render(about), status, content_type="text/html; charset=utf-8")
        answer.headers.extend(HEADERS)
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action {github}"
        )
        return answer

    @app.before_request
    def check_name() -> Response | None:
        return (
            None if request.host in setup.hosts else page(421, error="open the address that was printed, as it stands")
        )

    @app.get("/")
    def begin() -> Response:
        if setup.made is not None:
            return page(made=setup.made, install_url=urls.install_url(setup.api_url, setup.made.slug))
        asked = manifest(setup.name, setup.public_url, f"{request.host_url}created")
        address = form_url(setup.api_url, setup.organization, setup.state)
        return page(manifest=json.dumps(asked), asked=asked, address=address, organization=setup.organization)

    @app.get("/created")
    def created() -> Response:
        if not setup.come_back(request.args.get("state", ""), request.args.get("code", "")):
            return page(400, error="this is no answer to what was asked here: begin again")
        if setup.error is not None:
            return page(502, error=f"{setup.error.what}: {setup.error.mend}")
        return begin()

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        if setup.made is not None or setup.error is not None:
            setup.ended.set()

    return app
