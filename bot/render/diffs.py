"""A plan's text as a diff, so that its lines get their colours: signs at the first column, `!` for what changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SIGNED_TOOLS = frozenset({"terraform", "opentofu"})
_PREAMBLES = ("Terraform will perform the following actions:\n", "OpenTofu will perform the following actions:\n")
_MOST_PREAMBLE = 2_000  # characters
_SIGN = re.compile(r"( *)(-/\+|\+/-|<=|[-+~])(?= |$)")
_HEREDOC = re.compile(r"<<[-~]?(\w+)$")
_INSIDE_HEREDOC = 4  # a line that changes within a heredoc has its sign so far to the right of the sign of its argument
_COLOUR = {"+": "+", "-": "-", "~": "!", "-/+": "-", "+/-": "+", "<=": " "}
_ACTIONS = {
    ("create",): "+",
    ("delete",): "-",
    ("update",): "!",
    ("delete", "create"): "-/+",
    ("create", "delete"): "+/-",
    ("forget",): "#",
    ("read",): " ",
}


def plan_body(text: str) -> str:
    """A plan's text without what Terraform and OpenTofu say before every plan: it explains signs that all know."""
    for preamble in _PREAMBLES:
        place = text.find(preamble, 0, _MOST_PREAMBLE)
        if place >= 0:
            return text[place + len(preamble) :]
    return text


def as_diff(text: str, tool: str) -> str:
    """The clean text of a plan, as the highlighting of diffs reads it."""
    return "\n".join(_signed(text.split("\n"))) if tool in _SIGNED_TOOLS else text


def _signed(lines: list[str]) -> Iterator[str]:
    """Lines with their signs in front. What stands in a heredoc is text: only a sign at its place is one there."""
    end, place = None, 0
    for line in lines:
        sign = _SIGN.match(line)
        if end is None:
            yield _in_front(line, sign)
            opened = _HEREDOC.search(line)
            if opened:
                end = opened[1]
                place = len(sign[1]) if sign else len(line) - len(line.lstrip()) - 2
        elif line.split(maxsplit=1)[:1] == [end]:
            end = None
            yield line
        else:
            yield _in_front(line, sign if sign and len(sign[1]) == place + _INSIDE_HEREDOC else None)


def _in_front(line: str, sign: re.Match[str] | None) -> str:
    """The line with the sign in its first column; one without a sign has none there by accident."""
    if sign is None:
        return f" {line}" if line[:1] in ("+", "-", "!", "@", "#") else line
    colour, space = _COLOUR[sign[2]], sign[1]
    if not space:
        return line if len(sign[2]) > 1 else colour + line[1:]
    kept = sign[2] if len(sign[2]) > 1 else " "
    return colour + space[1:] + kept + line[sign.end() :]


def resource_line(address: str, actions: tuple[str, ...]) -> str:
    """One changed resource as a line of a diff."""
    return f"{_ACTIONS.get(actions, '!')} {address}"
