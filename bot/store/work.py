"""Rows of work: what is to be looked at, and when. There is one row for each thing, however often it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Double, Executable, Row, and_, bindparam, case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot import correlation
from bot.store.clock import AGREE_SECONDS, NOW, shared
from bot.store.hosted_tables import work


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One piece of work; `requested` tells whether it was asked for again while somebody did it.

    `correlation` is that of whoever asked last; "" where nothing had one.
    """

    id: int
    kind: str
    key: str
    requested: int
    attempts: int
    due_at: float
    correlation: str
    lane: str = ""


def request(connection: Connection, kind: str, key: str, due_at: float, now: float, *, lane: str = "") -> None:
    """Have something looked at; asked for twice, it is done once, at the earlier time.

    `due_at` and `now` are by our own clock; what is kept is by the one that all agree on.
    """
    request_all(connection, kind, [key], due_at, now, lane=lane)


def request_all(
    connection: Connection, kind: str, keys: Sequence[str], due_at: float, now: float, *, lane: str = ""
) -> None:
    """Have several things looked at; each as with `request`. Without a lane it is told by the kind and the key."""
    ask(connection, [asked(kind, key, due_at, now, lane=lane) for key in dict.fromkeys(keys)])


def asked(kind: str, key: str, due_at: float, now: float, *, lane: str = "") -> dict[str, object]:
    """A request, for `ask`: it follows from what is being done in this thread."""
    told = {"due_at": due_at, "created_at": now, "correlation": correlation.current()}
    return {"kind": kind, "key": key, "lane": lane or lane_of(kind, key), **told}


def ask(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Write requests down, in this order."""
    if not rows:
        return
    dialect = connection.dialect.name
    given = list(rows) if dialect != "postgresql" else [_by_its_clock(row) for row in rows]
    connection.execute(_asked_for(dialect), given)


def _by_its_clock(row: Mapping[str, object]) -> dict[str, object]:
    """A request whose time the database itself is to tell."""
    told = {name: value for name, value in row.items() if name != "due_at"}
    return {**told, "wanted_at": row["due_at"], "asked_at": row["created_at"]}


def lane_of(kind: str, key: str) -> str:
    """Whose turn work is: that of the repository in its key where there is one, else that of its kind."""
    repository, colon, _ = key.partition(":")
    if kind in ("dispatch", "runs") or colon:
        return f"{'ours' if kind in ('dispatch', 'runs') else 'github'}:{repository}"[:32]
    return kind


@cache
def _asked_for(dialect: str) -> Executable:
    """Writes work down, or that it was asked for again; made once, since making it costs more than running it."""
    new = (postgresql if dialect == "postgresql" else sqlite).insert(work)
    if dialect == "postgresql":
        due_at, now = bindparam("wanted_at", type_=Double), bindparam("asked_at", type_=Double)
        new = new.values(due_at=case((func.abs(NOW - now) < AGREE_SECONDS, due_at), else_=NOW + due_at - now))
    earlier = case((work.c.due_at < new.excluded.due_at, work.c.due_at), else_=new.excluded.due_at)
    newest = case((new.excluded.correlation == "", work.c.correlation), else_=new.excluded.correlation)
    again = {"requested": work.c.requested + 1, "due_at": earlier, "attempts": 0, "correlation": newest}
    made: Executable = new.on_conflict_do_update(index_elements=["kind", "key"], set_=again)
    return made


# Asked many times a second, so made once: making them costs more than running them.

_COLUMNS = (
    work.c.id,
    work.c.kind,
    work.c.key,
    work.c.requested,
    work.c.attempts,
    work.c.due_at,
    work.c.correlation,
    work.c.lane,
)
_SOONEST = select(*_COLUMNS).order_by(work.c.due_at, work.c.id).limit(bindparam("limit"))
_PLACE = func.row_number().over(partition_by=work.c.lane, order_by=(work.c.due_at, work.c.id)).label("place")
_DUE = select(*_COLUMNS, _PLACE).where(work.c.due_at <= bindparam("now")).subquery()
_FIRST_OF_EACH = select(_DUE).order_by(_DUE.c.place, _DUE.c.due_at, _DUE.c.id).limit(bindparam("limit"))
_WAITING = (
    select(*_COLUMNS)
    .where(work.c.kind == bindparam("kind"), work.c.due_at <= bindparam("now"), work.c.attempts == 0)
    .order_by(work.c.due_at, work.c.id)
    .limit(bindparam("limit"))
)
_THIS = and_(  # SQLite gives the number of a row that is gone to another one
    work.c.id == bindparam("row_id"), work.c.kind == bindparam("row_kind"), work.c.key == bindparam("row_key")
)
_SEEN = and_(_THIS, work.c.requested == bindparam("row_requested"))
_CURRENT = select(*_COLUMNS).where(_THIS)
_DONE = delete(work).where(_SEEN)


def _this(row: WorkRow) -> dict[str, object]:
    return {"row_id": row.id, "row_kind": row.kind, "row_key": row.key}


def soonest(connection: Connection, limit: int) -> list[WorkRow]:
    """What is due first, and what will be next."""
    return [_row(one) for one in connection.execute(_SOONEST, {"limit": limit})]


def in_turn(connection: Connection, limit: int, now: float) -> list[WorkRow]:
    """As `soonest`; but where more is due than that, the first of each lane, then the second of each, and so on.

    `now` is by the clock that all agree on.
    """
    found = soonest(connection, limit)
    if len(found) < limit or found[-1].due_at > now:
        return found
    return [_row(one) for one in connection.execute(_FIRST_OF_EACH, {"limit": limit, "now": now})]


def _row(one: Row[*tuple[Any, ...]]) -> WorkRow:
    return WorkRow(one.id, one.kind, one.key, one.requested, one.attempts, one.due_at, one.correlation, one.lane)


def current(connection: Connection, row: WorkRow) -> WorkRow | None:
    """The row as it is now; None if it was done meanwhile."""
    one = connection.execute(_CURRENT, _this(row)).first()
    return None if one is None else _row(one)


def waiting(connection: Connection, kind: str, now: float, limit: int) -> list[WorkRow]:
    """What is due of one kind and has not failed yet, in the order that it is due."""
    rows = connection.execute(_WAITING, {"kind": kind, "now": now, "limit": limit})
    return [_row(one) for one in rows]


def done(connection: Connection, *rows: WorkRow) -> None:
    """These were done, unless they were asked for again since."""
    if rows:
        connection.execute(_DONE, [{**_this(row), "row_requested": row.requested} for row in rows])


def later(connection: Connection, row: WorkRow, due_at: float, now: float, error: str = "") -> None:
    """It is to be done again at that time, unless it was asked for anew; both times are by our own clock."""
    values = {
        "due_at": shared(connection, now) + due_at - now,
        "error": error,
        "attempts": row.attempts + 1 if error else 0,
    }
    connection.execute(update(work).where(_SEEN).values(values), {**_this(row), "row_requested": row.requested})


def fresh(connection: Connection, kind: str, keys: Sequence[str]) -> bool:
    """Whether any of these things is still to be looked at, and has not failed yet."""
    untried = (work.c.kind == kind) & work.c.key.in_(keys) & (work.c.attempts == 0)
    return connection.execute(select(work.c.id).where(untried).limit(1)).first() is not None


def is_asked(connection: Connection, kind: str, key: str) -> bool:
    """Whether something is still to be looked at, also where that has failed so far."""
    return connection.execute(select(work.c.id).where(work.c.kind == kind, work.c.key == key)).first() is not None


def next_due(connection: Connection) -> float | None:
    """When the next work is due, in seconds since the epoch."""
    return connection.execute(select(work.c.due_at).order_by(work.c.due_at).limit(1)).scalar()
