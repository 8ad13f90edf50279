"""GitHub's expressions (`${{ … }}`), evaluated by the rules of its documentation; what it does not know is an error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>[-+]?0x[0-9a-fA-F]+|[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>&&|\|\||==|!=|<=|>=|[!<>().,*\[\]]))"
)
_CONSTANTS = {"true": True, "false": False, "null": None, "nan": math.nan, "infinity": math.inf}
STATUS_FUNCTIONS = ("always", "cancelled", "success", "failure")


class ExpressionError(ValueError):
    """An expression that GitHub would not take."""


def filled(text: str, context: Mapping[str, Any]) -> Any:
    """A YAML value as a job sees it: the value of its one expression, or text with all expressions filled in."""
    parts = list(_parts(text))
    if len(parts) == 1 and parts[0][0]:
        return value(parts[0][1], context)
    return "".join(written(value(part, context)) if is_expression else part for is_expression, part in parts)


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    place = 0
    while (start := text.find("${{", place)) >= 0:
        if start > place:
            yield False, text[place:start]
        end, quoted = start + 3, False
        while quoted or text[end : end + 2] != "}}":
            if end >= len(text):
                raise ExpressionError(f"an expression without end: {text!r}")
            quoted ^= text[end] == "'"
            end += 1
        yield True, text[start + 3 : end]
        place = end + 2
    if place < len(text):
        yield False, text[place:]


def condition(text: str, context: Mapping[str, Any]) -> bool:
    """An `if:`, with or without `${{ }}`."""
    parts = list(_parts(text))
    if len(parts) == 1:
        return truth(value(parts[0][1], context))
    raise ExpressionError(f"always true, which nobody means: {text!r}")


def has_status_function(text: str) -> bool:
    """Whether a condition decides itself about what failed before."""
    return re.search(rf"\b({'|'.join(STATUS_FUNCTIONS)})\s*\(", text, re.I) is not None


def value(expression: str, context: Mapping[str, Any]) -> Any:
    """What an expression evaluates to. `context` also holds `cancelled` and `failed` for the status functions."""
    reader = _Reader(_tokens(expression), context)
    found = reader.either()
    if not reader.at_end:
        raise ExpressionError(f"more than one expression in {expression!r}")
    return found


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while expression[place:].strip():
        match = _TOKEN.match(expression, place)
        if match is None:
            raise ExpressionError(f"not an expression: {expression[place:]!r}")
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

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ExpressionError(f"{sign!r} is missing before {[text for _, text in self._tokens]}")

    def either(self) -> Any:
        left = self.both()
        while self._take("||"):
            right = self.both()
            left = left if truth(left) else right
        return left

    def both(self) -> Any:
        left = self.same()
        while self._take("&&"):
            right = self.same()
            left = right if truth(left) else left
        return left

    def same(self) -> Any:
        left = self.ordered()
        while sign := self._take("==", "!="):
            left = equal(left, self.ordered()) is (sign == "==")
        return left

    def ordered(self) -> Any:
        left = self.negated()
        while sign := self._take("<", "<=", ">", ">="):
            left = _ordered(left, sign, self.negated())
        return left

    def negated(self) -> Any:
        return not truth(self.negated()) if self._take("!") else self.single()

    def single(self) -> Any:
        if self._take("("):
            found = self.either()
            self._expect(")")
            return self.within(found)
        if self.at_end:
            raise ExpressionError("an expression that ends too early")
        kind, token = self._tokens.pop(0)
        if kind == "text":
            return token[1:-1].replace("''", "'")
        if kind == "number":
            return _number(token)
        if kind != "name":
            raise ExpressionError(f"unexpected {token!r}")
        if self._take("("):
            return self.within(self.called(token))
        if token.lower() in _CONSTANTS:
            return _CONSTANTS[token.lower()]
        return self.within(self.named(token))

    def named(self, name: str) -> Any:
        for key, found in self._context.items():
            if key.lower() == name.lower():
                return found
        raise ExpressionError(f"Unrecognized named-value: '{name}'")

    def called(self, name: str) -> Any:
        if name.lower() not in _FUNCTIONS:
            raise ExpressionError(f"Unrecognized function: '{name}'")
        arguments = []
        while not self._take(")"):
            arguments.append(self.either())
            if not self._take(",") and self._tokens[:1] != [("sign", ")")]:
                raise ExpressionError(f"{name}( is not closed")
        return _FUNCTIONS[name.lower()](self._context, *arguments)

    def within(self, found: Any) -> Any:
        many = False
        while sign := self._take(".", "["):
            if self._take("*"):
                found, many = list(found.values() if isinstance(found, Mapping) else found or []), True
                if sign == "[":
                    self._expect("]")
                continue
            key = self.either() if sign == "[" else self._name()
            if sign == "[":
                self._expect("]")
            found = [_item(one, key) for one in found] if many else _item(found, key)
            found = [one for one in found if one is not None] if many else found
        return found

    def _name(self) -> str:
        if not self._tokens or self._tokens[0][0] != "name":
            raise ExpressionError("a name is missing after '.'")
        return self._tokens.pop(0)[1]


def _item(found: Any, key: Any) -> Any:
    if isinstance(found, Mapping):
        return next((one for name, one in found.items() if str(name).lower() == str(written(key)).lower()), None)
    if isinstance(found, list) and not isinstance(key, str):
        place = number(key)
        return found[int(place)] if not math.isnan(place) and 0 <= place < len(found) else None
    return None


def truth(found: Any) -> bool:
    """What counts as true: all but null, false, 0, NaN and the empty text."""
    if isinstance(found, float) and math.isnan(found):
        return False
    return isinstance(found, (list, Mapping)) or found not in (None, False, 0, "")


def equal(left: Any, right: Any) -> bool:
    """`==`: texts without regard to case, values of different types as numbers, null and the empty text as 0."""
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if left is None and right is None:
        return True
    if isinstance(left, (list, Mapping)) or isinstance(right, (list, Mapping)):
        return left is right
    return number(left) == number(right)


def _ordered(left: Any, sign: str, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.lower(), right.lower()
    else:
        left, right = number(left), number(right)
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


def _number(text: str) -> float:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    return sign * float(int(digits, 16)) if digits.lower().startswith("0x") else sign * float(digits)


def number(found: Any) -> float:
    """A value as a number; NaN for what is none."""
    if isinstance(found, (bool, int, float)):
        return float(found)
    if found is None or found == "":
        return 0.0
    try:
        return _number(found.strip())
    except (AttributeError, ValueError):
        return math.nan


def written(found: Any) -> str:
    """A value as text."""
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, float) and found.is_integer():
        return str(int(found))
    if isinstance(found, (list, Mapping)):
        return "Array" if isinstance(found, list) else "Object"
    return "" if found is None else str(found)


def _contains(_: Mapping[str, Any], where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(equal(one, what) for one in where)
    return written(what).lower() in written(where).lower()


def _format(_: Mapping[str, Any], text: Any, *values: Any) -> str:
    def part(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if found[1] is None or int(found[1]) >= len(values):
            raise ExpressionError(f"The following format string is invalid: {text}")
        return written(values[int(found[1])])

    return re.sub(r"\{\{|\}\}|\{(\d+)\}|[{}]", part, written(text))


def _whole(found: Any) -> Any:
    """Numbers as JSON shows them."""
    if isinstance(found, Mapping):
        return {name: _whole(one) for name, one in found.items()}
    if isinstance(found, list):
        return [_whole(one) for one in found]
    return int(found) if isinstance(found, float) and found.is_integer() else found


def _parsed(_: Mapping[str, Any], text: Any) -> Any:
    try:
        return json.loads(written(text))
    except ValueError as failed:
        raise ExpressionError(f"Error reading JToken from JsonReader: {failed}") from failed


_FUNCTIONS: dict[str, Any] = {
    "always": lambda context: True,
    "cancelled": lambda context: bool(context["cancelled"]),
    "contains": _contains,
    "endswith": lambda _, text, end: written(text).lower().endswith(written(end).lower()),
    "failure": lambda context: bool(context.get("failed")) and not context["cancelled"],
    "format": _format,
    "fromjson": _parsed,
    "join": lambda _, values, between=",": between.join(map(written, values if isinstance(values, list) else [values])),
    "startswith": lambda _, text, start: written(text).lower().startswith(written(start).lower()),
    "success": lambda context: not context.get("failed") and not context["cancelled"] and not context.get("skipped"),
    "tojson": lambda _, found: json.dumps(_whole(found), indent=2),
}
