"""GitHub Actions: dispatches, runs, jobs."""

from __future__ import annotations

from collections.abc import Mapping

from bot.github.areas.area import Area
from bot.github.calls import part
from bot.github.data import JobData, RunData
from bot.github.errors import Refused
from bot.github.reading import Shape, job_of, run_of

_CONFLICT = 409


class Actions(Area):
    """Workflow runs."""

    def dispatch(self, workflow_file: str, ref: str, inputs: Mapping[str, str]) -> int | None:
        """Start a run of a workflow file at a branch; gives its id, or None where GitHub does not tell.

        Raises Unreachable with `uncertain` where it may have started: `runs` finds it by its title. Raises NotFound
        where the file is not on the default branch, Refused where it is disabled, takes other inputs, or is wrong.
        """
        path = f"{self._base}/actions/workflows/{part(workflow_file)}/dispatches"
        body: dict[str, object] = {"ref": ref, "inputs": dict(inputs)}
        if self._caller.line.run_details:
            try:
                found = self._caller.write("POST", path, {**body, "return_run_details": True})
                return Shape(found).maybe_number("workflow_run_id")
            except Refused as error:
                if not _knows_no_details(error):
                    raise
            self._caller.line.run_details = False
        return Shape(self._caller.write("POST", path, body)).maybe_number("workflow_run_id")

    def runs(
        self, workflow_file: str, *, event: str = "workflow_dispatch", created_since: str | None = None
    ) -> tuple[RunData, ...]:  # fmt: skip
        """The runs of a workflow file, newest first; a new one may be missing for some seconds."""
        more = {"created": f">={created_since}"} if created_since else {}
        path = f"{self._base}/actions/workflows/{part(workflow_file)}/runs"
        return tuple(run_of(one) for one in self._caller.pages(path, "workflow_runs", event=event, **more))

    def run(self, run: int) -> RunData:
        """A run, with its newest attempt."""
        return run_of(self._caller.get(f"{self._base}/actions/runs/{run}"))

    def jobs(self, run: int, *, every_attempt: bool = False) -> tuple[JobData, ...]:
        """The jobs of a run's newest attempt, or of all its attempts."""
        which = "all" if every_attempt else "latest"
        return tuple(
            job_of(one) for one in self._caller.pages(f"{self._base}/actions/runs/{run}/jobs", "jobs", filter=which)
        )

    def cancel_run(self, run: int) -> bool:
        """Ask a run to stop; false where it has ended already."""
        try:
            self._caller.write("POST", f"{self._base}/actions/runs/{run}/cancel")
        except Refused as error:
            if error.status == _CONFLICT:
                return False
            raise
        return True


def _knows_no_details(error: Refused) -> bool:
    """Whether this GitHub (an Enterprise Server before 3.21) does not know `return_run_details`."""
    return error.status == 400 or (error.status == 422 and "return_run_details" in error.words)
