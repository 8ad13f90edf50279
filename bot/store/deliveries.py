"""Rows of webhooks: stored before they are answered, worked on afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Executable, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.decide.deeds import By, Deed
from bot.store import audit, work
from bot.store.hosted_tables import deliveries

KIND = "delivery"
_CONCLUDED = (
    update(deliveries)
    .where(deliveries.c.guid == bindparam("which"))
    .values(action=bindparam("action"), outcome=bindparam("outcome"), failed=False)
)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A webhook as it came: `guid` is GitHub's id of it, the same when it is sent again.

    `outcome`: what became of it, where nothing follows from it and nobody has to work on it. `wait`: for how many
    seconds it may wait for company, where nothing hurries.
    """

    guid: str
    event: str
    body: bytes
    action: str = ""
    outcome: str | None = None
    wait: float = 0.0

    @property
    def hurries(self) -> bool:
        """Whether somebody is to work on it at once."""
        return self.outcome is None and self.wait <= 0


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A webhook and what became of it. Times are seconds since the epoch."""

    id: str
    event: str
    action: str
    received_at: float
    outcome: str


def record(connection: Connection, arrived: Sequence[Arrived], now: float) -> None:
    """Keep webhooks, with the work of looking at them. One that came before is done again only if it had failed."""
    rows = [
        {
            "guid": one.guid,
            "event": one.event,
            "body": one.body,
            "received_at": now,
            "action": one.action[:64],
            "outcome": one.outcome,
        }
        for one in arrived
    ]
    due = set(connection.execute(_new(connection.dialect.name), rows).scalars())
    if known := {one.guid for one in arrived if one.outcome is None} - due:
        failed = deliveries.c.guid.in_(known) & deliveries.c.failed.is_(True)
        again = update(deliveries).where(failed).values(outcome=None, failed=False).returning(deliveries.c.guid)
        due |= set(connection.execute(again).scalars())
    followed: dict[float, list[str]] = {}
    for one in arrived:
        if one.guid in due and one.outcome is None:
            followed.setdefault(together(now, one.wait), []).append(one.guid)
    for moment, guids in followed.items():
        work.request_all(connection, KIND, guids, moment, now)


def together(now: float, wait: float) -> float:
    """A moment within so many seconds at which all are due that came about now."""
    return now if wait <= 0 else (now // wait + 1) * wait


@cache
def _new(dialect: str) -> Executable:
    """Keeps those webhooks that never came before, and gives their ids; made once, since making it costs."""
    new = (postgresql if dialect == "postgresql" else sqlite).insert(deliveries)
    made: Executable = new.on_conflict_do_nothing().returning(deliveries.c.guid)
    return made


def read(connection: Connection, guids: Sequence[str]) -> list[Arrived]:
    """Those of the webhooks that were kept, in the order in which they came."""
    query = select(deliveries).where(deliveries.c.guid.in_(guids)).order_by(deliveries.c.id)
    return [Arrived(row.guid, row.event, row.body) for row in connection.execute(query)]


def received(connection: Connection, guid: str) -> float | None:
    """When a webhook came, in seconds since the epoch; None where none of that id did."""
    return connection.execute(select(deliveries.c.received_at).where(deliveries.c.guid == guid)).scalar()


def conclude(connection: Connection, became: Sequence[tuple[str, str, str]]) -> None:
    """Write down what became of webhooks: the id, the action and the outcome of each."""
    values = [{"which": guid, "action": action[:64], "outcome": said} for guid, action, said in became]
    connection.execute(_CONCLUDED, values)


def failed(connection: Connection, guid: str, why: str) -> None:
    """Write down that a webhook could not be worked on, which is tried again, also where GitHub sends it anew."""
    values = {"outcome": f"failed, and is tried again: {why}"[:1000], "failed": True}
    connection.execute(update(deliveries).where(deliveries.c.guid == guid).values(**values))


def recent(connection: Connection, limit: int) -> list[DeliveryRow]:
    """The newest webhooks, newest first."""
    shown = (one for one in deliveries.c if one.name != "body")
    query = select(*shown).order_by(deliveries.c.id.desc()).limit(limit)
    return [
        DeliveryRow(row.guid, row.event, row.action, row.received_at, row.outcome or "waiting")
        for row in connection.execute(query)
    ]


def redo(connection: Connection, guid: str, by: By, now: float) -> bool:
    """Have a webhook worked on again; False if there is none of that id."""
    found = connection.execute(update(deliveries).where(deliveries.c.guid == guid).values(outcome=None, failed=False))
    if found.rowcount:
        work.request(connection, KIND, guid, now, now)
        audit.of_server(connection, Deed.REDO, by, now, f"webhook {guid}")
    return bool(found.rowcount)


def known(connection: Connection, guids: Sequence[str]) -> frozenset[str]:
    """Those of the ids that came here."""
    found: set[str] = set()
    for start in range(0, len(guids), 500):  # a statement takes some ten thousand values, no more
        query = select(deliveries.c.guid).where(deliveries.c.guid.in_(guids[start : start + 500]))
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def forget_before(connection: Connection, moment: float, most: int) -> int:
    """Delete some webhooks that were worked on and came before that moment; how many there were."""
    old = deliveries.c.received_at < moment
    ids = select(deliveries.c.id).where(old, deliveries.c.outcome.is_not(None)).limit(most).scalar_subquery()
    return connection.execute(delete(deliveries).where(deliveries.c.id.in_(ids))).rowcount
