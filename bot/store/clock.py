"""The one clock that machines agree on: the database's. A SQLite store is one machine's, and its clock is as good.

What is written by one machine and judged by another one goes through here: when work is due, when something was sent or
judged.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Double, cast, extract, func, select

AGREE_SECONDS = 1.0
"""Clocks that differ by less are taken for the same."""
NOW: ColumnElement[float] = cast(extract("epoch", func.clock_timestamp()), Double)
"""PostgreSQL's time, in seconds since the epoch; also within a long transaction that of this moment."""
_ASK = select(NOW)


def shared(connection: Connection, here: float) -> float:
    """The time that all who share the store agree on, in seconds since the epoch; `here`: what our own clock says."""
    if connection.dialect.name != "postgresql":
        return here
    return connection.execute(_ASK).scalar_one()
