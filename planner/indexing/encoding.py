"""Definitions as plain tuples and back, so that they can be kept in a file without pickle.

A class is named by its place in a fixed list: nothing that a file says is ever imported or called otherwise.
"""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from operator import attrgetter
from typing import Any, TypeAlias

from planner import definition, problems
from planner.format import parsed
from planner.reading import Reading

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | tuple[Plain, ...] | None"

_CLASSES: tuple[type[Any], ...] = (
    Reading,
    definition.Definitions,
    definition.Workflow,
    definition.Environment,
    definition.Variable,
    definition.OutputReference,
    definition.Steps,
    definition.Triggers,
    definition.Requirements,
    definition.Permissions,
    definition.Tool,
    definition.Removal,
    definition.Caution,
    problems.Problem,
    problems.Place,
    problems.Severity,
    parsed.ParsedFile,
    parsed.DeclaredEnvironment,
    parsed.Code,
)
_NUMBER = {one: number for number, one in enumerate(_CLASSES)}
_NAMES = {one: tuple(each.name for each in fields(one) if each.init) for one in _CLASSES if not issubclass(one, Enum)}
_VALUES = {one: attrgetter(*names) for one, names in _NAMES.items()}
_LEAVES = frozenset({str, bool, int, float, type(None), list, dict})
_TUPLE = -1


def shape() -> str:
    """A text that changes whenever what is kept would be read back as something else."""
    return repr([(one.__name__, _NAMES.get(one) or [each.value for each in one]) for one in _CLASSES])


def encoded(value: object) -> Plain:
    """A value of these classes (or JSON, or tuples of both) as plain tuples."""
    if type(value) is tuple:
        return (_TUPLE, *[one if type(one) in _LEAVES else encoded(one) for one in value])
    number = _NUMBER[type(value)]
    if isinstance(value, Enum):
        return number, value.value
    return number, *[one if type(one) in _LEAVES else encoded(one) for one in _VALUES[type(value)](value)]


def decoded(plain: Plain) -> Any:  # noqa: ANN401 - whatever was encoded
    """What `encoded` was given."""
    if type(plain) is not tuple:
        return plain
    values = [decoded(one) if type(one) is tuple else one for one in plain[1:]]
    return tuple(values) if plain[0] == _TUPLE else _CLASSES[plain[0]](*values)  # type: ignore[index]
