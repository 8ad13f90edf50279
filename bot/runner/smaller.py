"""A report in ever smaller forms, for a server that finds the whole one too large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_SHORT = 64 * 1024
_NOTE = "\n... the rest is left out here: the server did not take a report of this size ..."


def ever_smaller(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The report; then with short texts; then what must be known at least, as a failure that says why."""
    yield report
    plan = report.get("plan")
    short = None if plan is None else {**plan, "text": _shortened(plan["text"])}
    yield {**report, "error": _shortened(report.get("error")), "plan": short}
    why = "The report is too large for the server: a plan of so many changes, or outputs of that size, cannot be kept."
    if report.get("applied"):
        why += " What was planned was applied, if nothing else is said here; plan again to see what is left."
    told = _shortened(report.get("error"))
    error = f"{why}\n\n{told}" if told else why
    yield {**report, "result": "failed", "error": error, "plan": None, "outputs": None}


def _shortened(text: str | None) -> str | None:
    return text if text is None or len(text) <= _SHORT else text[:_SHORT] + _NOTE
