"""What follows from a webhook: rows that others act on. Webhooks are hints; what they are about is looked at anew."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog

from bot import correlation
from bot.decide.webhook import action_of, look_into
from bot.errors import StoreError
from bot.server import Server
from bot.store import deliveries, hosting, publications, work
from bot.store.clock import shared
from bot.store.work import WorkRow
from bot.waking import Topic
from bot.working.following import Batch, follow

_log = structlog.get_logger("headwater.deliver")
_TOGETHER = 20
"""Webhooks in one transaction: on SQLite, those that arrive wait for its end before they are answered."""
_TURNS = 10
"""Transactions, as long as more webhooks wait, before others have their turn."""


def work_on(server: Server, guid: str) -> None:
    """Work on the webhooks that wait, in the order that they came, and write down what became of each.

    One that fails takes none of the others along: they are worked on without it.
    """
    keys = [guid]
    for turn in range(_TURNS):
        with server.database.reading() as connection:
            waiting = work.waiting(connection, deliveries.KIND, shared(connection, time.time()), _TOGETHER)
        keys = list(dict.fromkeys([*keys, *(row.key for row in waiting)]))
        if keys == [guid]:
            _alone(server, guid)
            return
        if not keys:
            return
        try:
            _conclude(server, keys, waiting)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  (which one it is, is found by doing them one by one)
            _log.warning("webhooks could not be worked on together", count=len(keys), error=str(error))
            if turn == 0:
                _alone(server, guid)
            return
        keys = []


def _alone(server: Server, guid: str) -> None:
    """Work on one; where that fails it is written down, and raised, so that it is tried again."""
    try:
        _conclude(server, [guid], ())
    except StoreError:
        raise
    except Exception as error:
        with server.database.writing() as connection:
            deliveries.failed(connection, guid, str(error) or type(error).__name__)
            event = next((one.event for one in deliveries.read(connection, [guid])), "")
        server.metrics.delivery(event, "failed")
        raise


def _conclude(server: Server, guids: Sequence[str], rows: Sequence[WorkRow]) -> None:
    """Do what follows from these webhooks, all in one transaction."""
    with server.database.reading() as connection:
        read = [(one, *look_into(one.event, one.body)) for one in deliveries.read(connection, guids)]
        about = {intake.repository_id for _, intake, _ in read if intake.repository_id is not None}
        known = hosting.repositories_of(connection, about)
    with server.database.writing() as connection:
        batch = Batch(connection, time.time(), known)
        became = []
        for arrived, intake, payload in read:
            with correlation.bound(arrived.guid):
                became.append((arrived.guid, action_of(payload), follow(batch, intake, payload)))
        deliveries.conclude(connection, became)
        work.ask(connection, batch.asked)
        for deployment in batch.shown:
            publications.refresh(connection, deployment, batch.now)
        work.done(connection, *rows)
    for (arrived, _, _), (_, _, outcome) in zip(read, became, strict=True):
        ignored = outcome.startswith("ignored")
        tell = _log.debug if ignored else _log.info
        tell("webhook worked on", event_name=arrived.event, outcome=outcome, correlation=arrived.guid)
        server.metrics.delivery(arrived.event, "ignored" if ignored else "done")
    server.wake(*((Topic.WORK, Topic.DRIVE) if batch.drive else (Topic.WORK,)))
