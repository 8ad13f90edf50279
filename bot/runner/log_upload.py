"""Sends the redacted log to the bot while it grows, in the background: no tool ever waits for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from pathlib import Path

from bot.runner.http_channel import HttpChannel
from bot.runner.http_client import Answer, Client, NoAnswer
from bot.runner.redact import Redactor

_MOST = 256 * 1024
"""Bytes of one piece."""
_LONGEST_PAUSE = 15.0


class LogUpload:
    """The sender of one log file. It looks for news each `every` seconds; `finish` sends the rest."""

    def __init__(self, channel: HttpChannel, log: Path, every: float) -> None:
        self._channel = channel
        self._every = every
        self._file = os.open(log, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)  # this very file, whatever replaces it
        self._offset = 0
        self._rest: tuple[int, bytes] | None = None
        self._closing = threading.Event()
        self._extra: tuple[object, ...] = ()
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def finish(self, also_sensitive: Collection[object], seconds: float) -> None:
        """Send what is left, without what proved sensitive at the end; waits so many seconds at most."""
        self._extra = tuple(also_sensitive)
        self._closing.set()
        self._thread.join(seconds)

    def shown(self, values: Collection[object]) -> bool:
        """Whether the log had one of these values before anybody knew that they are sensitive."""
        text = self._read_on(0).decode(errors="replace")
        return bool(values) and Redactor(values).redact(text) != text

    def _go(self) -> None:
        client, failures = self._channel.client(), 0
        while True:
            closing = self._closing.is_set()  # before the look at the file: what is written by then is sent
            piece = self._piece(closing=closing)
            if not piece:
                if closing:
                    return
                self._closing.wait(self._every)
                continue
            going_on = self._send(client, piece)
            if going_on is None:
                return
            failures = 0 if going_on else failures + 1
            if failures:
                pause = min(0.5 * 2**failures, _LONGEST_PAUSE)
                threading.Event().wait(min(pause, 2.0) if closing else pause)

    def _send(self, client: Client, piece: bytes) -> bool | None:
        """Whether that brought the log on; None if there is no sense in going on."""
        try:
            answer = self._channel.send_log(client, self._offset, piece)
        except NoAnswer:
            return False
        if answer.status in (400, 410, 413):
            return None
        size = _size(answer)
        if size is None or answer.status not in (200, 409):
            return False
        if size > self._offset + len(piece) or (self._rest is not None and size < self._rest[0]):
            return None  # not ours any more
        on = size != self._offset
        self._offset = size
        return on

    def _piece(self, *, closing: bool) -> bytes:
        if closing and self._extra and self._rest is None:
            text = self._read_on(self._offset).decode(errors="surrogateescape")
            hidden = Redactor(self._extra).redact(text).encode(errors="surrogateescape")
            self._rest = (self._offset, hidden)
        if self._rest is not None:
            at = self._offset - self._rest[0]
            return self._rest[1][at : at + _MOST]
        return os.pread(self._file, _MOST, self._offset)

    def _read_on(self, offset: int) -> bytes:
        parts = []
        while part := os.pread(self._file, _MOST, offset):
            parts.append(part)
            offset += len(part)
        return b"".join(parts)


def _size(answer: Answer) -> int | None:
    size = answer.found.get("size")
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None
