"""What is measured while people work: it counts each thing once, and never goes back."""

from __future__ import annotations

import time

from sqlalchemy import func, select

from bot.store.expiring import forget_deployments
from bot.store.tables import attempts
from bot.work import Workers
from tests.bot.test_metrics import values
from tests.conversations.conftest import on_both
from tests.conversations.town import Town


def counted(told: dict[str, float]) -> float:
    """Of how many attempts it is told how long they took."""
    return sum(many for name, many in told.items() if name.startswith("headwater_task_seconds_count"))


@on_both
def test_how_long_attempts_took_is_counted_once_and_stays_when_they_expire(shop: Town) -> None:
    others = Workers(shop.server)
    others.start()
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    pull.push(shop.environments(network="n3"))
    shop.settle()
    pull.close()
    shop.settle()
    others.stop(10)
    ended = select(func.count()).select_from(attempts).where(attempts.c.duration.is_not(None))
    with shop.server.database.writing() as connection:
        many = connection.execute(ended).scalar_one()
        assert forget_deployments(connection, time.time() + 1, 100) > 0
        assert connection.execute(ended).scalar_one() < many
    assert counted(values(shop.server.metrics)) == many
