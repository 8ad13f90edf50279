"""Draws docs/images/deploy.svg: `headwater graph` and a live `headwater deploy` of examples/shop, as they really ran.

Run it as `python docs/picture.py` with Headwater installed; it takes half a minute. The commands write to a terminal of
ours, of which each picture is kept; the drawing shows them one after the other.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "images" / "deploy.svg"
COLUMNS, ROWS = 76, 60
WIDE, HIGH, SIZE = 8.4, 19, 14
LEFT, TOP = 20, 58
DEPLOY = ("deploy", "--auto-approve", "--brief")
LINGER = 4.0
"""Seconds for which the last picture stays before all begins anew."""

COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#79c0ff", "1": "#ffffff", "2": "#8b949e"}
PLAIN = "#d6deeb"
_STEERING = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")

_WORDS = re.compile(r"\S+(?: \S+)*")

Line = tuple[tuple[str, str], ...]
"""Runs of text, each with its colour."""


@dataclass(slots=True)
class Screen:
    """As much of a terminal as Headwater uses: colours, returning, going up, erasing lines."""

    rows: list[list[tuple[str, str]]] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    style: str = PLAIN

    def write(self, text: str) -> None:
        """Take what a program wrote."""
        place = 0
        while place < len(text):
            if found := _STEERING.match(text, place):
                self._steer(found[1], found[2])
                place = found.end()
            else:
                self._put(text[place])
                place += 1

    def _put(self, sign: str) -> None:
        if sign == "\r":
            self.column = 0
        elif sign == "\n":
            self.row += 1
            if self.row == len(self.rows):
                self.rows.append([])
        else:
            line = self.rows[self.row]
            line.extend([(" ", PLAIN)] * (self.column + 1 - len(line)))
            line[self.column] = (sign, self.style)
            self.column += 1

    def _steer(self, numbers: str, what: str) -> None:
        if what == "m":
            self.style = colour_of(numbers.split(";"), self.style)
        elif what == "A":
            self.row = max(self.row - int(numbers or 1), 0)
        elif what == "K":
            self.rows[self.row] = []

    def lines(self) -> list[Line]:
        """What is seen now."""
        return [tuple(_runs(row)) for row in self.rows]


def colour_of(numbers: Sequence[str], before: str) -> str:
    """The colour that a steering sequence sets."""
    if numbers[:2] == ["38", "5"]:
        return _of_palette(int(numbers[2]))
    if numbers[:2] == ["38", "2"]:
        return "#" + "".join(f"{int(number):02x}" for number in numbers[2:5])
    colour = before
    for number in numbers:
        colour = COLOURS.get(number, PLAIN if number in ("", "0") else colour)
    return colour


def _of_palette(number: int) -> str:
    """One of the 256 colours of a terminal: a cube of 6 x 6 x 6, then greys."""
    if number >= 232:
        return "#" + f"{8 + 10 * (number - 232):02x}" * 3
    if number < 16:
        return PLAIN
    steps = ((number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6)
    return "#" + "".join(f"{55 + 40 * step if step else 0:02x}" for step in steps)


def _runs(row: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    text, colour = "", PLAIN
    for sign, its in row:
        if its != colour and text:
            yield text, colour
            text = ""
        colour = its
        text += sign
    if text.strip():
        yield text.rstrip(), colour


def watched(argv: Sequence[str], folder: Path) -> list[tuple[float, list[Line]]]:
    """A command's pictures on a terminal, each with the seconds since its beginning."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    child = subprocess.Popen(argv, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    screen, pictures, begun, rest = Screen(), [], time.monotonic(), b""
    while data := _read(ours):
        text, rest = _whole(rest + data)
        screen.write(text)
        pictures.append((time.monotonic() - begun, screen.lines()))
    if child.wait():
        raise SystemExit(f"{' '.join(argv)} ended with exit code {child.returncode}")
    return pictures


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux's way of saying that the terminal was closed
        return b""


def _whole(data: bytes) -> tuple[str, bytes]:
    """The text of whole characters and steering sequences, and what is left over."""
    cut = data.rfind(b"\x1b")
    if cut >= 0 and not _STEERING.match(data[cut:].decode(errors="replace")):
        data, left = data[:cut], data[cut:]
    else:
        left = b""
    try:
        return data.decode(), left
    except UnicodeDecodeError as error:
        return data[: error.start].decode(), data[error.start :] + left


def live_part(pictures: Sequence[tuple[float, list[Line]]]) -> list[tuple[float, list[Line]]]:
    """The pictures of the table that is drawn while it deploys, from its first to the end."""
    found: list[tuple[float, list[Line]]] = []
    for at, lines in pictures:
        heads = [place for place, line in enumerate(lines) if "State" in "".join(text for text, _ in line)]
        if heads and (not found or lines[heads[-1] :] != found[-1][1]):
            found.append((at, lines[heads[-1] :]))
    begun = found[0][0]
    return [(at - begun, lines) for at, lines in found]


def command(text: str) -> Line:
    """A prompt with what was typed."""
    return (("$ ", COLOURS["32"]), (text, COLOURS["1"]))


class Drawing:
    """An SVG; equal lines are drawn once and used again."""

    def __init__(self) -> None:
        self._names: dict[Line, str] = {}

    def placed(self, lines: Sequence[Line], first: int) -> str:
        """Lines from the row `first` on."""
        rows = ((number, line) for number, line in enumerate(lines, start=first) if line)
        return "".join(f'<use href="#{self._name(line)}" y="{number * HIGH}"/>' for number, line in rows)

    def _name(self, line: Line) -> str:
        return self._names.setdefault(line, f"l{len(self._names)}")

    def whole(self, body: str, rows: int) -> str:
        """The finished file."""
        width, height = LEFT * 2 + COLUMNS * WIDE, TOP + rows * HIGH + 6
        lines = "".join(f'<g id="{name}">{_texts(line)}</g>' for line, name in self._names.items())
        dots = "".join(
            f'<circle cx="{22 + 18 * place}" cy="20" r="6" fill="{colour}"/>'
            for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'role="img" aria-label="headwater graph, then headwater deploy with its live table">'
            f"<defs>{lines}</defs>"
            f'<rect width="{width:g}" height="{height:g}" rx="9" fill="#10151f"/>{dots}'
            f"<g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" "
            f'font-size="{SIZE}" xml:space="preserve" transform="translate({LEFT} {TOP})">{body}</g></svg>\n'
        )


def _texts(line: Line) -> str:
    """Words at their columns, whatever font there is; spaces are not drawn, since some browsers join them."""
    parts, column = [], 0
    for text, colour in line:
        for found in _WORDS.finditer(text):
            x, length = (column + found.start()) * WIDE, len(found[0]) * WIDE
            parts.append(f'<text x="{x:g}" textLength="{length:g}" fill="{colour}">{escape(found[0])}</text>')
        column += len(text)
    return "".join(parts)


def drawn(graph: list[Line], frames: Sequence[tuple[float, list[Line]]]) -> str:
    """The graph on top, below it the frames one after the other; who cannot animate sees one of the middle."""
    drawing = Drawing()
    above = [command("headwater graph"), *graph, (), command(" ".join(["headwater", *DEPLOY])), (("…", COLOURS["2"]),)]
    body = drawing.placed(above, 0)
    length = frames[-1][0] + LINGER
    still = len(frames) * 2 // 3
    for number, (at, lines) in enumerate(frames):
        until = frames[number + 1][0] if number + 1 < len(frames) else length
        times = [at / length, min(until / length, 1.0)]
        values, keys = ["hidden", "visible", "hidden"], [0.0, *times]
        if times[0] == 0:
            values, keys = values[1:], keys[1:]
        body += (
            f'<g visibility="{"visible" if number == still else "hidden"}">'
            f'<animate attributeName="visibility" calcMode="discrete" dur="{length:.2f}s" repeatCount="indefinite" '
            f'values="{";".join(values)}" keyTimes="{";".join(f"{key:.4f}" for key in keys)}"/>'
            f"{drawing.placed(lines, len(above))}</g>"
        )
    return drawing.whole(body, len(above) + max(len(lines) for _, lines in frames))


def main() -> None:
    """Deploy the shop twice (the second time its durations are known), and draw the second."""
    headwater = str(Path(sys.executable).with_name("headwater"))
    identity = ("-c", "user.name=Demo", "-c", "user.email=demo@example.com")
    with tempfile.TemporaryDirectory(prefix="headwater-picture-") as scratch:
        os.environ["TMPDIR"] = scratch
        shop = Path(scratch) / "shop"
        shutil.copytree(ROOT / "examples" / "shop", shop)
        for argv in (
            ("git", "init", "--quiet"),
            ("git", "add", "."),
            ("git", *identity, "commit", "--quiet", "-m", "The shop"),
            (headwater, "deploy", "-q", "--auto-approve"),
            (headwater, "destroy", "-q", "--auto-approve"),
        ):
            subprocess.run(argv, cwd=shop, check=True, stdout=subprocess.DEVNULL)
        graph = [line for line in watched([headwater, "graph"], shop)[-1][1] if line]
        frames = live_part(watched([headwater, *DEPLOY], shop))
    TARGET.write_text(drawn(graph, frames))


if __name__ == "__main__":
    main()
