"""How a file declares variables: a value, or a map that says more of it."""

from __future__ import annotations

from dataclasses import dataclass

from planner.definition import Json, OutputReference, Variable
from planner.format.records import Fields, Key, Record
from planner.format.shapes import AnyValue, Flag, Notes, Schema, Shape, Text, kind_of
from planner.format.texts import shown
from planner.format.yaml_nodes import Mapping, Node, plain_value
from planner.outputs import MalformedReference, environment_text, references_in
from planner.problems import Place
from planner.variables import (
    ALLOWED_NAMES,
    ALLOWED_PREFIXES,
    REFUSED_NAMES,
    REFUSED_PREFIXES,
    SHORTEST_SENSITIVE,
    refused_name,
)

_LONG_FORM = Record(
    "a variable",
    (
        Key("value", AnyValue(), "The value: text, number, boolean, list or map."),
        Key("sensitive", Flag(), "Encrypt it at rest, redact it in all that comes out, keep it out of plans."),
        Key("fromSecret", Text(), "The name of the secret that gives the value."),
        Key("plan", Flag(), "Let a sensitive value reach plans of pull requests too."),
    ),
    one_of=("value", "fromSecret"),
)
_LONG_FORM_KEYS = frozenset(key.name for key in _LONG_FORM.keys)
_NAMES: Schema = {
    "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
    "anyOf": [
        {"pattern": "^(" + "|".join(ALLOWED_PREFIXES) + ")"},
        {"enum": [*sorted(ALLOWED_NAMES)]},
        {"not": {"anyOf": [{"enum": [*sorted(REFUSED_NAMES)]}, {"pattern": "^(" + "|".join(REFUSED_PREFIXES) + ")"}]}},
    ],
}
_SENSIBLE: Schema = {
    "not": {
        "anyOf": [
            {"required": ["fromSecret", "sensitive"], "properties": {"sensitive": {"const": False}}},
            {
                "required": ["sensitive", "value"],
                "properties": {
                    "sensitive": {"const": True},
                    "value": {"type": ["string", "boolean", "null"], "maxLength": SHORTEST_SENSITIVE - 1},
                },
            },
        ]
    }
}


@dataclass(frozen=True, slots=True)
class Variables(Shape):
    """`variables:` of a file or an environment. Gives a tuple of Variable, in file order.

    A map is the long form when it has `sensitive` or `fromSecret`, or nothing but `value` (and `plan`); any other
    map is the value itself.
    """

    def read(self, node: Node, what: str, notes: Notes) -> object:
        if not isinstance(node, Mapping):
            return notes.error(node, f"{what} is {kind_of(node)}: write a map of names and values")
        found: list[Variable] = []
        for key, value in node.pairs:
            refusal = refused_name(key.text)
            if refusal is not None:
                notes.error(key, f"the variable {shown(key.text)} {refusal}")
                continue
            variable = _variable(key.text, notes.place(key), value, notes)
            if variable is not None:
                found.append(variable)
        return tuple(found)

    def schema(self) -> Schema:
        plain: Schema = {
            "anyOf": [
                {"not": {"type": "object"}},
                {
                    "type": "object",
                    "not": {"anyOf": [{"required": ["sensitive"]}, {"required": ["fromSecret"]}, _ONLY_LONG_KEYS]},
                },
                _LONG_FORM.schema() | _SENSIBLE,
            ]
        }
        return {"type": "object", "propertyNames": _NAMES, "additionalProperties": plain}


_ONLY_LONG_KEYS: Schema = {
    "required": ["value"],
    "propertyNames": {"enum": [*sorted(_LONG_FORM_KEYS)]},
}


def _is_long_form(node: Mapping) -> bool:
    keys = {key.text for key, _ in node.pairs}
    return "sensitive" in keys or "fromSecret" in keys or ("value" in keys and keys <= _LONG_FORM_KEYS)


def _variable(name: str, place: Place, node: Node, notes: Notes) -> Variable | None:
    if not isinstance(node, Mapping) or not _is_long_form(node):
        value = _value(name, node, notes)
        return Variable(name, place, value, references=_references(value, node, notes))
    fields = _LONG_FORM.read(node, f"the variable `{name}`", notes)
    if not isinstance(fields, Fields):
        return None
    return _from_long_form(name, place, node, fields, notes)


def _value(name: str, node: Node, notes: Notes) -> Json:
    value = plain_value(node)
    if isinstance(value, str) and "\0" in value:  # within lists and maps JSON escapes it
        notes.error(node, f"the variable `{name}` has the character U+0000, which no tool can be given: remove it")
    return value


def _from_long_form(name: str, place: Place, node: Mapping, fields: Fields, notes: Notes) -> Variable:
    secret = fields.text("fromSecret")
    sensitive = fields.flag("sensitive", default=secret is not None)
    if secret is not None and not sensitive:
        notes.error(
            node, f"the variable `{name}` comes from a secret and says `sensitive: false`: leave `sensitive` out"
        )
    found = next((value for key, value in node.pairs if key.text == "value"), None)
    value = None if found is None else _value(name, found, notes)
    references = () if found is None else _references(value, found, notes)
    if found is not None and sensitive and not references:
        _check_sensitive_literal(name, value, found, notes)
    plan = fields.flag("plan")
    return Variable(name, place, value, sensitive or secret is not None, secret, plan, references)


def _check_sensitive_literal(name: str, value: Json, node: Node, notes: Notes) -> None:
    if len(environment_text(value)) < SHORTEST_SENSITIVE:
        notes.error(
            node,
            f"the sensitive value of `{name}` has fewer than {SHORTEST_SENSITIVE} characters, too few to redact: "
            "use a longer one, or `fromSecret`",
        )
    else:
        notes.warning(node, f"the sensitive value of `{name}` stands in git for all who can read it: use `fromSecret`")


def _references(value: Json, node: Node, notes: Notes) -> tuple[OutputReference, ...]:
    found: dict[OutputReference, None] = {}
    for reference in references_in(value):
        if isinstance(reference, MalformedReference):
            notes.error(
                node,
                f"{shown(reference.text)} is no output reference: write ${{environments.ALIAS.outputs.NAME}}, "
                "or begin with $$ for the text itself",
            )
        else:
            found[reference] = None
    return tuple(found)
