"""The log of an attempt: what its tools wrote to `raw`, followed, scrubbed and bounded in `log`.

Tools write to a file and not to a pipe, which would end them with their runner. `raw` (mode 0600) holds everything
until the attempt is over, so that whoever collects a dead runner's attempt can still make a whole log of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from bot.runner.redact import Scrubber

DEFAULT_LIMIT = 10 * 1024 * 1024
_CHUNK = 1024 * 1024
_TAIL = 16 * 1024
"""So many characters at the end of the log are kept at hand, for error messages."""


class Log:
    """The runner's end: tools write to `raw`, `follow` brings that on, `finish` removes what must not stay.

    `listener` is given each piece of the redacted text as it comes.
    """

    def __init__(
        self,
        folder: Path,
        sensitive: Collection[object],
        limit: int = DEFAULT_LIMIT,
        listener: Callable[[str], None] | None = None,
    ) -> None:
        self._folder = folder
        self.sensitive = tuple(sensitive)  # grows by what proves sensitive at the end
        self._limit = limit
        self._listener = listener
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self.raw = os.open(folder / "raw", flags, 0o600)
        self._read = 0
        self._scrubber = Scrubber(sensitive)
        self._shown = _Bounded(folder / "log", limit)

    @property
    def tail(self) -> str:
        """The last lines of the log so far."""
        return self._shown.tail

    def say(self, line: str) -> None:
        """A line of Headwater's own, in its place between those of the tools."""
        with suppress(OSError):  # a full disk must not end a deploy
            os.write(self.raw, f"{line}\n".encode(errors="replace"))

    def follow(self) -> bool:
        """Bring the log on by at most a megabyte; whether there was anything."""
        data = os.pread(self.raw, _CHUNK, self._read)
        self._read += len(data)
        if data:
            self._show(self._scrubber.feed(data))
        return bool(data)

    def _show(self, text: str) -> None:
        self._shown.write(text)
        if self._listener is not None and text:
            self._listener(text)

    def finish(self, also_sensitive: Collection[object] = ()) -> None:
        """Complete the log and delete `raw`; values that proved sensitive only at the end are taken out as well."""
        while self.follow():
            pass
        self._show(self._scrubber.flush())
        self._shown.close()
        os.close(self.raw)
        self.sensitive = (*self.sensitive, *also_sensitive)
        try:
            if also_sensitive:
                finish_log(self._folder, self.sensitive, self._limit)
        except OSError:  # a full disk: rather no log than one that shows them
            for name in ("log", "log.whole"):
                (self._folder / name).unlink(missing_ok=True)
        (self._folder / "raw").unlink(missing_ok=True)


def finish_log(folder: Path, sensitive: Collection[object], limit: int = DEFAULT_LIMIT) -> None:
    """Make the whole log of an attempt whose runner is dead, then delete `raw`; does nothing if there is none."""
    raw, whole = folder / "raw", folder / "log.whole"
    if not raw.exists():
        return
    scrubber, shown = Scrubber(sensitive), _Bounded(whole, limit)
    with raw.open("rb") as file:
        while data := file.read(_CHUNK):
            shown.write(scrubber.feed(data))
    shown.write(scrubber.flush())
    shown.close()
    whole.replace(folder / "log")
    raw.unlink(missing_ok=True)


class _Bounded:
    """Writes text to a file: all of it up to the limit, else its beginning and its end."""

    def __init__(self, path: Path, limit: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self._kept_back = min(limit // 4, 256 * 1024)
        self._room = limit - self._kept_back
        self._end: list[bytes] = []  # what came after the room was full, as much as the limit allows
        self._end_size = self._left_out = 0
        self.tail = ""

    def write(self, text: str) -> None:
        if not text:
            return
        self.tail = (self.tail + text[-_TAIL:])[-_TAIL:]
        data = text.encode()
        head, rest = data[: self._room], data[self._room :]
        if head:
            self._put(head)
            self._room -= len(head)
        if rest:
            self._end.append(rest)
            self._end_size += len(rest)
            if self._end_size > 2 * self._kept_back:
                self._shorten()

    def _shorten(self) -> None:
        joined = b"".join(self._end)
        cut = max(0, len(joined) - self._kept_back)
        self._left_out += cut
        self._end, self._end_size = [joined[cut:]], len(joined) - cut

    def close(self) -> None:
        self._shorten()
        if self._left_out:
            self._put(f"\n... {self._left_out} bytes are left out here ...\n".encode())
        self._put(b"".join(self._end).decode(errors="ignore").encode())
        os.close(self._file)

    def _put(self, data: bytes) -> None:
        with suppress(OSError):  # a full disk must not end a deploy
            while data:
                data = data[os.write(self._file, data) :]
