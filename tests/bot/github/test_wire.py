"""What servers on the way do that the GitHub on localhost does not: kept-alive, compressed, chunked, cut answers."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.github.wire import NoAnswer, Wire
from tests.https import front

BODY = b'{"answer": "' + b"x" * 100_000 + b'"}'
HEAD = b"HTTP/1.1 200 OK\r\n"


def plain(body: bytes = BODY, more: bytes = b"") -> bytes:
    return HEAD + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes, more: bytes = b"") -> bytes:
    pieces = [body[at : at + 999] for at in range(0, len(body), 999)] + [b""]
    return (
        HEAD
        + more
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces)
    )


class Server:
    """Answers every request with `answer`, on connections that it keeps; `connections` counts these."""

    def __init__(self) -> None:
        self.answer: Callable[[socket.socket], bool] = lambda one: self.send(one, plain())
        self.connections = 0
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/x"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @staticmethod
    def send(one: socket.socket, data: bytes) -> bool:
        one.sendall(data)
        return True

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, one: socket.socket) -> None:
        with one, contextlib.suppress(OSError):  # the client may hang up
            while head := self._request(one):
                self.requests.append(head)
                if not self.answer(one):
                    return

    def _request(self, one: socket.socket) -> bytes:
        found = b""
        while not found.endswith(b"\r\n\r\n"):
            piece = one.recv(4096)
            if not piece:
                return b""
            found += piece
        return found

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # else the thread goes on waiting, and at another's socket later
        self._accepting.join()
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


def test_connections_are_kept_and_nothing_else(server: Server) -> None:
    wire = Wire(60)
    server.answer = lambda one: server.send(one, plain(more=b"Set-Cookie: a=b; Path=/\r\n"))
    assert [wire.exchange("GET", server.url, {"X-Mine": "1"}).body for _ in range(5)] == [BODY] * 5
    assert server.connections == 1
    assert b"X-Mine: 1" in server.requests[0]
    assert all(b"cookie" not in one.lower() for one in server.requests)


def test_credentials_do_not_come_from_netrc(
    server: Server, tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine 127.0.0.1 login ada password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    Wire(60).exchange("GET", server.url, {})
    assert b"authorization" not in server.requests[0].lower()


@pytest.mark.parametrize("answer", [
    plain(), chunked(BODY), plain(gzip.compress(BODY), b"Content-Encoding: gzip\r\n"),
    chunked(gzip.compress(BODY), b"Content-Encoding: gzip\r\n"),
], ids=["plain", "chunked", "gzip", "gzip-chunked"])  # fmt: skip
def test_every_form_of_a_body(server: Server, answer: bytes) -> None:
    wire = Wire(60)
    server.answer = lambda one: server.send(one, answer)
    for _ in range(3):
        assert wire.exchange("GET", server.url, {}).body == BODY
    assert server.connections == 1


def cut(data: bytes) -> Callable[[socket.socket], bool]:
    def answer(one: socket.socket) -> bool:
        one.sendall(data)
        return False

    return answer


@pytest.mark.parametrize(("data", "why"), [
    (plain()[:-1], "cut"), (HEAD + b"Content-Le", "cut"), (b"", "cut"), (b"HTTP/9.9 huh\r\n\r\n", "cut"),
    (chunked(BODY)[:-9], "cut"), (plain(gzip.compress(BODY), b"Content-Encoding: gzip\r\n")[:-9], "cut"),
    (plain(b"not gzip", b"Content-Encoding: gzip\r\n"), "cut"), (b"\x00" * 100, "cut"),
])  # fmt: skip
def test_half_an_answer_is_none(server: Server, data: bytes, why: str) -> None:
    server.answer = cut(data)
    with pytest.raises(NoAnswer, match=why) as told:
        Wire(60).exchange("GET", server.url, {})
    assert told.value.sent
    assert (told.value.__cause__, told.value.__context__) == (None, None)


def test_a_small_answer_that_grows(server: Server) -> None:
    server.answer = lambda one: server.send(one, plain(gzip.compress(b"0" * 50_000_000), b"Content-Encoding: gzip\r\n"))
    with pytest.raises(NoAnswer, match="too long"):
        Wire(60).exchange("GET", server.url, {}, most=1_000_000)


def test_a_connection_that_was_closed_meanwhile(server: Server) -> None:
    wire = Wire(60)
    server.answer = cut(plain())
    for _ in range(5):
        assert wire.exchange("GET", server.url, {}).body == BODY
        time.sleep(0.05)  # the other side closes an idle connection
    assert server.connections == 5


def test_an_answer_that_drips(server: Server) -> None:
    def drip(one: socket.socket) -> bool:
        one.sendall(plain()[:100])
        for _ in range(600):
            time.sleep(0.05)
            one.sendall(b"x")
        return False

    server.answer = drip
    began = time.monotonic()
    with pytest.raises(NoAnswer, match="too long"):
        Wire(0.5).exchange("GET", server.url, {})
    assert time.monotonic() - began < 20


def test_redirects_are_told_not_followed(server: Server) -> None:
    text = b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 4\r\n\r\nmove"
    server.answer = lambda one: server.send(one, text)
    found = Wire(60).exchange("GET", server.url, {})
    assert (found.status, found["location"], found.body) == (301, "http://127.0.0.1:9/", b"move")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://nowhere.invalid/", "http://127.0.0.1:99999/", "x://y"])
def test_nothing_was_sent(url: str) -> None:
    with pytest.raises(NoAnswer) as told:
        Wire(2).exchange("POST", url, {}, "{}")
    assert not told.value.sent


def test_an_authority_of_ones_own(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = urlsplit(server.url).port
    assert port is not None
    with front(port, tmp_path) as (address, chain):
        with pytest.raises(NoAnswer, match="certificate"):
            Wire(60).exchange("GET", address, {})
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(chain))
        assert Wire(60).exchange("GET", address, {}).body == BODY
