"""Sweeps: what webhooks may have missed is found by asking."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from bot.github.errors import GitHubError
from bot.github.limits import Priority
from bot.server import Server
from bot.store import conversation, deliveries, hosting, publications, work
from bot.store.hosting import HostedRepository
from bot.working.expiring import expire
from bot.working.places import hosted_by_id
from bot.working.restoring import LOG_DAYS, heed

_LISTED_LATE = timedelta(minutes=10)
"""How much later than it was sent a webhook may stand in GitHub's log."""
ALL, OLD = "all", "old"
"""The keys of what is done again and again by itself."""
_log = structlog.get_logger("headwater.sweep")


def sweep(server: Server, key: str) -> float | None:
    """Look for what was missed (`all`, or our number of one repository), or delete what is `old`.

    Gives the seconds until the next time, if there is one. Each repository is swept by itself, so that none waits for
    another one whose requests are used up.
    """
    if key == OLD:
        expire(server)
        return server.settings.sweep_seconds
    if key != ALL:
        hosted = hosted_by_id(server, int(key))
        if hosted is not None:
            _repository(server, hosted)
        return None
    for one in (_installed, _failed_deliveries):
        try:
            one(server)
        except GitHubError as error:
            _log.warning("a sweep was cut short", error=error.what)
    now = time.time()
    with server.database.writing() as connection:
        found = [str(one.id) for one in hosting.repositories(connection) if not one.trouble]
        work.request_all(connection, "sweep", found, now, now)
    return server.settings.sweep_seconds


def _installed(server: Server) -> None:
    """Know every repository that the App reaches, under the name that it bears now."""
    for installation in server.github.installations():
        if installation.suspended:
            continue
        try:
            _reached(server, installation.id)
        except GitHubError as error:
            _log.warning("an installation could not be swept", installation=installation.id, error=error.what)


def _reached(server: Server, installation: int) -> None:
    for told in server.github.repositories(installation):
        values = {
            "installation_id": installation,
            "full_name": told.full_name,
            "default_branch": told.default_branch,
            "clone_url": told.clone_url,
            "html_url": told.html_url,
            "private": told.private,
            "trouble": "archived" if told.archived else "",
        }
        with server.database.reading() as connection:
            known = hosting.repository_of(connection, told.id)
        if known is None or any(getattr(known, name) != value for name, value in values.items()):
            with server.database.writing() as connection:
                hosting.keep_repository(connection, told.id, values)


def _failed_deliveries(server: Server) -> None:
    """Have GitHub send again what did not arrive, oldest first; of its log, what the last sweep has not read yet."""
    since = datetime.now(UTC) - timedelta(days=LOG_DAYS)
    if server.log_read_until is not None:
        since = max(since, server.log_read_until - _LISTED_LATE)
    told = server.github.deliveries(since.strftime("%Y-%m-%dT%H:%M:%SZ"))
    heed(server, told)
    with server.database.reading() as connection:
        here = deliveries.known(connection, [one.guid for one in told])
    arrived = {one.guid for one in told if not one.failed} | here
    again: set[str] = set()
    for one in reversed(told):  # what happened first is sent first
        if one.guid not in arrived and one.guid not in again:
            again.add(one.guid)
            server.github.redeliver(one.id)
    if told:
        with suppress(ValueError):
            server.log_read_until = datetime.fromisoformat(told[0].delivered_at).astimezone(UTC)


def _repository(server: Server, hosted: HostedRepository) -> None:
    """Bring up to date what differs from what GitHub lists now, and have unfinished runs looked after."""
    client = server.client(hosted).at(Priority.SWEEP)
    told = {one.number: one for one in client.open_pulls()}
    now = time.time()
    with server.database.writing() as connection:
        known = {one.number: one for one in hosting.open_pulls(connection, hosted.id)}
        for number in sorted(told.keys() | known.keys()):
            row, one = known.get(number), told.get(number)
            fresh = (
                row is not None
                and one is not None
                and (row.head, row.base_ref, row.draft) == (one.head_sha, one.base_ref, one.draft)
            )
            if not fresh or (row is not None and row.plan is None and not row.fork and not row.draft):
                work.request(connection, "pull", f"{hosted.github_id}:{number}", now, now)
        for number in conversation.pulls_with(connection, hosted.id, conversation.UNDER_WAY):
            work.request(connection, "commands", f"{hosted.github_id}:{number}", now, now)
        for branch in {hosted.default_branch, *conversation.branches_with_stories(connection, hosted.id)}:
            work.request(connection, "push", f"{hosted.github_id}:{branch}"[:255], now, now)
        publications.take_up(connection, hosted.id, now)
        work.request(connection, "runs", str(hosted.id), now, now)
        work.request(connection, "dispatch", str(hosted.id), now, now)
