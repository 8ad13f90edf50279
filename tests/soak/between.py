"""A line to PostgreSQL that can be cut at the one moment that hurts most: COMMIT was sent, and its answer is not here yet."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_SOCKET = ".s.PGSQL.5432"


class Between:
    """Carries bytes between clients and the server whose socket the address names. `cut`: so many more commits lose their answer."""

    def __init__(self, url: str, folder: Path) -> None:
        (host,) = parse_qs(urlsplit(url).query)["host"]
        self._server = f"{host}/{_SOCKET}"
        self.url = f"{url.partition('?')[0]}?host={folder}"
        self.cut = 0
        self.lost = 0
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _SOCKET))
        self._listener.listen(64)
        threading.Thread(target=self._accept, name="between", daemon=True).start()

    def stop(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        line = _Line(self, client, server)
        with client, server, contextlib.suppress(OSError):
            server.connect(self._server)
            back = threading.Thread(target=line.back, daemon=True)
            back.start()
            line.forth()
            back.join()

    def taken(self) -> bool:
        """Whether this commit is one that loses its answer."""
        with self._lock:
            if self.cut <= 0:
                return False
            self.cut, self.lost = self.cut - 1, self.lost + 1
            return True


class _Line:
    """One connection, both ways."""

    def __init__(self, between: Between, client: socket.socket, server: socket.socket) -> None:
        self._between, self._client, self._server = between, client, server
        self._doomed = False

    def forth(self) -> None:
        """From the client, until it ends."""
        with contextlib.suppress(OSError):
            while data := self._client.recv(65536):
                self._doomed = self._doomed or (data == _COMMIT and self._between.taken())
                self._server.sendall(data)
        self._end()

    def back(self) -> None:
        """From the server, until it ends, or has committed what nobody shall hear of."""
        with contextlib.suppress(OSError):
            while data := self._server.recv(65536):
                if self._doomed:
                    break
                self._client.sendall(data)
        self._end()

    def _end(self) -> None:
        for one in (self._client, self._server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
