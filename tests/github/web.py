"""The one web server: which part answers which address, and the faults on the way."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from werkzeug.http import http_date
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from tests.github import faults, git_http
from tests.github.page import hands, pages
from tests.github.server import graphql
from tests.github.server.callers import credentials
from tests.github.server.rest import PREFIX, refused
from tests.github.world.limits import secondary
from tests.github.world.refusal import Refusal

if TYPE_CHECKING:
    from tests.github.localhost import GitHub

GIT = re.compile(r"/([^/]+)/([^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)$")
MOST_URL = 8192
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class _Quiet(WSGIRequestHandler):
    """Keeps connections open, as GitHub does, and writes no log."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of an answer, by the world's clock."""
        return http_date(self.server.app.now)  # type: ignore[attr-defined]


class Web:
    """Serves a GitHub on a port of this machine."""

    def __init__(self, github: GitHub, host: str, port: int) -> None:
        self._github = github
        self._busy = 0
        self._count = threading.Lock()
        self._server: BaseWSGIServer = make_server(host, port, self, threaded=True, request_handler=_Quiet)
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="github", daemon=True)

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self._github.world.clock.now()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """One request, from the server."""
        request = Request(environ)
        request.get_data()
        fault = self._github.faults.meeting(request.method, request.path)
        if fault is None:
            return self._answer(request)(environ, start_response)
        return _misbehave(self._github, fault, request, self._answer)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        with self._count:
            self._busy += 1
            crowded = self._busy > self._github.limits.concurrent
        try:
            return self._crowded() if crowded else self._routed(request)
        except Exception:  # noqa: BLE001 the outermost edge: told as GitHub would, and to the test
            self._github.errors.append(f"{request.method} {request.path}\n{traceback.format_exc()}")
            return _plain(Refusal(500, "Server Error"))
        finally:
            with self._count:
                self._busy -= 1

    def _crowded(self) -> Response:
        return _plain(secondary(1))

    def _routed(self, request: Request) -> Response:
        path = request.path
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            return self._github.rest.answer(request)
        if path == "/api/graphql":
            return graphql.answer(self._github, request)
        if found := GIT.match(path):
            return git_http.answer(self._github, request, *found.groups())
        for prefix, answer in self._github.places.items():
            if path.startswith(prefix):
                return answer(request)
        try:
            return hands.answer(self._github, request) or pages.answer(self._github, request)
        except Refusal as refused:
            return Response(f"{refused.message}\n", refused.status)


def _misbehave(
    github: GitHub, fault: faults.Fault, request: Request, answer: Callable[[Request], Response]
) -> Wsgi:  # fmt: skip
    told = faults.refusal(fault)
    if told is not None:
        return _plain(told)
    if fault.kind is faults.Kind.EXPIRED:
        with github.world.lock:
            token = github.world.tokens.get(credentials(request.headers.get("Authorization")) or "")
            if token:
                token.expires_at = github.world.clock.now()
        return answer(request)
    if fault.kind is faults.Kind.LATE:
        time.sleep(fault.seconds)
        return answer(request)
    if fault.kind is faults.Kind.DRIP:
        return _dripping(answer(request), fault.seconds)
    if fault.kind is faults.Kind.LOST:
        answer(request)
        time.sleep(fault.seconds)
    return _cut


def _plain(told: Refusal) -> Response:
    if told.status in (403, 429):
        found = refused(told)
        return Response(json.dumps(found.body), found.status, dict(found.headers), content_type="application/json")
    text = f"<html><body><h1>{told.status}</h1>{told.message}</body></html>"
    return Response(text, told.status, told.headers, content_type="text/html")


def _cut(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    connection: socket.socket = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def _dripping(whole: Response, seconds: float) -> Response:
    data = whole.get_data()
    piece = max(1, len(data) // 20)
    pause = seconds / -(-len(data) // piece)

    def pieces() -> Iterator[bytes]:
        for place in range(0, len(data), piece):
            time.sleep(pause)
            yield data[place : place + piece]

    whole.response = pieces()
    whole.headers["Content-Length"] = str(len(data))
    return whole
