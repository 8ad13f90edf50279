"""HTTP as a CI job needs it: one kept connection, a deadline that holds against any server, the job's own proxy."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from bot.runner.addresses import HERE, Address

MOST = 1024 * 1024
"""Bytes of an answer that are read, unless the caller expects more."""

_STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
"""What a kept connection ends with that the server has closed meanwhile."""


class NoAnswer(Exception):  # noqa: N818  (what became of a call, not a failure of ours)
    """Nothing came back that could be used; the message says why. What was asked may have been done all the same."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    data: bytes = b""
    retry_after: float = 0.0  # seconds that it asks for

    @property
    def found(self) -> dict[str, Any]:
        """Its JSON object; empty if it is none."""
        try:
            found = json.loads(self.data)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def detail(self) -> str:
        """What it says to people, or how it can be called."""
        told = [one for one in (self.found.get("error"), self.found.get("detail")) if isinstance(one, str) and one]
        return ": ".join(told) or f"HTTP status {self.status} without a reason"


class Client:
    """Calls to one server, one after the other. Every call may be repeated: a lost answer is asked for again."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: http.client.HTTPConnection | None = None
        self._late = False

    def post(self, path: str, found: object, token: str, seconds: float, most: int = MOST) -> Answer:
        """Send JSON. Raises NoAnswer."""
        return self.call("POST", path, json.dumps(found).encode(), "application/json", token, seconds, most)

    def call(
        self, method: str, path: str, body: bytes | None, kind: str, token: str, seconds: float, most: int = MOST
    ) -> Answer:
        """One request, over in so many seconds whatever the server does. Raises NoAnswer."""
        headers = {"Accept": "application/json", "User-Agent": "headwater-runner", "Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = kind
        kept = self._connection is not None
        try:
            return self._once(method, path, body, headers, seconds, most)
        except _STALE as error:
            if not kept or self._late:
                raise self._failed(error, seconds) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._failed(error, seconds) from error
        self.close()
        try:
            return self._once(method, path, body, headers, seconds, most)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._failed(error, seconds) from error

    def close(self) -> None:
        """Let the connection go; the next call makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.close()

    def _failed(self, error: Exception, seconds: float) -> NoAnswer:
        self.close()
        if self._late or isinstance(error, TimeoutError):
            return NoAnswer(f"{self._address.host} did not answer within {seconds:g} seconds")
        said = str(error) or type(error).__name__
        return NoAnswer(f"{self._address.host} cannot be reached: {said}")

    def _once(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], seconds: float, most: int
    ) -> Answer:
        connection = self._connection
        if connection is None:
            connection = self._connection = _connection(self._address, seconds)
        with self._until(connection, seconds):
            if connection.sock is None:
                connection.connect()
            if self._late:
                raise TimeoutError
            connection.sock.settimeout(seconds)
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            data = response.read(most + 1)
        if len(data) > most:
            raise ValueError(f"the answer has more than {most} bytes")
        if response.will_close:
            self.close()
        return Answer(response.status, data, _seconds(response.headers.get("Retry-After")))

    @contextmanager
    def _until(self, connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
        """Cut the connection when the time is over: a time-out of the socket alone lets a server drip for ever."""
        self._late = False

        def cut() -> None:
            self._late = True
            sock = connection.sock
            if sock is not None:
                with suppress(OSError):  # not that of TLS, which another thread is in the middle of
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

        timer = threading.Timer(seconds, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _connection(address: Address, seconds: float) -> http.client.HTTPConnection:
    if address.scheme == "http":
        return http.client.HTTPConnection(address.host, address.port, timeout=seconds)
    proxy = _proxy(address.host)
    if proxy is None:
        return http.client.HTTPSConnection(address.host, address.port, timeout=seconds, context=_context())
    host, port, headers = proxy
    connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=_context())
    connection.set_tunnel(address.host, address.port, headers)
    return connection


def _proxy(host: str) -> tuple[str, int, dict[str, str]] | None:
    """The proxy for a host, by HTTPS_PROXY and NO_PROXY, and what it wants to know of us."""
    url = None if host in HERE or proxy_bypass(host) else getproxies().get("https")
    if not url:
        return None
    parts = urlsplit(url if "//" in url else f"//{url}")
    if parts.scheme == "https":
        raise ValueError("HTTPS_PROXY names a proxy that speaks TLS itself, which this runner cannot: give its http://")
    headers = {}
    if parts.username:
        basic = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {b64encode(basic.encode()).decode()}"
    return parts.hostname or "", parts.port or 80, headers


@cache
def _context() -> ssl.SSLContext:
    """How servers prove who they are, SSL_CERT_FILE heeded. Costs 20 ms, so made once."""
    return ssl.create_default_context()


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 5 else 0.0
