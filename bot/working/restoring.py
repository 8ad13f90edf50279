"""Finding out that the database is a backup which was restored, before anything is done by what it says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.decide.restored import forgotten
from bot.github.data import DeliveryData
from bot.github.repository_client import RepositoryClient
from bot.server import Server
from bot.store import deliveries, dispatching, hosting, restoring
from bot.store.hosting import HostedRepository

LOG_DAYS = 3
"""How far back GitHub's log of webhooks goes."""

_JOB_SECONDS = 6 * 3600.0
"""No job of GitHub's lasts longer."""
_log = structlog.get_logger("headwater.restore")


def look_back(server: Server) -> None:
    """See whether this is a backup, or whether GitHub told us something that the database has forgotten.

    Raises GitHubError where GitHub cannot be asked.
    """
    with server.database.reading() as connection:
        empty = not hosting.repositories(connection)
    if not empty:
        since = (datetime.now(UTC) - timedelta(days=LOG_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
        heed(server, server.github.newest_deliveries(since))
    restoring.heed_backup(server.database, time.time())


def heed(server: Server, told: Sequence[DeliveryData]) -> None:
    """Take the database for a restored backup where GitHub's log has webhooks that we took and do not know."""
    with server.database.reading() as connection:
        if not _lost(connection, told):
            return
    with server.database.writing() as connection:
        lost = _lost(connection, told)
        if not lost:  # another process was faster
            return
        newest = max(one.delivered_at for one in told)
        given_up = restoring.restored(connection, time.time(), newest)
    _log.warning(
        "the database is a restored backup: it does not know webhooks that were taken; nothing is deployed twice by "
        "itself, see docs/operations.md", webhooks=len(lost), given_up=given_up,
    )  # fmt: skip


def _lost(connection: Connection, told: Sequence[DeliveryData]) -> Sequence[DeliveryData]:
    """The webhooks in GitHub's log that were taken here, and that the database knows nothing of."""
    last = restoring.last(connection)
    here = deliveries.known(connection, [one.guid for one in told])
    return forgotten(told, here, last.heard_until if last is not None else "")


def strangers(server: Server, hosted: HostedRepository, client: RepositoryClient, file: str) -> tuple[str, ...]:
    """The runs that go on and that a restored database knows nothing of: until they end, no other one starts."""
    with server.database.reading() as connection:
        last = restoring.last(connection)
        if last is None or time.time() - last.restored_at > _JOB_SECONDS:
            return ()
        known = dispatching.keys(connection, hosted.id, last.restored_at)
    since = datetime.fromtimestamp(last.restored_at - _JOB_SECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return tuple(
        run.html_url
        for run in client.runs(file, created_since=since)
        if run.status != "completed" and run.display_title.rpartition(" ")[2] not in known
    )
