"""The loop of the HTTP server, with real connections: whoever has something to say is heard, the others are left alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from wsgiref.types import WSGIApplication

import pytest

from bot.web import listener
from bot.web.listener import Listener

LARGE = 8 * 1024 * 1024


def echo(surroundings: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    """Answers with the path that was asked for; `/large` with more than a socket takes at once."""
    path = surroundings["PATH_INFO"].encode()
    body = b"x" * LARGE if path == b"/large" else path
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def serving(app: WSGIApplication = echo) -> Iterator[Listener]:
    made = Listener(app, "127.0.0.1", 0, most_body=1024, threads=4, grace=2)
    thread = made.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join(10)
        assert not thread.is_alive()


def connect(server: Listener) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def ask(path: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: here\r\n{more}\r\n".encode()


def heard(connection: socket.socket, many: int = 1) -> list[bytes]:
    """The bodies of the next answers."""
    bodies, got = [], b""
    while len(bodies) < many:
        head, found, rest = got.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        if found and len(rest) >= length:
            bodies.append(rest[:length])
            got = rest[length:]
        else:
            more = connection.recv(1024 * 1024)
            assert more, "the connection was closed"
            got += more
    return bodies


def test_idle_connections_are_not_asked_what_they_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    readable = listener._Channel.readable

    def counted(channel: Any) -> bool:
        asked.append(1)
        return readable(channel)

    monkeypatch.setattr(listener._Channel, "readable", counted)
    with serving() as server, ExitStack() as idle:
        for _ in range(100):
            other = idle.enter_context(closing(connect(server)))
            other.sendall(ask("/idle"))
            heard(other)
        asked.clear()
        with closing(connect(server)) as busy:
            for number in range(50):
                busy.sendall(ask(f"/{number}"))
                assert heard(busy) == [f"/{number}".encode()]
        assert len(asked) < 50 * 100  # each turn asked all of them, there are three turns a request


def test_requests_in_one_breath_are_answered_in_order() -> None:
    with serving() as server, closing(connect(server)) as connection:
        connection.sendall(b"".join(ask(f"/{number}") for number in range(20)))
        assert heard(connection, 20) == [f"/{number}".encode() for number in range(20)]


def test_an_answer_that_no_socket_takes_at_once_arrives_whole() -> None:
    with serving() as server, closing(connect(server)) as connection:
        connection.sendall(ask("/large"))
        assert heard(connection) == [b"x" * LARGE]
        connection.sendall(ask("/after"))
        assert heard(connection) == [b"/after"]


def test_connections_that_come_and_go_take_nothing_from_each_other() -> None:
    with serving() as server, closing(connect(server)) as staying:
        for number in range(200):
            with closing(connect(server)) as passing:
                passing.sendall(ask("/passing", "Connection: close\r\n" if number % 2 else ""))
                assert heard(passing) == [b"/passing"]
            staying.sendall(ask(f"/{number}"))
            assert heard(staying) == [f"/{number}".encode()]


def test_whoever_leaves_in_the_middle_keeps_nobody_waiting() -> None:
    with serving() as server:
        for _ in range(50):
            with closing(connect(server)) as leaving:
                leaving.sendall(ask("/large"))
        with closing(connect(server)) as staying:
            staying.sendall(ask("/here"))
            assert heard(staying) == [b"/here"]


def test_a_connection_is_heard_as_soon_as_its_request_was_answered() -> None:
    """Not only when all are asked again, a second later."""
    with serving() as server, ExitStack() as open_ones:
        connections = [open_ones.enter_context(closing(connect(server))) for _ in range(20)]
        ended: list[str] = []

        def talk(one: socket.socket) -> None:
            for number in range(100):
                one.sendall(ask(f"/{number}"))
                assert heard(one) == [f"/{number}".encode()]
            ended.append("talked")

        threads = [threading.Thread(target=talk, args=(one,)) for one in connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(ended) == 20  # a hundred waits of a second each would be no end
