"""Check runs and commit statuses."""

from __future__ import annotations

from collections.abc import Sequence

from bot.github.areas.area import Area
from bot.github.data import Annotation, CheckData, CheckOutput, CheckStatus, Conclusion, StatusData
from bot.github.reading import Shape, check_of

MOST_ANNOTATIONS = 50
"""So many GitHub takes in one request; it adds those of later requests to them."""


class Checks(Area):
    """What says whether a commit is good."""

    def checks(self, sha: str) -> tuple[CheckData, ...]:
        """The newest check run of each name and App at a commit."""
        path = f"{self._base}/commits/{sha}/check-runs"
        return tuple(check_of(one) for one in self._caller.pages(path, "check_runs", filter="latest"))

    def statuses(self, sha: str) -> tuple[StatusData, ...]:
        """The newest commit status of each context."""
        found = self._caller.pages(f"{self._base}/commits/{sha}/status", "statuses")
        shapes = (Shape(one) for one in found)
        return tuple(StatusData(one.text("context"), one.text("state")) for one in shapes)

    def create_check(
        self, name: str, head_sha: str, *, external_id: str = "", status: CheckStatus = CheckStatus.QUEUED,
        conclusion: Conclusion | None = None, output: CheckOutput | None = None, details_url: str | None = None,
        annotations: Sequence[Annotation] = (),
    ) -> CheckData:  # fmt: skip
        """Make a check run of ours. A conclusion completes it; annotations need an output.

        After an uncertain answer, `checks` tells by `external_id` whether it was made.
        """
        body = {"name": name, "head_sha": head_sha, "external_id": external_id}
        body |= _changes(status, conclusion, details_url)
        first, *rest = _batches(output, annotations)
        made = check_of(self._caller.write("POST", f"{self._base}/check-runs", {**body, **first}, creates=True))
        return self._added(made, rest)

    def update_check(
        self, check: int, *, status: CheckStatus | None = None, conclusion: Conclusion | None = None,
        output: CheckOutput | None = None, details_url: str | None = None, annotations: Sequence[Annotation] = (),
    ) -> CheckData:  # fmt: skip
        """Change a check run of ours; annotations are added to those that it has."""
        body = _changes(status, conclusion, details_url)
        first, *rest = _batches(output, annotations)
        found = check_of(self._caller.write("PATCH", f"{self._base}/check-runs/{check}", {**body, **first}))
        return self._added(found, rest)

    def _added(self, check: CheckData, batches: list[dict[str, object]]) -> CheckData:
        for batch in batches:
            check = check_of(self._caller.write("PATCH", f"{self._base}/check-runs/{check.id}", batch))
        return check


def _changes(
    status: CheckStatus | None, conclusion: Conclusion | None, details_url: str | None
) -> dict[str, str]:  # fmt: skip
    changes: dict[str, str] = {}
    if conclusion is not None:
        changes |= {"status": CheckStatus.COMPLETED.value, "conclusion": conclusion.value}
    elif status is not None:
        changes["status"] = status.value
    return {**changes, "details_url": details_url} if details_url else changes


def _batches(output: CheckOutput | None, annotations: Sequence[Annotation]) -> list[dict[str, object]]:
    """The `output` of each request that it takes: with at most 50 annotations each, at least one request."""
    if output is None:
        return [{}]
    shown = {"title": output.title, "summary": output.summary, **({"text": output.text} if output.text else {})}
    starts = range(0, max(1, len(annotations)), MOST_ANNOTATIONS)
    parts = [[_annotation(one) for one in annotations[at : at + MOST_ANNOTATIONS]] for at in starts]
    return [{"output": {**shown, **({"annotations": part} if part else {})}} for part in parts]


def _annotation(one: Annotation) -> dict[str, object]:
    found: dict[str, object] = {
        "path": one.path, "start_line": one.start_line, "end_line": one.end_line, "annotation_level": one.level,
        "message": one.message,
    }  # fmt: skip
    return {**found, "title": one.title} if one.title else found
