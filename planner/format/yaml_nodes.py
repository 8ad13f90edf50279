"""YAML as a tree of texts with their places: nothing is converted, nothing of it is run.

A scalar keeps the text as written, so `1.10` stays `1.10` until a shape asks for a number. YAML 1.2's rules say
which plain texts are numbers, booleans and null; `yes`, `on` and dates are texts.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from planner.definition import Json
from planner.format.texts import shown
from planner.problems import Place, Problem

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml: ten times slower, the same events
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

LARGEST_FILE = 4 * 1024 * 1024
"""Bytes. Room for tens of thousands of environments in one file; anything larger is a mistake or an attack."""

DEEPEST = 64
MOST_VALUES = 400_000
"""Keys, values, lists and maps of one file: a hundred times as much memory as text may go into them."""
MOST_EXPANDED = 100_000
"""Nodes that aliases (`*name`) may add to a file: a bomb of nine lines would add 10^9."""


class Scalar(NamedTuple):
    """One text. `quoted`: it was not a plain scalar, so it is a text whatever it looks like."""

    line: int
    column: int
    text: str
    quoted: bool


class Items(NamedTuple):
    """A list."""

    line: int
    column: int
    items: tuple[Node, ...]


class Mapping(NamedTuple):
    """A map, in the order of the file, without doubled keys, with `<<` merged in."""

    line: int
    column: int
    pairs: tuple[tuple[Scalar, Node], ...]


Node: TypeAlias = "Scalar | Items | Mapping"

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")


def scalar_value(node: Scalar) -> bool | int | float | str | None:
    """The value of a scalar by YAML 1.2, but a number that JSON would write otherwise stays text.

    So `1.10`, `0123` and `1e3` reach a tool as they stand in the file.
    """
    text = node.text
    if node.quoted:
        return text
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text


def plain_value(node: Node) -> Json:
    """The node as JSON values."""
    if isinstance(node, Scalar):
        return scalar_value(node)
    if isinstance(node, Items):
        return [plain_value(item) for item in node.items]
    return {key.text: plain_value(value) for key, value in node.pairs}


def read_yaml(file: str, content: bytes) -> tuple[Node | None, list[Problem]]:
    """The tree of one file (None if it is empty or cannot be read) and what is wrong with it. Never raises."""
    text, problem = _text(file, content)
    if problem is not None:
        return None, [problem]
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except _UnreadableError as error:
        builder.problems.append(Problem(error.place, str(error)))
        return None, builder.problems
    except yaml.YAMLError as error:
        return None, [*builder.problems, _syntax_problem(file, text, error)]
    return builder.root, builder.problems


_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def _text(file: str, content: bytes) -> tuple[str, Problem | None]:
    if len(content) > LARGEST_FILE:
        size = f"{len(content) / 1024 / 1024:.1f} MiB, more than the {LARGEST_FILE // 1024 // 1024} MiB"
        return "", Problem(Place(file), f"the file has {size} that are read: split it into several workflow files")
    try:
        content = content.removeprefix(codecs.BOM_UTF8)
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(errors="replace")
        return "", Problem(_place_after(file, before), "not UTF-8: save the file as UTF-8")
    odd = _CONTROL.search(text)
    if odd is not None:
        place = _place_after(file, text[: odd.start()])
        return "", Problem(place, f"the control character U+{ord(odd[0]):04X} may not be in YAML: remove it")
    return text, None


def _place_after(file: str, before: str) -> Place:
    lines = re.split("\r\n|\n|\r", before)
    return Place(file, len(lines), len(lines[-1]) + 1)


class _UnreadableError(Exception):
    """Reading on makes no sense."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


def _line_and_column(event: Event) -> tuple[int, int]:
    mark = event.start_mark
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


class _Open:
    """A list or map whose end was not seen yet."""

    __slots__ = ("anchor", "column", "is_map", "items", "line", "nodes_before")

    def __init__(self, line: int, column: int, anchor: str | None, nodes_before: int, *, is_map: bool) -> None:
        self.line = line
        self.column = column
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.is_map = is_map
        self.items: list[Node] = []


class _Builder:
    """Builds the tree from events, without recursion, with bounds on depth and on what aliases add."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._nodes = 0
        self._expanded = 0
        self._documents = 0

    def take(self, event: Event) -> None:
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._start(event)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._end()
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._unreadable(event, "a second document begins here: a workflow file holds one, without `---`")

    def _place(self, event: Event) -> Place:
        return Place(self.file, *_line_and_column(event))

    def _unreadable(self, event: Event, message: str) -> _UnreadableError:
        return _UnreadableError(self._place(event), message)

    def _check_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        tag = event.tag
        if tag is not None and tag not in ("!", "tag:yaml.org,2002:str"):
            short = tag.replace("tag:yaml.org,2002:", "!!")
            message = f"the tag {shown(short)} is not read: write a plain value"
            self.problems.append(Problem(self._place(event), message))

    def _scalar(self, event: ScalarEvent) -> None:
        if event.tag is not None:
            self._check_tag(event)
        quoted = bool(event.style) or event.tag is not None
        node = Scalar(*_line_and_column(event), event.value, quoted)
        self._count(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1)
        self._add(node)

    def _count(self, event: Event) -> None:
        self._nodes += 1
        if self._nodes > MOST_VALUES:
            message = f"the file holds more than {MOST_VALUES:,} values: split it into several workflow files"
            raise self._unreadable(event, message)

    def _start(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        self._check_tag(event)
        if len(self._open) >= DEEPEST:
            raise self._unreadable(event, f"nested more than {DEEPEST} deep: write it flatter")
        line, column = _line_and_column(event)
        is_map = isinstance(event, MappingStartEvent)
        self._open.append(_Open(line, column, event.anchor, self._nodes, is_map=is_map))
        self._count(event)
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)  # an alias within itself finds nothing

    def _end(self) -> None:
        done = self._open.pop()
        node: Node = (
            Mapping(done.line, done.column, self._pairs(done.items))
            if done.is_map
            else Items(done.line, done.column, tuple(done.items))
        )
        if done.anchor is not None:
            self._anchors[done.anchor] = (node, self._nodes - done.nodes_before)
        self._add(node)

    def _alias(self, event: AliasEvent) -> None:
        if event.anchor not in self._anchors:
            message = f"*{event.anchor} names no anchor that ends before it: write &{event.anchor} at an earlier value"
            raise self._unreadable(event, message)
        node, size = self._anchors[event.anchor]
        self._nodes += size
        self._expanded += size
        if self._expanded > MOST_EXPANDED:
            message = f"aliases (*{event.anchor}) make more than {MOST_EXPANDED:,} values of this file: write fewer"
            raise self._unreadable(event, message)
        self._add(node)

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1].items.append(node)
        elif self.root is None:
            self.root = node

    def _pairs(self, flat: list[Node]) -> tuple[tuple[Scalar, Node], ...]:
        pairs: dict[str, tuple[Scalar, Node]] = {}
        merged: list[Node] = []
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._problem(key, "a key must be a text, not a list or map")
            elif key.text == "<<" and not key.quoted:
                merged.extend(value.items if isinstance(value, Items) else (value,))
            elif key.text in pairs:
                first = pairs[key.text][0]
                self._problem(key, f"the key {shown(key.text)} stands twice (first in line {first.line}): remove one")
            else:
                pairs[key.text] = (key, value)
        for node in merged:
            self._merge(node, pairs)
        return tuple(pairs.values())

    def _merge(self, node: Node, pairs: dict[str, tuple[Scalar, Node]]) -> None:
        if not isinstance(node, Mapping):
            self._problem(node, "`<<` takes a map or a list of maps, as in `<<: *name`")
            return
        for key, value in node.pairs:
            pairs.setdefault(key.text, (key, value))

    def _problem(self, node: Node, message: str) -> None:
        self.problems.append(Problem(Place(self.file, node.line, node.column), message))


_MENDS = (
    ("mapping values are not allowed", "put the value in quotes, or begin the key on a line of its own"),
    ("cannot start any token", "put the value in quotes"),
    ("unexpected end of stream", "close the quote that is open here"),
    ("expected ',' or", "close the bracket, or separate with a comma"),
    ("expected node content", "close the bracket, or give the value"),
)


def _syntax_problem(file: str, text: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return Problem(Place(file), f"not YAML: {' '.join(str(error).split())}")
    tab = _tab_at(text, mark.line)
    if tab is not None:
        return Problem(Place(file, mark.line + 1, tab), "a tab in the indentation: YAML indents with spaces only")
    what = str(getattr(error, "problem", None) or "cannot be parsed")
    mend = next((mend for part, mend in _MENDS if part in what), "check the indentation, quotes and brackets here")
    context = getattr(error, "context", None)
    begin = getattr(error, "context_mark", None)
    line = mark.line if begin is None else begin.line
    where = f" ({context} that begins in line {line + 1})" if context and line != mark.line else ""
    return Problem(Place(file, mark.line + 1, mark.column + 1), f"not YAML: {what}{where}: {mend}")


_INDENTATION = re.compile(r"[ \t]*")


def _tab_at(text: str, line: int) -> int | None:
    """The column of a tab in the indentation of that line (from 0), if there is one."""
    lines = re.split("\r\n|\n|\r", text)
    indentation = _INDENTATION.match(lines[line]) if line < len(lines) else None
    place = indentation[0].find("\t") if indentation else -1
    return None if place < 0 else place + 1
