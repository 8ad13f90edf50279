"""Looking after runs of GitHub Actions: what webhooks did not tell, and jobs that nobody needs any more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from bot.decide.transitions import TaskState
from bot.github.data import JobData
from bot.github.errors import NotFound
from bot.github.limits import Priority
from bot.github.repository_client import RepositoryClient
from bot.server import Server
from bot.store import dispatching, publications, remote_jobs
from bot.store.dispatching import DispatchRow
from bot.waking import Topic
from bot.working.following import is_job_of, revoke_unclaimed
from bot.working.places import hosted_by_id

_LOST_RUN = "its run is gone from GitHub"
_NO_JOB = "its run ended without a job for it: see .github/workflows/headwater.yml"


def look_after(server: Server, key: str) -> float | None:
    """Ask about the runs that are not known to have ended; seconds until the next look while there are any.

    The key is our number of a repository, for all of its runs that give cause to ask, or that and a run's number, for
    this one alone.
    """
    repository, _, run = key.partition(":")
    hosted = hosted_by_id(server, int(repository))
    if hosted is None:
        return None
    with server.database.reading() as connection:
        found = [one for one in dispatching.under_way(connection, hosted.id) if run in ("", str(one.run_id))]
    client = server.client(hosted).at(Priority.SWEEP)
    left = [one for one in found if not _look(server, client, one, asked=bool(run))]
    return server.settings.silence_seconds if left else None


def _gives_cause(row: Row[Any], now: float, patience: float) -> bool:
    """Whether GitHub is to be asked about an attempt: nobody claimed it for long, or its runner fell silent."""
    if not row.active:
        return False
    return row.state == TaskState.LOST.value if row.claimed else bool(now - row.offered_at > patience)


def _look(server: Server, client: RepositoryClient, dispatch: DispatchRow, *, asked: bool) -> bool:
    """Bring the attempts of one run up to date; whether that run is over for us: none of them is at work any more.

    A run that GitHub does not find has ended for those of which nothing is heard either; as to the others, it may only
    be out of reach.
    """
    with server.database.reading() as connection:
        rows = dispatching.attempts_of(connection, dispatch.id)
    if not any(row.active for row in rows):
        _cancel_leftover(server, client, dispatch, rows)
        return True
    patience, now = server.settings.claim_seconds, time.time()
    if not asked and not any(_gives_cause(row, now, patience) for row in rows):
        return False
    try:
        run = client.run(dispatch.run_id or 0)
        jobs = client.jobs(dispatch.run_id or 0, every_attempt=True)
    except NotFound:
        run, jobs = None, ()
    with server.database.writing() as connection:
        for row in rows:
            if not row.active:
                continue
            job = _job_of(row.job_id, row.job, row.slug, jobs)
            if job is not None:
                ended = job.status == "completed"
                held = None if ended else job.status == "waiting"
                dispatching.job_of(connection, row.attempt_id, url=job.html_url, ended=ended, held=held)
            else:
                ended = run.status == "completed" if run is not None else _gives_cause(row, now, patience)
                dispatching.job_of(connection, row.attempt_id, ended=ended)
            if ended and not row.claimed and not row.revoked:
                _revoke(connection, row, job, gone=run is None)
        publications.refresh(connection, dispatch.deployment, now)
    server.wake(Topic.DRIVE)
    return False


def _revoke(connection: Connection, row: Row[Any], job: JobData | None, *, gone: bool) -> None:
    if job is not None and not gone:
        revoke_unclaimed(connection, row, str(job.conclusion), job.html_url)
    else:
        remote_jobs.revoke(connection, row.attempt_id, _LOST_RUN if gone else _NO_JOB)


def _job_of(number: int | None, job: str, slug: str, jobs: tuple[JobData, ...]) -> JobData | None:
    """The very job that claimed the attempt; else the newest of its name."""
    if number is not None:
        return next((one for one in jobs if one.id == number), None)
    named = [one for one in jobs if is_job_of(one.name, job, slug)]
    return max(named, key=lambda one: one.run_attempt, default=None)


def _cancel_leftover(server: Server, client: RepositoryClient, dispatch: DispatchRow, rows: Sequence[Row[Any]]) -> None:
    """Cancel a run of which nothing is needed any more; what is claimed was told to stop by its own way."""
    if all(row.revoked for row in rows):
        try:
            run = client.run(dispatch.run_id or 0)
            if run.status != "completed":
                client.cancel_run(run.id)
        except NotFound:
            pass
    with server.database.writing() as connection:
        dispatching.write(connection, dispatch.id, state="ended")
