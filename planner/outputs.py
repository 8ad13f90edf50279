"""Outputs of other environments within values, and how a value reaches a tool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planner.definition import Json, OutputReference
from planner.problems import PlannerError

_REFERENCE = re.compile(
    r"(?P<literal>\$\$\{(?=environments\.|env0-workflow:))"
    r"|\$\{environments\.(?P<alias>[^}]+?)\.outputs\.(?P<output>[A-Za-z_][A-Za-z0-9_-]*)\}"
    r"|\$\{env0-workflow:(?P<env0_alias>[^}]+):(?P<env0_output>[A-Za-z_][A-Za-z0-9_-]*)\}"
    r"|(?P<malformed>\$\{(?:environments\.|env0-workflow:)[^}]*\}?)"
)


@dataclass(frozen=True, slots=True)
class MalformedReference:
    """A text that looks like an output reference but is none."""

    text: str


def references_in(value: Json) -> Iterator[OutputReference | MalformedReference]:
    """The output references of a value, in the order in which they stand, aliases as written there."""
    for text in _texts(value):
        for match in _REFERENCE.finditer(text):
            if match["malformed"]:
                yield MalformedReference(match["malformed"])
            elif not match["literal"]:
                yield _reference(match)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)


def _reference(match: re.Match[str]) -> OutputReference:
    return OutputReference(match["alias"] or match["env0_alias"], match["output"] or match["env0_output"])


class MissingOutput(PlannerError):  # noqa: N818 - what is wrong, in the words of the design
    """A value needs an output that does not exist (yet)."""

    def __init__(self, reference: OutputReference) -> None:
        self.reference = reference
        super().__init__(
            f"the output {reference.output!r} of {reference.alias!r} does not exist: deploy {reference.alias!r} first, "
            "or mend the reference"
        )


def value_with_outputs(value: Json, outputs: Mapping[OutputReference, Json]) -> Json:
    """The value with its output references filled in; aliases match without regard to case.

    A text that is one reference and nothing else takes the output's own type; within a text, outputs stand as
    `environment_text` writes them. Raises MissingOutput.
    """
    known = {(reference.alias.casefold(), reference.output): found for reference, found in outputs.items()}
    return _filled(value, known)


def _filled(value: Json, known: Mapping[tuple[str, str], Json]) -> Json:
    if isinstance(value, str):
        return _filled_text(value, known)
    if isinstance(value, list):
        return [_filled(item, known) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, known) for key, item in value.items()}
    return value


def _filled_text(text: str, known: Mapping[tuple[str, str], Json]) -> Json:
    if "${" not in text:
        return text
    whole = _REFERENCE.fullmatch(text)
    if whole is not None and not whole["malformed"]:
        return _output(whole, known)

    def embedded(match: re.Match[str]) -> str:
        if match["literal"]:
            return "${"
        return match[0] if match["malformed"] else environment_text(_output(match, known))

    return _REFERENCE.sub(embedded, text)


def _output(match: re.Match[str], known: Mapping[tuple[str, str], Json]) -> Json:
    reference = _reference(match)
    key = (reference.alias.casefold(), reference.output)
    if key not in known:
        raise MissingOutput(reference)
    return known[key]


def environment_text(value: Json) -> str:
    """How a value reaches a tool's process environment.

    Text as it is, `true`/`false`, numbers, nothing as the empty text; lists and maps as compact JSON.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
