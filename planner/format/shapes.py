"""The kinds of values that a workflow file may hold: each reads a node, and says itself as JSON Schema.

Both sides come from the same object, so that the reader and the published schema cannot drift apart.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

from planner.definition import Json
from planner.format.texts import PRINTABLE_PATTERN, shown, unprintable
from planner.format.yaml_nodes import Items, Mapping, Node, Scalar, plain_value, scalar_value
from planner.nearest import Names
from planner.problems import Place, Problem, Severity

Schema = dict[str, Json]


class Unusable:
    """What a shape gives for a node that it refused; the problem is noted already."""


UNUSABLE = Unusable()


class Located(Protocol):
    """What stands at a place of a file."""

    @property
    def line(self) -> int:
        """From 1."""

    @property
    def column(self) -> int:
        """From 1."""


class Found(NamedTuple):
    """A value that was read, and where."""

    line: int
    column: int
    value: object


@dataclass(slots=True)
class Notes:
    """What is wrong with one file, gathered while it is read."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def place(self, at: Located) -> Place:
        """The place of a node or value in this file."""
        return Place(self.file, at.line, at.column)

    def error(self, at: Located, message: str) -> Unusable:
        """Note an error; gives UNUSABLE, so that a shape can return it."""
        self.problems.append(Problem(self.place(at), message))
        return UNUSABLE

    def warning(self, at: Located, message: str) -> None:
        """Note a warning."""
        self.problems.append(Problem(self.place(at), message, Severity.WARNING))


class Shape(ABC):
    """A kind of value."""

    @abstractmethod
    def read(self, node: Node, what: str, notes: Notes) -> object:
        """The value of a node, or UNUSABLE with the problem noted; `what` names the value in messages."""

    @abstractmethod
    def schema(self) -> Schema:
        """The same as JSON Schema; it may accept more than the reader, never less."""


def kind_of(node: Node) -> str:
    """What a node is, in words."""
    if isinstance(node, Mapping):
        return "a map"
    if isinstance(node, Items):
        return "a list"
    value = scalar_value(node)
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return node.text
    if isinstance(value, int | float):
        return f"the number {node.text}"
    return f"the text {shown(node.text)}"


@dataclass(frozen=True, slots=True)
class Text(Shape):
    """A text of one line. A plain number is taken as it is written (`1.10`).

    `refusal` gives the end of a sentence for a text that may not be; `pattern` is what the schema can say of it.
    """

    refusal: Callable[[str], str | None] | None = None
    pattern: str | None = None
    may_be_empty: bool = False
    number_will_do: bool = True  # false: no number is ever such a text

    def read(self, node: Node, what: str, notes: Notes) -> object:
        if not isinstance(node, Scalar):
            return notes.error(node, f"{what} is {kind_of(node)}: write one text")
        text = node.text
        if not node.quoted and isinstance(scalar_value(node), bool):
            return notes.error(node, f"{what} is {text}, a boolean: put it in quotes if the text is meant")
        if not text or (not node.quoted and scalar_value(node) is None):
            return self._empty(node, what, notes)
        odd = unprintable(text)
        if odd is not None:
            return notes.error(node, f"{what} has the character {odd}, which nobody can see: remove it")
        refusal = self.refusal(text) if self.refusal is not None else None
        return text if refusal is None else notes.error(node, f"{what} {refusal}")

    def _empty(self, node: Scalar, what: str, notes: Notes) -> object:
        if self.may_be_empty and node.quoted:
            return ""
        return notes.error(node, f"{what} is empty: write a value, or leave the key out")

    def schema(self) -> Schema:
        found: Schema = {"type": ["string", "number"] if self.number_will_do else "string"}
        if not self.may_be_empty:
            found |= {"minLength": 1, "pattern": PRINTABLE_PATTERN}
        return found if self.pattern is None else found | {"allOf": [{"pattern": self.pattern}]}


@dataclass(frozen=True, slots=True)
class Flag(Shape):
    """`true` or `false`."""

    def read(self, node: Node, what: str, notes: Notes) -> object:
        value = scalar_value(node) if isinstance(node, Scalar) else None
        if isinstance(value, bool):
            return value
        return notes.error(node, f"{what} is {kind_of(node)}: write true or false, without quotes")

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class FlagOrText(Shape):
    """`true`, `false`, or a text that comes to one of them."""

    text: Text

    def read(self, node: Node, what: str, notes: Notes) -> object:
        value = scalar_value(node) if isinstance(node, Scalar) else None
        return value if isinstance(value, bool) else self.text.read(node, what, notes)

    def schema(self) -> Schema:
        return self.text.schema() | {"type": ["boolean", "string", "number"]}


@dataclass(frozen=True, slots=True)
class Count(Shape):
    """A whole number, 0 or more."""

    most: int

    def read(self, node: Node, what: str, notes: Notes) -> object:
        value = scalar_value(node) if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= self.most:
            return value
        return notes.error(node, f"{what} is {kind_of(node)}: write a whole number from 0 to {self.most}")

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": 0, "maximum": self.most}


@dataclass(frozen=True)
class Choice(Shape):
    """One of some words."""

    words: tuple[str, ...]

    @cached_property
    def _names(self) -> Names:
        return Names(self.words)

    def read(self, node: Node, what: str, notes: Notes) -> object:
        if not isinstance(node, Scalar):
            return notes.error(node, f"{what} is {kind_of(node)}: write one of {', '.join(self.words)}")
        if node.text in self.words:
            return node.text
        hint = self._names.hint(node.text)
        return notes.error(node, f"{what} is {kind_of(node)}{hint}: write one of {', '.join(self.words)}")

    def schema(self) -> Schema:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class ListOf(Shape):
    """A list; `single`: one value may stand for a list of one. Gives a tuple of Found."""

    item: Shape
    single: bool = False

    def read(self, node: Node, what: str, notes: Notes) -> object:
        if isinstance(node, Items):
            found = (
                Found(one.line, one.column, self.item.read(one, f"an item of {what}", notes)) for one in node.items
            )
            return tuple(one for one in found if one.value is not UNUSABLE)
        if self.single:
            value = self.item.read(node, what, notes)
            return UNUSABLE if value is UNUSABLE else (Found(node.line, node.column, value),)
        mend = (
            f"write [{node.text}]"
            if isinstance(node, Scalar) and node.text
            else "write a list, [] if it is to be empty"
        )
        return notes.error(node, f"{what} is {kind_of(node)}: {mend}")

    def schema(self) -> Schema:
        item = self.item.schema()
        listed: Schema = {"type": "array", "items": item}
        return {"anyOf": [item, listed]} if self.single else listed


@dataclass(frozen=True, slots=True)
class MapOf(Shape):
    """A map from names of one's own to values of one shape. Gives a tuple of (key node, value or UNUSABLE)."""

    value: Shape
    key: Text
    what: str
    what_key: str

    def read(self, node: Node, what: str, notes: Notes) -> object:
        if not isinstance(node, Mapping):
            return notes.error(node, f"{what} is {kind_of(node)}: write a map, {{}} if it is to be empty")
        found: list[tuple[Scalar, object]] = []
        for key, value_node in node.pairs:
            # A key is a text whatever it looks like: `1`, `true` and `null` may be aliases.
            name = self.key.read(key._replace(quoted=True), f"the {self.what_key} {shown(key.text)}", notes)
            value = self.value.read(value_node, f"{self.what} {shown(key.text)}", notes)
            if name is not UNUSABLE:
                found.append((key, value))
        return tuple(found)

    def schema(self) -> Schema:
        key = {name: value for name, value in self.key.schema().items() if name != "type"}
        return {"type": "object", "propertyNames": key, "additionalProperties": self.value.schema()}


@dataclass(frozen=True, slots=True)
class AnyValue(Shape):
    """Any JSON value."""

    def read(self, node: Node, what: str, notes: Notes) -> object:  # noqa: ARG002 - nothing is refused
        return plain_value(node)

    def schema(self) -> Schema:
        return {}
