"""Maps with known keys: the tables of a workflow file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from planner.format.shapes import UNUSABLE, Found, Notes, Schema, Shape, kind_of
from planner.format.texts import shown
from planner.format.yaml_nodes import Mapping, Node, Scalar
from planner.nearest import Names


@dataclass(frozen=True, slots=True)
class Key:
    """One known key of a record; `about` is a sentence for people, also shown by editors through the schema."""

    name: str
    shape: Shape
    about: str


class Fields:
    """What was read of a record: the values of its known keys, with their places."""

    __slots__ = ("_found", "column", "line", "refused")

    def __init__(self, node: Node, found: dict[str, Found], refused: frozenset[str] = frozenset()) -> None:
        self.line = node.line
        self.column = node.column
        self.refused = refused  # keys that are there, with a value that is told to be wrong
        self._found = found

    @classmethod
    def empty(cls, node: Node) -> Fields:
        """The fields of a node that could not be read."""
        return cls(node, {})

    def get(self, key: str) -> Found | None:
        """The value of a key with its place."""
        return self._found.get(key)

    def has(self, key: str) -> bool:
        """Whether the key is there, usable or not."""
        return key in self._found or key in self.refused

    def names(self) -> tuple[str, ...]:
        """The usable keys, in file order."""
        return tuple(self._found)

    def text(self, key: str) -> str | None:
        """The text of a key."""
        found = self._found.get(key)
        return found.value if found is not None and isinstance(found.value, str) else None

    def flag(self, key: str, *, default: bool = False) -> bool:
        """The boolean of a key."""
        found = self._found.get(key)
        return found.value if found is not None and isinstance(found.value, bool) else default

    def count(self, key: str) -> int:
        """The number of a key, 0 if it has none."""
        found = self._found.get(key)
        return found.value if found is not None and isinstance(found.value, int) else 0

    def fields(self, key: str) -> Fields | None:
        """The record below a key."""
        found = self._found.get(key)
        return found.value if found is not None and isinstance(found.value, Fields) else None

    def items(self, key: str) -> tuple[Found, ...]:
        """The items of a list, with their places."""
        found = self._found.get(key)
        return found.value if found is not None and isinstance(found.value, tuple) else ()

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list."""
        return tuple(item.value for item in self.items(key) if isinstance(item.value, str))

    def pairs(self, key: str) -> tuple[tuple[Scalar, object], ...]:
        """The pairs of a map."""
        found = self._found.get(key)
        return found.value if found is not None and isinstance(found.value, tuple) else ()


@dataclass(frozen=True)
class Record(Shape):
    """A map with known keys. Gives Fields."""

    name: str
    keys: tuple[Key, ...]
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    """Exactly one of these keys must be there."""

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        return {key.name: key.shape for key in self.keys}

    @cached_property
    def _names(self) -> Names:
        return Names(self._shapes)

    def read(self, node: Node, what: str, notes: Notes) -> object:
        if not isinstance(node, Mapping):
            return notes.error(node, f"{what} is {kind_of(node)}: write a map with keys such as {self._examples()}")
        found: dict[str, Found] = {}
        shapes = self._shapes
        for key, value_node in node.pairs:
            shape = shapes.get(key.text)
            if shape is None:
                self._unknown(key, notes)
                continue
            value = shape.read(value_node, f"`{key.text}`", notes)
            found[key.text] = Found(value_node.line, value_node.column, value)
        self._check_presence(node, what, notes)
        refused = frozenset(name for name, one in found.items() if one.value is UNUSABLE)
        for name in refused:
            del found[name]
        return Fields(node, found, refused)

    def _examples(self) -> str:
        return ", ".join(f"`{key.name}`" for key in self.keys[:3])

    def _unknown(self, key: Scalar, notes: Notes) -> None:
        nearest = self._names.nearest(key.text)
        mend = f"did you mean `{nearest}`?" if nearest else f"it may have {', '.join(self._shapes)}"
        notes.error(key, f"unknown key {shown(key.text)} in {self.name}: {mend}")

    def _check_presence(self, node: Mapping, what: str, notes: Notes) -> None:
        if not self.required and not self.one_of:
            return
        present = {key.text for key, _ in node.pairs}
        for name in self.required:
            if name not in present:
                notes.error(node, f"{what} has no `{name}`: add it")
        if self.one_of:
            given = [name for name in self.one_of if name in present]
            if not given:
                notes.error(node, f"{what} has neither {' nor '.join(f'`{name}`' for name in self.one_of)}: add one")
            elif len(given) > 1:
                notes.error(node, f"{what} has both {' and '.join(f'`{name}`' for name in given)}: keep one")

    def schema(self) -> Schema:
        properties: Schema = {key.name: key.shape.schema() | {"description": key.about} for key in self.keys}
        found: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
        if self.required:
            found["required"] = list(self.required)
        if self.one_of:
            found["oneOf"] = [{"required": [name]} for name in self.one_of]
        return found
