"""Plans that are made in vain: of heads that were pushed over, and of pull requests that were closed."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bot.decide.deeds import ITSELF, By
from bot.decide.facts import Stop
from bot.decide.transitions import DEPLOYMENT_FINISHED
from bot.store import conversation, deployments
from bot.store.conversation import PullPlan
from bot.store.hosting import PullRow
from bot.store.tables import events

_CLOSED, _SUPERSEDED = "closed", "superseded"
_MOST_FORMER = 3  # older ones were stopped when these came


def stop_former(connection: Connection, pull: PullRow, now: float) -> None:
    """Stop the plans of former heads that are still made."""
    _, *former = conversation.plans_of(connection, pull.id)
    for one in former[:_MOST_FORMER]:
        _stop(connection, one, pull, _SUPERSEDED, now)


def stop_newest(connection: Connection, pull: PullRow, now: float) -> None:
    """Stop the plans of a pull request that is closed or merged."""
    newest = conversation.plan(connection, pull.plan)
    if newest is not None:
        _stop(connection, newest, pull, _CLOSED, now)


def _stop(connection: Connection, plan: PullPlan, pull: PullRow, why: str, now: float) -> None:
    by = By(ITSELF, f"#{pull.number}", (f"plans of a pull request that is {why}",), pull=pull.number)
    for number in plan.deployments:
        told = deployments.flags(connection, number, lock=True)
        if told is not None and told.state not in DEPLOYMENT_FINISHED and told.stop is None:
            deployments.ask_stop(connection, number, Stop.KILL, by, now, detail=why)


def cut_off(connection: Connection, plan: PullPlan) -> bool:
    """Whether plans were stopped because their pull request was closed: reopened, it lacks them."""
    query = select(events.c.id).where(
        events.c.deployment_id.in_(plan.deployments), events.c.kind == "cancel", events.c.detail == _CLOSED
    )
    return connection.execute(query.limit(1)).first() is not None
