"""The page that GitHub shows of a job: the plan and how the attempt ended, as Markdown. Pure."""

from __future__ import annotations

import re
from typing import Any

from bot.runner.redact import clean
from bot.runner.spec import Spec

MOST = 1024 * 1024
"""Bytes that GitHub takes of one step."""

_ROOM = 64 * 1024  # for what stands around the plan
_VERBS = {"destroy-plan": "Plan to destroy"}
_SIGNS = {"+": "+", "-": "-", "~": "!"}
_COUNTS = ("add", "change", "destroy", "replace", "move", "import")


def headline(spec: Spec) -> str:
    """What this attempt is about, in plain text."""
    return f"{_verb(spec)} {spec.alias!r} at {spec.commit[:12]}"


def _verb(spec: Spec) -> str:
    return _VERBS.get(spec.kind.value, spec.kind.value.capitalize())


def counted(report: dict[str, Any]) -> str:
    """What the plan comes to, such as `1 to add, 2 to change`; empty if there is none or it cannot be told."""
    plan = report.get("plan") or {}
    return ", ".join(f"{plan[name]} to {name}" for name in _COUNTS if plan.get(name))


def summary(spec: Spec, report: dict[str, Any]) -> str:
    """The page: at most `MOST` bytes, cut within the plan if need be. What others wrote is never Markdown in it."""
    counts = counted(report)
    lines = [f"### {_verb(spec)} {_code(spec.alias)}", "", f"{str(report['result']).capitalize()}."]
    lines[-1] += f" {counts}." if counts else ""
    if report.get("error"):
        lines += ["", _fenced(str(report["error"])[: _ROOM // 4], "")]
    text = (report.get("plan") or {}).get("text")
    if text:
        lines += ["", _fenced(_cut(_coloured(text), MOST - _ROOM), "diff")]
    return "\n".join(lines) + "\n"


def _fenced(text: str, kind: str) -> str:
    """The text in a fence that is longer than any within it."""
    text = clean(text)
    fence = "`" * max(3, 1 + max((len(one) for one in re.findall("`+", text)), default=0))
    return f"{fence}{kind}\n{text.rstrip()}\n{fence}"


def _code(text: str) -> str:
    text = " ".join(clean(text).split())
    mark = "`" * (1 + max((len(one) for one in re.findall("`+", text)), default=0))
    return f"{mark} {text} {mark}"


def _cut(text: str, most: int) -> str:
    data = text.encode()
    if len(data) <= most:
        return text
    return data[:most].decode(errors="ignore") + "\n... the rest is left out here ..."


def _coloured(text: str) -> str:
    """The text with the signs of changes where a diff has them."""
    return re.sub(r"^( +)([-+~])(?=[ /])", lambda one: _SIGNS[one[2]] + one[1], text, flags=re.MULTILINE)
