"""GitHub's expressions (`${{ … }}`), as far as our CI files use them, evaluated by the rules of its documentation."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<sign>&&|\|\||==|!=|[!().,*]))"
)
STATUS_FUNCTIONS = ("always", "cancelled", "success", "failure")


def filled(text: str, context: Mapping[str, Any]) -> Any:
    """A YAML value as a job sees it: the value of its one expression, or text with all expressions filled in."""
    parts = list(_parts(text))
    if len(parts) == 1 and parts[0][0]:
        return value(parts[0][1], context)
    return "".join(_text(value(part, context)) if is_expression else part for is_expression, part in parts)


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    place = 0
    while (start := text.find("${{", place)) >= 0:
        if start > place:
            yield False, text[place:start]
        end, quoted = start + 3, False
        while quoted or text[end : end + 2] != "}}":
            if end >= len(text):
                raise ValueError(f"an expression without end: {text!r}")
            quoted ^= text[end] == "'"
            end += 1
        yield True, text[start + 3 : end]
        place = end + 2
    if place < len(text):
        yield False, text[place:]


def condition(text: str, context: Mapping[str, Any]) -> bool:
    """An `if:`, with or without `${{ }}`."""
    parts = list(_parts(text))
    assert len(parts) == 1, f"always true, which nobody means: {text!r}"
    return truth(value(parts[0][1], context))


def value(expression: str, context: Mapping[str, Any]) -> Any:
    """What an expression evaluates to. `context` holds `needs`, `matrix`, `github`, and `cancelled` of the run."""
    reader = _Reader(_tokens(expression), context)
    found = reader.either()
    assert reader.at_end, f"more than one expression in {expression!r}"
    return found


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while expression[place:].strip():
        match = _TOKEN.match(expression, place)
        if match is None:
            raise ValueError(f"not an expression: {expression[place:]!r}")
        found.append((match.lastgroup or "", match[match.lastgroup or 0]))
        place = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], context: Mapping[str, Any]) -> None:
        self._tokens, self._context = tokens, context

    @property
    def at_end(self) -> bool:
        return not self._tokens

    def _take(self, *signs: str) -> str | None:
        if self._tokens and self._tokens[0][0] == "sign" and self._tokens[0][1] in signs:
            return self._tokens.pop(0)[1]
        return None

    def either(self) -> Any:
        left = self.both()
        while self._take("||"):
            right = self.both()
            left = left if truth(left) else right
        return left

    def both(self) -> Any:
        left = self.compared()
        while self._take("&&"):
            right = self.compared()
            left = right if truth(left) else left
        return left

    def compared(self) -> Any:
        left = self.negated()
        while sign := self._take("==", "!="):
            left = equal(left, self.negated()) is (sign == "==")
        return left

    def negated(self) -> Any:
        return not truth(self.negated()) if self._take("!") else self.single()

    def single(self) -> Any:
        if self._take("("):
            found = self.either()
            assert self._take(")")
            return found
        kind, token = self._tokens.pop(0)
        if kind == "text":
            return token[1:-1].replace("''", "'")
        if kind == "number":
            return float(token)
        assert kind == "name", token
        found = self.called(token) if self._take("(") else self._context.get(token)
        return self.within(found)

    def called(self, name: str) -> Any:
        arguments = []
        while not self._take(")"):
            arguments.append(self.either())
            self._take(",")
        return _FUNCTIONS[name.lower()](self._context, *arguments)

    def within(self, found: Any) -> Any:
        many = False
        while self._take("."):
            if self._take("*"):
                found, many = list(found.values() if isinstance(found, Mapping) else found), True
            else:
                _, name = self._tokens.pop(0)
                one = [inner.get(name) for inner in (found if many else [found]) if isinstance(inner, Mapping)]
                found = one if many else (one or [None])[0]
        return found


def truth(found: Any) -> bool:
    """What counts as true: all but null, false, 0 and the empty text."""
    return found not in (None, False, 0, "")


def equal(left: Any, right: Any) -> bool:
    """`==`: texts without regard to case, values of different types as numbers, null and the empty text as 0."""
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if left is None and right is None:
        return True
    return _number(left) == _number(right)


def _number(found: Any) -> float:
    if isinstance(found, (bool, int, float)):
        return float(found)
    if found is None or found == "":
        return 0.0
    try:
        return float(found)
    except (TypeError, ValueError):
        return math.nan


def _text(found: Any) -> str:
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None else str(found)


def _contains(_: Mapping[str, Any], where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(equal(one, what) for one in where)
    return _text(what).lower() in _text(where).lower()


_FUNCTIONS: dict[str, Any] = {
    "always": lambda context: True,
    "cancelled": lambda context: context["cancelled"],
    "contains": _contains,
    "format": lambda context, text, *values: re.sub(r"\{(\d+)\}", lambda found: _text(values[int(found[1])]), text),
    "fromjson": lambda context, text: json.loads(text),
    "join": lambda context, values, between=",": between.join(map(_text, values)),
}
