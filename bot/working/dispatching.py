"""Sending offered attempts to GitHub Actions: in batches, under a key of our own, each batch surely and once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import structlog

from bot import correlation
from bot.github.data import RunData
from bot.github.errors import Forbidden, NotFound, RateLimited, Refused, Unreachable
from bot.github.limits import Priority
from bot.github.repository_client import RepositoryClient
from bot.server import Server
from bot.store import dispatching, publications, remote_jobs, work
from bot.store.clock import shared
from bot.store.dispatching import DispatchRow, Offered
from bot.store.hosting import HostedRepository
from bot.working.places import hosted_by_id
from bot.working.restoring import strangers
from planner.ci.headwater_workflow import FILE

_NAME = FILE.rpartition("/")[2]
MOST_JOBS = 250
MOST_CHARACTERS = 60_000
"""Of 65,535 that a dispatch may hold."""
_MOST_NAMED, _LONGEST_NAME = 2, 40

_log = structlog.get_logger("headwater.dispatch")


def dispatch(server: Server, key: str) -> float | None:
    """Send what is offered in a repository; seconds until it is to be looked at again."""
    hosted = hosted_by_id(server, int(key))
    if hosted is None:
        return None
    client = server.client(hosted)
    if running := strangers(server, hosted, client, _NAME):
        _log.warning("nothing starts before jobs have ended that a restored backup does not know", runs=running)
        return server.settings.silence_seconds
    _make_batches(server, hosted)
    with server.database.reading() as connection:
        batches, now = dispatching.unsent(connection, hosted.id), shared(connection, time.time())
    again: list[float] = []
    for batch in batches:
        try:
            with correlation.bound(batch.correlation or correlation.current()):
                wait = _send_surely(server, hosted, client, batch, now)
        except RateLimited as error:  # those after it may be of more weight
            wait = error.wait
        if wait is not None:
            again.append(wait)
    return min(again, default=None)


def _make_batches(server: Server, hosted: HostedRepository) -> None:
    now = time.time()
    with server.database.writing() as connection:
        for chosen in batches_of(dispatching.offered(connection, hosted.id)):
            dispatching.batch(connection, hosted.id, chosen, now)


def batches_of(offered: Sequence[Offered]) -> list[list[Offered]]:
    """Offers in batches: each of one deployment, and within what one dispatch may hold."""
    found: list[list[Offered]] = []
    room = 0
    for one in sorted(offered, key=lambda each: (each.deployment, each.offered_at)):
        size = len(json.dumps(_leg(one)))
        fits = found and found[-1][0].deployment == one.deployment and len(found[-1]) < MOST_JOBS and size <= room
        if not fits:
            found.append([])
            room = MOST_CHARACTERS
        found[-1].append(one)
        room -= size + 2
    return found


def _send_surely(
    server: Server, hosted: HostedRepository, client: RepositoryClient, batch: DispatchRow, now: float
) -> float | None:
    """Send a batch, or find it where it may have arrived; seconds until the next look, None when it is sent.

    One that nobody has seen for `claim_seconds` is sent again, under the same key: claims make the second run exit.
    """
    if batch.run_id is not None:  # a job of that run has claimed its attempt
        return _sent(server, batch, batch.run_id, f"{hosted.html_url}/actions/runs/{batch.run_id}")
    if batch.state == "unsure" and (run := _found(client, batch)) is not None:
        return _sent(server, batch, run.id, run.html_url)
    unseen = now - batch.sent_at if batch.sent_at is not None else None
    patience = server.settings.claim_seconds
    if batch.state == "unsure" and unseen is not None and 0 <= unseen < patience:
        return min(2.0, patience / 10)
    with server.database.writing() as connection:
        legs = dispatching.of_dispatch(connection, batch.id)
        values = {"state": "unsure", "sent_at": shared(connection, time.time())} if legs else {"state": "ended"}
        known = not dispatching.write_unless_found(connection, batch.id, error="", **values)
    if known or not legs:
        return 0.0 if known else None
    weight = Priority.PLAN if all(one.job == "plan" for one in legs) else Priority.COMMAND
    try:
        run_id = client.at(weight).dispatch(
            _NAME, hosted.default_branch, {"dispatch": inputs(batch, server.zipapp.digest, legs)}
        )
    except Unreachable as error:
        _not_sent(server, batch, "unsure" if error.uncertain else "new", error.what)
        if error.uncertain:
            return 1.0
        raise
    except RateLimited as error:
        _not_sent(server, batch, "new", error.what)
        raise
    except (NotFound, Refused, Forbidden) as error:
        return _failed(server, batch, legs, _why(error))
    if run_id is None:
        return 0.5
    return _sent(server, batch, run_id, f"{hosted.html_url}/actions/runs/{run_id}")


def _not_sent(server: Server, batch: DispatchRow, state: str, why: str) -> None:
    """Keep why, for who asks what it waits for."""
    with server.database.writing() as connection:
        dispatching.write_unless_found(connection, batch.id, state=state, error=why)


def _why(error: NotFound | Refused | Forbidden) -> str:
    if isinstance(error, NotFound):
        return f"{FILE} is not on the default branch: write it with 'headwater init --github'"
    return f"GitHub did not start {FILE}: {error.what}. {error.mend}".strip()


def _failed(server: Server, batch: DispatchRow, legs: Iterable[Offered], why: str) -> float | None:
    with server.database.writing() as connection:
        if not dispatching.write_unless_found(connection, batch.id, state="failed", error=why):
            return 0.0  # it was sent before, and has arrived
        for one in legs:
            remote_jobs.revoke(connection, one.attempt, why)
    _log.warning("a dispatch was refused", deployment=batch.deployment, why=why)
    server.wake()
    return None


def _sent(server: Server, batch: DispatchRow, run_id: int, url: str) -> float | None:
    now = time.time()
    with server.database.writing() as connection:
        if not dispatching.sent(connection, batch.id, run_id, url):
            return 0.0  # another run came of it
        publications.refresh(connection, batch.deployment, now)
        work.request(connection, "runs", str(batch.repository), now + server.settings.silence_seconds, now)
    _log.info("dispatched", deployment=batch.deployment, key=batch.key, run=run_id)
    return None


def _found(client: RepositoryClient, batch: DispatchRow) -> RunData | None:
    """The run of this key, if GitHub lists it."""
    since = datetime.fromtimestamp(batch.created_at - 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = client.runs(_NAME, created_since=since)
    return next((run for run in found if run.display_title.rpartition(" ")[2] == batch.key), None)


def inputs(batch: DispatchRow, runner: str, legs: Iterable[Offered]) -> str:
    """The one input of the generated workflow: names of attempts, and where each runs; and what its run is called."""
    found = list(legs)
    told = {
        "key": batch.key,
        "title": run_title(batch.origin, batch.action, found),
        "runner": runner,
        "plan": [_leg(one) for one in found if one.job == "plan"],
        "deploy": [_leg(one) for one in found if one.job == "deploy"],
    }
    return json.dumps(told, separators=(",", ":"))


def run_title(origin: str, action: str, legs: Sequence[Offered]) -> str:
    """What a run does, for who looks at the list of runs: `#12 deploy db, app and 3 more`. Short, or GitHub cuts it.

    The name of a branch is anybody's text, so of a push it says just that.
    """
    asked = origin if origin.startswith("#") else origin.partition(" ")[0]
    names = [one.slug for one in legs]
    rest = len(names) - _MOST_NAMED
    listed = ", ".join(name[:_LONGEST_NAME] for name in names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
    return f"{asked} {action} {listed}"


def _leg(one: Offered) -> dict[str, object]:
    leg: dict[str, object] = {"attempt": one.attempt, "slug": one.slug, "runsOn": list(one.runs_on)}
    return leg if one.job == "plan" else {**leg, "environment": one.environment}
