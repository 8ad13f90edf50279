"""Attempts as jobs of GitHub Actions. They speak with the server over HTTPS; what they said is rows, read here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bot.decide.facts import Stop
from bot.executors.base import Life, Seen
from bot.runner.channel import seal_context
from bot.runner.seal import unseal
from bot.store import dispatching, remote, remote_jobs, work
from bot.store.database import Database
from bot.store.remote import Offer
from bot.store.remote_jobs import RemoteRow
from bot.vault import Vault
from planner.definition import Json

if TYPE_CHECKING:
    from sqlalchemy import Connection

DISPATCH = "dispatch"
"""The kind of work that sends offered attempts to the CI."""
RUNS = "runs"
"""The kind of work that looks after runs: of a repository, or one of them."""

_HERE_ONLY = ("mirror", "state_file", "repository", "placement")
"""What a spec says to a runner on this machine alone."""


class GitHubActionsExecutor:
    """The attempts of one repository. `gather` is for how many seconds offers wait for company."""

    def __init__(
        self, database: Database, vault: Vault, repository: int, clone_url: str, gather: float, wake: Callable[[], None]
    ) -> None:
        self._database = database
        self._vault = vault
        self._repository = repository
        self._clone_url = clone_url
        self._gather = gather
        self._wake = wake

    def offer(self, connection: Connection, attempt: str, spec: dict[str, Json]) -> None:
        """Write down what a job will be told, and have it dispatched."""
        placement = spec["placement"]
        assert isinstance(placement, dict)  # noqa: S101 (the briefing of a hosted project has one)
        labels = placement["runs_on"]
        assert isinstance(labels, list | tuple)  # noqa: S101
        job = "plan" if spec["kind"] in ("plan", "destroy-plan") else "deploy"
        now = time.time()
        new = Offer(
            attempt=attempt,
            repository=self._repository,
            deployment=int(attempt.partition("-")[0]),
            job=job,
            slug=str(spec["slug"]),
            runs_on=tuple(map(str, labels)),
            environment=str(placement["environment"]),
        )
        told = {name: value for name, value in spec.items() if name not in _HERE_ONLY}
        told["fetch"] = {"url": spec["repository"] or self._clone_url, "token": None}
        told["refuse_no_backend"] = True
        remote.offer(connection, self._vault, new, told, now)
        gather = 0.0 if job == "plan" else self._gather  # plans are offered together: nothing to wait for
        work.request(connection, DISPATCH, str(self._repository), now + gather, now)

    def start(self, attempt: str, spec: dict[str, Json]) -> str | None:  # noqa: ARG002 (what others need to start)
        """Have somebody dispatch what was offered."""
        self._wake()
        return None

    def look(self, attempts: Sequence[str]) -> dict[str, Seen]:
        """What the jobs of these attempts said so far."""
        if not attempts:
            return {}
        with self._database.reading() as connection:
            found = remote_jobs.rows(connection, attempts)
        return {
            one.attempt: Seen(
                one.claimed,
                one.revoked,
                one.beats if one.claimed else None,
                one.reported,
                held=one.held,
                refused=one.refused,
            )
            for one in found.values()
        }

    def report(self, attempt: str, seal_key: bytes) -> dict[str, Any] | None:
        """What the runner reported, its sensitive outputs opened. Raises SealError or ValueError if it is no report."""
        with self._database.reading() as connection:
            report = remote_jobs.read_report(connection, self._vault, attempt)
        if report is None:
            return None
        for name, output in (report.get("outputs") or {}).items():
            if (sealed := output.pop("sealed", None)) is not None:
                output["value"] = unseal(sealed, seal_key, seal_context(attempt, name))
        return report

    def look_up(self, attempt: str) -> Life:
        """Who still lives: known once GitHub told that the job has ended (a webhook, or the sweep that asks)."""
        row = self._row(attempt)
        return Life.ENDED if row is not None and row.job_ended else Life.UNKNOWN

    def revoke(self, attempt: str) -> None:
        """Let no job claim the attempt any more, unless one was faster."""
        with self._database.writing() as connection:
            if not remote_jobs.revoke(connection, attempt, "no job claimed it in time"):
                return
            run = dispatching.run_of(connection, attempt)
            if run is not None:  # it may be needless by now
                now = time.time()
                work.request(connection, RUNS, f"{self._repository}:{run}", now + 1.0, now)

    def halt(self, attempt: str, how: Stop) -> None:
        """Have the runner told with its next beat."""
        row = self._row(attempt)
        if row is not None and row.stop not in (how.value, Stop.KILL.value):
            with self._database.writing() as connection:
                remote_jobs.ask_stop(connection, attempt, how)

    def settle(self, connection: Connection, attempt: str, sensitive: Sequence[Json]) -> None:  # noqa: ARG002
        """Forget what the runner was told; it redacted its log itself."""
        remote_jobs.settle(connection, attempt)

    def said(self, attempt: str) -> str:
        """Why no job could take it."""
        row = self._row(attempt)
        return row.why if row is not None else ""

    def _row(self, attempt: str) -> RemoteRow | None:
        with self._database.reading() as connection:
            return remote_jobs.rows(connection, [attempt]).get(attempt)
