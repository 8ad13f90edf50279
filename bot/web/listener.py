"""The HTTP server around an application: waitress, with our own answers where it refuses, and a graceful end."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import suppress
from functools import partial
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from bot.errors import HeadwaterError
from bot.web.polling import Polling

HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
"""What every answer carries."""

_CONNECTIONS = 1000
_IDLE_SECONDS = 60
_MOST_HEADERS = 64 * 1024
_LOOK_SECONDS = 0.2
_CODES = {400: "bad-request", 413: "too-large", 431: "headers-too-large", 501: "not-implemented"}


class ListenError(HeadwaterError):
    """The server cannot listen where it should."""


class Listener:
    """Serves an application at one address; `serve` returns after `stop`, when what was under way is answered.

    `most_body` is in bytes: a larger body is answered 413 without being read. `grace` is in seconds.
    """

    def __init__(
        self, app: WSGIApplication, host: str, port: int, *, most_body: int, threads: int = 4, grace: float = 20.0
    ) -> None:
        self._grace = grace
        self._map: dict[int, Any] = {}
        self._polling = Polling(self._map)
        self._stopping = threading.Event()
        self._socket = _bound(host, port)
        self._server = create_server(
            app,
            map=self._map,
            sockets=[self._socket],
            threads=threads,
            ident=None,
            connection_limit=_CONNECTIONS,
            channel_timeout=_IDLE_SECONDS,
            max_request_header_size=_MOST_HEADERS,
            max_request_body_size=most_body + 1,  # the first size that it refuses
            log_socket_errors=False,
        )
        self._server.channel_class = partial(_Channel, self._polling)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def serve(self) -> None:
        """Answer until `stop`, then until nothing is under way or the grace is over."""
        while not self._stopping.is_set():
            self._polling.turn(1.0)
        self._server.accepting = False
        self._polling.removed(self._socket.fileno())
        self._server.del_channel()
        self._socket.close()
        end = time.monotonic() + self._grace
        while self._busy() and time.monotonic() < end:
            self._polling.turn(_LOOK_SECONDS, everything=True)
        self._server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map, ignore_all=True)

    def stop(self) -> None:
        """Have `serve` end; may be called from any thread, and from a signal handler."""
        self._stopping.set()
        for channel in list(self._server.active_channels.values()):
            channel.draining = True
        with suppress(OSError):  # it has ended meanwhile: a turn was just over
            self._server.pull_trigger()

    def start(self) -> threading.Thread:
        """Serve in a thread of its own."""
        thread = threading.Thread(target=self.serve, name=f"http-{self.port}", daemon=True)
        thread.start()
        return thread

    def _busy(self) -> bool:
        channels = list(self._server.active_channels.values())
        return any(one.requests or one.request is not None or one.total_outbufs_len for one in channels)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address, family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise ListenError(
            f"cannot listen at {host}:{port}: {said}", "end what listens there, or choose another address or port"
        ) from error


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """What waitress refuses before an application sees it, told as all our refusals are."""

    def execute(self) -> None:
        error = self.request.error
        code = _CODES.get(error.code, "error")
        most = self.channel.adj.max_request_body_size - 1
        detail = f"a body may have {most} bytes" if error.code == 413 else str(error.body or error.reason)
        body = json.dumps({"error": code, "detail": detail}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend([("Content-Type", "application/json"), *HEADERS])
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Told:
    """The server as one connection knows it: the loop that is woken learns by which."""

    def __init__(self, channel: _Channel, server: object) -> None:
        self._channel = channel
        self._server = server

    def __getattr__(self, name: str) -> object:
        return getattr(self._server, name)

    def pull_trigger(self) -> None:
        """Wake the loop."""
        self._channel.wake()
        self._server.pull_trigger()  # type: ignore[attr-defined]


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection; once the server ends, it takes no new request."""

    error_task_class = _Refusal
    draining = False

    def __init__(self, polling: Polling, server: object, *accepted: object, map: dict[int, Any]) -> None:
        self._polling = polling
        super().__init__(_Told(self, server), *accepted, map=map)

    def readable(self) -> bool:
        return not (self.draining and self.request is None) and super().readable()

    def add_channel(self, map: dict[int, Any] | None = None) -> None:
        super().add_channel(map)
        self._polling.changed(self._fileno)

    def del_channel(self, map: dict[int, Any] | None = None) -> None:
        self._polling.removed(self._fileno)
        super().del_channel(map)

    def wake(self) -> None:
        """Have the loop ask what this connection waits for; for any thread."""
        if (descriptor := self._fileno) is not None:  # it is None once this is closed
            self._polling.changed(descriptor)
