"""Keeps sensitive values out of everything that people or CI can read.

A value is found exact, JSON-escaped (also twice, and as Terraform writes it), URL-quoted and base64-encoded at any of
the three alignments; a value of several lines is also found line by line. Where a chunk was cut never matters.
"""

from __future__ import annotations

import binascii
import codecs
import json
import re
from collections.abc import Iterable, Iterator

SHORTEST = 6
"""Sensitive texts with fewer characters are refused by the planner: to hide them would hide half of each log."""

_MASKS = "*█#●■▓▒░◆◇○□"
_UNQUOTED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~")
_WRAPPED = (64, 76)  # where `openssl base64` and `base64` break their lines

_SEQUENCE = re.compile(
    "[\x1b][\\[][0-?]{0,64}[ -/]{0,8}[@-~]"  # colours, cursor
    "|\x9b[0-?]{0,64}[ -/]{0,8}[@-~]"
    "|\x1b[\\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\\\)"  # titles, links
    "|\x1b[ -/]{0,8}[0-OQ-WYZ\\\\`-~]"
)
_CUT_SEQUENCE = re.compile(
    "(?:\x1b(?:\\[[0-?]{0,64}[ -/]{0,8}|[\\]PX^_][^\x07\x1b]{0,4096}\x1b?|[ -/]{0,8})|\x9b[0-?]{0,64}[ -/]{0,8}|\r)\\Z"
)
_LONGEST_SEQUENCE = 4200
_ASCII_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class Redactor:
    """Masks the given values in a stream of text: `feed` what comes, then `flush` once; or `redact` a whole text."""

    def __init__(self, values: Iterable[object]) -> None:
        self._patterns = patterns(values)
        self.mask = _mask(self._patterns)
        self._held = ""
        self._covered = 0  # so much of the held text is part of a value already masked

    def redact(self, text: str) -> str:
        """This whole text without the values."""
        return self._split(text, 0, len(text))[0]

    def feed(self, text: str) -> str:
        """What can be told of the stream so far; what may be the beginning of a value is held back."""
        text = self._held + text
        out, self._covered = self._split(text, self._covered, keep := self._decided(text))
        self._held = text[keep:]
        return out

    def flush(self) -> str:
        """The rest of the stream."""
        out, _ = self._split(self._held, self._covered, len(self._held))
        self._held, self._covered = "", 0
        return out

    def _split(self, text: str, covered: int, end: int) -> tuple[str, int]:
        """The text up to `end` with a mask for each run of overlapping values, and how far the last run reaches on."""
        out: list[str] = []
        position = covered
        for start, stop in self._spans(text):
            if start >= max(end, position):
                break
            if start >= position:
                out += (text[position:start], self.mask)
            position = max(position, stop)
        if position < end:
            out.append(text[position:end])
        return "".join(out), max(0, position - end)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        for pattern in self._patterns:
            place = text.find(pattern)
            while place >= 0:
                spans.append((place, place + len(pattern)))
                place = text.find(pattern, place + 1)
        spans.sort()
        return spans

    def _decided(self, text: str) -> int:
        """Where the earliest value begins that the text may have only in part."""
        keep = size = len(text)
        for pattern in self._patterns:
            place = text.find(pattern[0], max(0, size - len(pattern) + 1), keep)
            while place >= 0:
                if pattern.startswith(text[place:]):
                    keep = place
                    break
                place = text.find(pattern[0], place + 1, keep)
        return keep


class Scrubber:
    """Turns what a tool wrote into text that may be shown: UTF-8, no control sequences, no sensitive values."""

    def __init__(self, values: Iterable[object]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._redactor = Redactor(values)
        self._cut = ""

    def feed(self, data: bytes) -> str:
        """What can be shown of the stream so far."""
        text = self._cut + self._decoder.decode(data)
        cut = _CUT_SEQUENCE.search(text, max(0, len(text) - _LONGEST_SEQUENCE))
        keep = cut.start() if cut else len(text)
        self._cut = text[keep:]
        return self._redactor.feed(clean(text[:keep]))

    def flush(self) -> str:
        """The rest of the stream."""
        text = clean(self._cut + self._decoder.decode(b"", final=True))
        self._cut = ""
        return self._redactor.feed(text) + self._redactor.flush()


def clean(text: str) -> str:
    """The text without ANSI sequences and control characters; every line ends with a line feed alone."""
    if "\x1b" in text or "\x9b" in text:
        text = _SEQUENCE.sub("", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_ASCII_CONTROLS) if text.isascii() else _CONTROLS.sub("", text)


def patterns(values: Iterable[object]) -> tuple[str, ...]:
    """Every text that gives one of the values away, longest first."""
    found: set[str] = set()
    for value in values:
        for text in texts_of(value):
            found.update(_forms(text))
            lines = re.split("[\x00-\x1f\x7f-\x9f\u2028\u2029]+", text)
            if len(lines) > 1:
                for line in lines:
                    found.update(_plain_forms(line.strip()))
    return tuple(sorted((one for one in found if len(one) >= SHORTEST), key=lambda one: (-len(one), one)))


def texts_of(value: object) -> Iterator[str]:
    """A value as text, and the texts within a list or map."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        yield json.dumps(value)
        yield json.dumps(value, separators=(",", ":"))
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts_of(inner)
    elif value is not None and not isinstance(value, bool):
        yield json.dumps(value)


def _forms(text: str) -> Iterator[str]:
    if len(text) < SHORTEST:
        return
    yield from _plain_forms(text)
    data = text.encode("utf-8", "surrogatepass")
    for shift in range(3):
        whole = binascii.b2a_base64(bytes(shift) + data, newline=False).decode()
        sure = whole[(8 * shift + 5) // 6 : (shift + len(data)) * 8 // 6]  # what the neighbours do not reach
        for form in (sure, sure.replace("+", "-").replace("/", "_")):
            yield form
            if shift == 0:
                for width in _WRAPPED:
                    yield from (form[at : at + width] for at in range(0, len(form), width) if len(form) > width)


def _plain_forms(text: str) -> Iterator[str]:
    if len(text) < SHORTEST:
        return
    yield text
    yield clean(text)
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        go = once.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        yield from (once, clean(once), go, clean(go))
        yield clean(json.dumps(once, ensure_ascii=ascii_only)[1:-1])
        yield clean(json.dumps(go, ensure_ascii=ascii_only)[1:-1])
        yield clean(once.replace("${", "$${").replace("%{", "%%{"))
    data = text.encode("utf-8", "surrogatepass")
    for safe in (b"", b"/", b"!'()*", b"/:?#[]@!$&'()*+,;="):
        quoted = "".join(chr(byte) if byte in _UNQUOTED or byte in safe else f"%{byte:02X}" for byte in data)
        lower = re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)
        yield from (quoted, lower, quoted.replace("%20", "+"), lower.replace("%20", "+"))


def _mask(shown: Iterable[str]) -> str:
    """A mask that no value has a character of: else a mask and its neighbours could spell a value."""
    used = set("".join(shown))
    sign = next((sign for sign in _MASKS if sign not in used), None)
    return (sign or next(chr(code) for code in range(0x4E00, 0x20000) if chr(code) not in used)) * 3
