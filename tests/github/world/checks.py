"""What says whether a commit is good: check suites, check runs, statuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.github.world.people import Account
from tests.github.world.refusal import Refusal, invalid

MOST_BYTES = 65_535
MOST_ANNOTATIONS = 50
STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")
GOOD = ("success", "neutral", "skipped")


@dataclass(eq=False)
class CheckSuite:
    """All check runs of one App at one commit."""

    id: int
    app: int
    head_sha: str
    head_branch: str | None
    created_at: datetime
    before: str | None = None


@dataclass(eq=False)
class CheckRun:
    """One check run. `output` holds title, summary, text; `annotations` all that were ever sent."""

    id: int
    suite: CheckSuite
    name: str
    head_sha: str
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    details_url: str | None = None
    external_id: str = ""
    output: dict[str, str | None] = field(default_factory=dict)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)


@dataclass(eq=False)
class Status:
    """A commit status."""

    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: Account
    created_at: datetime


def suite_state(runs: list[CheckRun]) -> tuple[str, str | None]:
    """Status and conclusion of a suite, from its runs."""
    if not runs:
        return "queued", None
    if any(one.status != "completed" for one in runs):
        return ("queued" if all(one.status == "queued" for one in runs) else "in_progress"), None
    found = {one.conclusion for one in runs}
    order = ("failure", "timed_out", "action_required", "cancelled", "success", "neutral", "skipped")
    return "completed", next(one for one in order if one in found)


def checked_output(output: Any) -> dict[str, str | None]:
    """The texts of an output within GitHub's limits."""
    if not isinstance(output, dict) or not isinstance(output.get("summary"), str):
        raise invalid("CheckRun", "output", "missing_field")
    for name in ("summary", "text"):
        if len((output.get(name) or "").encode()) > MOST_BYTES:
            raise Refusal(422, f"Invalid request.\n\nOnly {MOST_BYTES} characters are allowed; {name} is too long.")
    if len(output.get("annotations") or []) > MOST_ANNOTATIONS:
        raise Refusal(422, f"Invalid request.\n\nNo more than {MOST_ANNOTATIONS} items are allowed in annotations.")
    for one in output.get("annotations") or []:
        needed = {"path", "start_line", "end_line", "annotation_level", "message"}
        if not needed <= one.keys() or one["annotation_level"] not in ("notice", "warning", "failure"):
            raise Refusal(422, f"Invalid request.\n\nAn annotation needs {', '.join(sorted(needed))}.")
    return {name: output.get(name) for name in ("title", "summary", "text")}
