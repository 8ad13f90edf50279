"""Workflow files as values that know where they stand, read by YAML 1.2 (`on` is a word)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class InvalidWorkflow(Exception):  # noqa: N818 what GitHub calls it
    """A workflow file that is not run; `problems` tell why, each with its line and column."""

    def __init__(self, path: str, problems: list[str]) -> None:
        super().__init__(f"Invalid workflow file: {path}\n" + "\n".join(problems))
        self.path, self.problems = path, problems


@dataclass(frozen=True)
class Value:
    """A node: a dict of Values, a list of Values, or a scalar."""

    data: Any
    line: int
    column: int

    def at(self, message: str) -> str:
        """A problem here, as GitHub writes it."""
        return f"(Line: {self.line}, Col: {self.column}): {message}"

    def plain(self) -> Any:
        """The bare data."""
        if isinstance(self.data, dict):
            return {name: one.plain() for name, one in self.data.items()}
        return [one.plain() for one in self.data] if isinstance(self.data, list) else self.data


def read(path: str, text: str) -> Value:
    """The file's value. Raises InvalidWorkflow."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as failed:
        raise InvalidWorkflow(path, [f"You have an error in your yaml syntax: {failed}"]) from failed
    if node is None:
        raise InvalidWorkflow(path, ["The file is empty"])
    problems: list[str] = []
    found = _value(node, problems)
    if problems:
        raise InvalidWorkflow(path, problems)
    return found


def _value(node: yaml.Node, problems: list[str]) -> Value:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if isinstance(node, yaml.MappingNode):
        pairs: dict[str, Value] = {}
        for key, inner in node.value:
            name = str(key.value)
            if name in pairs:
                mark = key.start_mark
                problems.append(f"(Line: {mark.line + 1}, Col: {mark.column + 1}): '{name}' is already defined")
            pairs[name] = _value(inner, problems)
        return Value(pairs, line, column)
    if isinstance(node, yaml.SequenceNode):
        return Value([_value(one, problems) for one in node.value], line, column)
    return Value(_scalar(node), line, column)


def _scalar(node: yaml.Node) -> Any:
    text = node.value
    if getattr(node, "style", None):  # quoted, or a block
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text
