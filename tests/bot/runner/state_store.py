"""A Terraform state store over HTTP, with locks that outlive whoever took them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StateStore(ThreadingHTTPServer):
    """One state at `address`; `lock` is what whoever holds it said of itself."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state: bytes | None = None
        self.lock: bytes | None = None
        self.alone = threading.Lock()

    @property
    def backend(self) -> str:
        """The block of a module that keeps its state here."""
        address = f"http://127.0.0.1:{self.server_port}/state"
        names = ("address", "lock_address", "unlock_address")
        lines = "\n".join(f'    {name} = "{address}"' for name in names)
        return f'terraform {{\n  backend "http" {{\n{lines}\n    retry_max = 0\n  }}\n}}\n'

    def leave_locked(self, number: str, who: str) -> None:
        """Somebody was killed while they held the lock."""
        found = {
            "ID": number,
            "Operation": "OperationTypeApply",
            "Info": "",
            "Who": who,
            "Version": "1.11.4",
            "Created": "2026-01-02T03:04:05.678Z",
            "Path": "",
        }
        self.lock = json.dumps(found).encode()


class _Handler(BaseHTTPRequestHandler):
    server: StateStore

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_GET(self) -> None:
        state = self.server.state
        self._answer(200 if state is not None else 404, state or b"")

    def do_POST(self) -> None:
        self.server.state = self._body()
        self._answer(200)

    def do_LOCK(self) -> None:
        wanted = self._body()
        with self.server.alone:
            held = self.server.lock
            if held is None:
                self.server.lock = wanted
        self._answer(200 if held is None else 423, held or b"")

    def do_UNLOCK(self) -> None:
        self._body()
        self.server.lock = None
        self._answer(200)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def state_store() -> Iterator[StateStore]:
    """A store for a while."""
    with StateStore() as store:
        threading.Thread(target=store.serve_forever, daemon=True).start()
        yield store
        store.shutdown()
