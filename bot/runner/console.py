"""What people read of an attempt in GitHub's log of the job, and the commands by which GitHub is told of it."""

from __future__ import annotations

import os
import string
from collections.abc import Iterable
from contextlib import suppress
from typing import IO

from bot.runner.redact import SHORTEST, clean

_TOKEN = 32  # letters
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


class Console:
    """Writes to the job's log. What a tool says never is a command there: GitHub is told to take none in between."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream = stream
        self._room = most
        self._stage = ""
        self._token: str | None = None
        self._whole_line = True
        self.spoken: set[str] = set()  # the stages in which a tool said something

    def mask(self, texts: Iterable[str]) -> None:
        """Have GitHub hide these in all that it shows of this job from now on; every line of a text by itself."""
        lines = (line.strip() for text in texts for line in text.splitlines())
        for line in dict.fromkeys(line for line in lines if len(line) >= SHORTEST):
            self._command("add-mask", line)

    def say(self, text: str) -> None:
        """A line of Headwater's own."""
        self._print(f"Headwater: {_one_line(text)}")

    def error(self, title: str, text: str) -> None:
        """A line that also stands beside the run as an error."""
        self._command("error", clean(text), title)

    def warn(self, title: str, text: str) -> None:
        """A line that also stands beside the run as a warning."""
        self._command("warning", clean(text), title)

    def stage(self, name: str) -> None:
        """Tell what begins now; what tools write in it can be folded away."""
        self.end_stage()
        self.say(name)
        self._stage = name

    def fold(self, title: str, text: str) -> None:
        """A text that can be folded away."""
        self.end_stage()
        if not text or self._room <= 0:
            return
        self._open(title)
        self._put_text(text)
        self.end_stage()

    def end_stage(self) -> None:
        """What tools write now is no part of any stage, and not shown."""
        self._stage = ""
        if not self._whole_line:
            self._print("")
            self._whole_line = True
        if self._token is not None:
            self._print(f"::{self._token}::")
            self._print("::endgroup::")
            self._token = None

    def write(self, text: str) -> None:
        """What a tool said, redacted: as much as there is room for."""
        if not self._stage or self._room <= 0:
            return
        if self._token is None:
            self._open(f"Output of {self._stage}")
            self.spoken.add(self._stage)
        self._put_text(text)

    def _open(self, title: str) -> None:
        self._print(f"::group::{_one_line(title).translate(_DATA)}")
        self._token = _letters()
        self._print(f"::stop-commands::{self._token}")

    def _put_text(self, text: str) -> None:
        if len(text) > self._room:
            text = text[: self._room] + "\n... the rest is in Headwater's own log ...\n"
        self._room -= len(text)
        self._whole_line = text.endswith("\n")
        self._put(text)

    def _command(self, name: str, text: str, title: str = "") -> None:
        self.end_stage()
        properties = f" title={_one_line(title).translate(_PROPERTY)}" if title else ""
        self._print(f"::{name}{properties}::{text.translate(_DATA)}")

    def _print(self, line: str) -> None:
        self._put(f"{line}\n")

    def _put(self, text: str) -> None:
        with suppress(OSError, ValueError):  # nobody reads any more: the attempt goes on
            self._stream.write(text.encode(errors="replace"))
            self._stream.flush()


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _letters() -> str:
    """A word that no tool can know."""
    return "".join(string.ascii_lowercase[byte % 26] for byte in os.urandom(_TOKEN))
