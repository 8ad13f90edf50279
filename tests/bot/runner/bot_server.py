"""A small bot for tests: a real web server that speaks the runner interface, holds both sides to docs/openapi.yaml, and
misbehaves on demand."""

from __future__ import annotations

import json
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml
from jsonschema import Draft202012Validator

from bot.zipapp import Zipapp, build

DESCRIPTION = yaml.safe_load((Path(__file__).parents[3] / "docs" / "openapi.yaml").read_text())
IDENTITY, ASKING = "identity-" + "i" * 20, "asking-" + "a" * 20
_SCHEMAS = {"claim": ("Claim", "Claimed"), "beat": ("Beat", "BeatAnswer"), "report": ("Report", "Heard")}


def problems(schema: str, found: Any) -> list[str]:
    """What is wrong with a message, by the description."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DESCRIPTION["components"]}
    return [
        f"{schema}: {one.message[:300]} at {one.json_path}" for one in Draft202012Validator(whole).iter_errors(found)
    ]


@dataclass
class Offer:
    """An attempt as the bot has it, and what came of it."""

    attempt: str
    key: str
    spec: dict[str, Any]
    claims: list[dict[str, Any]] = field(default_factory=list)
    token: str | None = None
    beats: list[tuple[float, int]] = field(default_factory=list)
    log: bytearray = field(default_factory=bytearray)
    most_log: int = 10 * 1024 * 1024
    most_report: int = 50 * 1024 * 1024
    report: dict[str, Any] | None = None
    reports: int = 0
    stop: str | None = None
    over: bool = False
    taken: str | None = None

    @property
    def text(self) -> str:
        """The log as people read it."""
        return self.log.decode()


@dataclass
class Fault:
    """What happens to requests whose path has `part`, so many `times`."""

    part: str
    how: Callable[[Handler], bool]  # whether the request is answered all the same
    times: int = 1


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._go()

    def do_POST(self) -> None:
        self._go()

    def _go(self) -> None:
        bot = self.server.bot
        if self.server is not bot.http:
            self.cut()
            return
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.url = urlsplit(self.path)
        self.token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        bot.requests.append((self.command, self.path, time.monotonic(), self.client_address[1]))
        bot.seen.append((self.path, self.body))
        fault = bot.fault_for(self.path)
        if fault is not None and not fault.how(self):
            return
        bot.answer(self)

    def say(self, status: int, found: Any, headers: dict[str, str] | None = None) -> None:
        """Answer with JSON, or with bytes."""
        data = found if isinstance(found, bytes) else json.dumps(found).encode()
        with suppress(OSError):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def cut(self) -> None:
        """Drop the connection without a word."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def dropped(handler: Handler) -> bool:
    """The line is cut before anything happens."""
    handler.cut()
    return False


def lost(handler: Handler) -> bool:
    """It happens, and the answer gets lost."""
    say, handler.say = handler.say, lambda *_, **__: None  # type: ignore[method-assign]
    handler.server.bot.answer(handler)
    handler.say = say  # type: ignore[method-assign]
    return dropped(handler)


def slow(seconds: float) -> Callable[[Handler], bool]:
    """What was asked is looked at only after a while."""

    def how(handler: Handler) -> bool:
        time.sleep(seconds)
        return True

    return how


def dripping(handler: Handler) -> bool:
    """A byte each half second, for ever."""
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\nX-" + b"x" * 1000:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.5)
    return dropped(handler)


def refused(status: int, found: Any = None, **headers: str) -> Callable[[Handler], bool]:
    """Another answer than the right one."""

    def how(handler: Handler) -> bool:
        told = {"error": "no", "detail": "on demand"} if found is None else found
        handler.say(status, told, {name.replace("_", "-"): value for name, value in headers.items()})
        return False

    return how


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    bot: Bot


class Bot:
    """`who` says what the token of a claim proves (raises ValueError where nothing); by default it knows one word.

    `certified` are the files of a certificate and its key, for a bot that speaks TLS.
    """

    def __init__(
        self, who: Callable[[str], dict[str, Any]] | None = None, certified: tuple[str, str] | None = None
    ) -> None:
        self.zipapp: Zipapp = build()
        self.offers: dict[str, Offer] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, float, int]] = []
        self.seen: list[tuple[str, bytes]] = []
        self.wrong: list[str] = []
        self.audiences: list[str] = []
        self._who = who or self._only_one
        self._guard = threading.Lock()
        self.http = _Server(("127.0.0.1", 0), Handler)
        self.http.bot = self
        if certified is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certified)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self.http.shutdown()
        self.http.server_close()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens for a while."""
        host, port = self.http.server_address[:2]
        self.stop()
        yield
        self.http = _Server((str(host), int(port)), Handler)
        self.http.bot = self
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def offer(self, attempt: str, spec: dict[str, Any], key: str = "key-1") -> Offer:
        """Have an attempt ready."""
        made = self.offers[attempt] = Offer(attempt, key, spec)
        return made

    def fault(self, part: str, how: Callable[[Handler], bool], times: int = 1) -> None:
        """Misbehave."""
        self.faults.append(Fault(part, how, times))

    def fault_for(self, path: str) -> Fault | None:
        """What befalls this request."""
        with self._guard:
            found = next((one for one in self.faults if one.part in path and one.times > 0), None)
            if found is not None:
                found.times -= 1
            return found

    def paths(self, part: str) -> list[str]:
        """Which requests there were."""
        return [path for _, path, _, _ in self.requests if part in path]

    @staticmethod
    def _only_one(token: str) -> dict[str, Any]:
        if token != IDENTITY:
            raise ValueError("this token is none that GitHub gave")
        return {}

    def answer(self, handler: Handler) -> None:
        """Do what a request asks."""
        path = handler.url.path
        if path == "/identity":
            self._give_identity(handler)
        elif path == f"/runner/v1/{self.zipapp.name}":
            handler.say(200, self.zipapp.data)
        elif path == "/runner/v1/claim":
            with self._guard:
                self._claim(handler)
        elif found := re.fullmatch(r"/runner/v1/attempts/([^/]+)/(beat|log|report)", path):
            with self._guard:
                self._attempt(handler, self.offers.get(unquote(found[1])), found[2])
        else:
            handler.say(404, {"error": "unknown"})

    def _give_identity(self, handler: Handler) -> None:
        self.audiences += parse_qs(handler.url.query).get("audience", [])
        good = handler.token == ASKING
        handler.say(200 if good else 401, {"value": IDENTITY} if good else {"message": "Unauthorized"})

    def _claim(self, handler: Handler) -> None:
        found = json.loads(handler.body)
        self.wrong += problems("Claim", found)
        try:
            claims = self._who(handler.token)
        except ValueError as error:
            handler.say(401, {"error": "identity", "detail": str(error)})
            return
        offer = self.offers.get(found["attempt"])
        same = offer is not None and offer.claims[-1:] == [claims] and not offer.beats
        if offer is None or offer.key != found["key"]:
            handler.say(409, {"error": "unknown", "detail": "there is no such attempt"})
        elif offer.taken or (offer.token is not None and not same):
            handler.say(409, {"error": offer.taken or "taken", "detail": "another job has it"})
        else:
            offer.claims.append(claims)
            offer.token = secrets.token_urlsafe(32)
            answer = {"token": offer.token, "spec": offer.spec}
            self.wrong += problems("Claimed", answer)
            handler.say(200, answer)

    def _attempt(self, handler: Handler, offer: Offer | None, what: str) -> None:
        if offer is None or handler.token != offer.token:
            handler.say(401, {"error": "token", "detail": "this token is not that of the attempt"})
        elif what == "beat":
            beats = json.loads(handler.body)
            self.wrong += problems("Beat", beats)
            offer.beats.append((time.monotonic(), beats["beats"]))
            gone = offer.over or offer.report is not None
            handler.say(410 if gone else 200, {"error": "gone"} if gone else {"stop": offer.stop})
        elif what == "log":
            self._add(handler, offer)
        elif len(handler.body) > offer.most_report:
            handler.say(413, {"error": "too large"})
        else:
            report = json.loads(handler.body)
            self.wrong += problems("Report", report)
            offer.report = offer.report or report
            offer.reports += 1
            handler.say(200, {"heard": True})

    def _add(self, handler: Handler, offer: Offer) -> None:
        offset = int(parse_qs(handler.url.query)["offset"][0])
        if offset != len(offer.log):
            handler.say(409, {"size": len(offer.log)})
        elif len(offer.log) + len(handler.body) > offer.most_log:
            handler.say(413, {"error": "full"})
        else:
            offer.log += handler.body
            handler.say(200, {"size": len(offer.log)})
