"""Rows of work: one that is done takes no other with it."""

from __future__ import annotations

from bot.store import work
from bot.store.database import Database
from bot.store.work import WorkRow


def asked(database: Database, kind: str, key: str) -> WorkRow:
    """The row of something that was asked for."""
    with database.writing() as connection:
        work.request(connection, kind, key, 1.0, 1.0)
        return next(row for row in work.soonest(connection, 9) if (row.kind, row.key) == (kind, key))


def rows(database: Database) -> list[WorkRow]:
    with database.reading() as connection:
        return work.soonest(connection, 9)


def test_who_ends_late_does_not_end_what_got_its_number_since(database: Database) -> None:
    old = asked(database, "delivery", "1")
    with database.writing() as connection:
        work.done(connection, old)
    new = asked(database, "publish", "5")
    late = WorkRow(new.id, old.kind, old.key, new.requested, 0, 1.0, "")
    with database.writing() as connection:
        assert work.current(connection, late) is None
        work.later(connection, late, 99.0, "went wrong")
        work.done(connection, late)
    assert rows(database) == [new]


def test_what_is_asked_for_meanwhile_stays(database: Database) -> None:
    first = asked(database, "pull", "1:2")
    again = asked(database, "pull", "1:2")
    with database.writing() as connection:
        work.done(connection, first)
    assert rows(database) == [again]
    with database.writing() as connection:
        work.done(connection, again)
    assert rows(database) == []
