"""Rows of work: one that is done takes no other with it."""

from __future__ import annotations

import time

import pytest

from bot.store import work
from bot.store.clock import shared
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
        work.later(connection, late, 99.0, 1.0, "went wrong")
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


def test_a_thousand_rows_of_one_repository_do_not_hide_the_first_of_another(database: Database) -> None:
    now = time.time()
    with database.writing() as connection:
        work.request_all(connection, "pull", [f"1:{number}" for number in range(1000)], now, now)
        work.request_all(connection, "publish", [str(number) for number in range(500)], now + 0.5, now, lane="posts:1")
        work.request_all(connection, "commands", ["2:7"], now + 1, now)
        work.request_all(connection, "pull", ["2:7", "2:8"], now + 2, now)
        work.request(connection, "pull", "3:1", now + 98, now)  # not due yet
    with database.reading() as connection:
        found = work.in_turn(connection, 8, now + 10)
    assert [(one.kind, one.key) for one in found] == [
        ("pull", "1:0"), ("publish", "0"), ("commands", "2:7"), ("pull", "1:1"), ("publish", "1"), ("pull", "2:7"),
        ("pull", "1:2"), ("publish", "2"),
    ]  # fmt: skip


def test_where_little_waits_what_comes_next_is_told_as_well(database: Database) -> None:
    now = time.time()
    with database.writing() as connection:
        work.request(connection, "pull", "1:1", now, now)
        work.request(connection, "runs", "4", now + 98, now)
    with database.reading() as connection:
        assert [(one.key, one.lane, one.due_at) for one in work.in_turn(connection, 8, now + 10)] == [
            ("1:1", "github:1", now), ("4", "ours:4", now + 98)
        ]  # fmt: skip


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_what_a_machine_with_another_clock_asks_for_is_due_when_it_means(
    ahead: float, kind: str, database: Database
) -> None:
    """Machines share a database in PostgreSQL alone: by its clock they agree."""
    if kind == "sqlite":
        ahead = 0.0
    theirs = time.time() + ahead
    with database.writing() as connection:
        work.request(connection, "pull", "1:1", theirs + 60, theirs)
        work.request(connection, "pull", "1:2", theirs, theirs)
    with database.reading() as connection:
        first, second = work.soonest(connection, 2)
        now = shared(connection, time.time())
    assert (first.key, second.key) == ("1:2", "1:1")
    assert now - 30 <= first.due_at <= now
    assert now + 30 <= second.due_at <= now + 60
    with database.writing() as connection:
        work.later(connection, first, theirs + 600, theirs, "it went wrong")
    with database.reading() as connection:
        assert now + 590 <= work.soonest(connection, 2)[1].due_at <= now + 630
