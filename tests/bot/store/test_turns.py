"""Threads that write to SQLite take turns, and nobody waits for luck."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from bot.errors import StoreError
from bot.store import database as database_module
from bot.store import work
from bot.store.database import Database
from bot.store.turns import Turns


def test_who_came_first_is_first() -> None:
    turns, order = Turns(10), []

    def one(number: int) -> None:
        with turns.turn() as mine:
            assert mine
            order.append(number)

    with turns.turn():
        threads = []
        for number in range(8):
            threads.append(threading.Thread(target=one, args=(number,)))
            threads[-1].start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join(5)
    assert order == list(range(8))


def test_who_may_go_first_waits_only_for_the_one_that_writes() -> None:
    turns, order = Turns(10), []

    def one(name: str, *, first: bool) -> None:
        with turns.turn(first=first):
            order.append(name)

    with turns.turn():
        threads = []
        for count, (name, first) in enumerate((("worker", False), ("another", False), ("intake", True)), start=1):
            threads.append(threading.Thread(target=one, args=(name,), kwargs={"first": first}))
            threads[-1].start()
            while len(turns._waiting) < count:
                time.sleep(0.001)
    for thread in threads:
        thread.join(5)
    assert order == ["intake", "worker", "another"]


def test_who_waits_too_long_gets_no_turn_and_takes_none() -> None:
    turns = Turns(0.05)
    with turns.turn(), turns.turn() as mine:
        assert not mine
    with turns.turn() as mine:
        assert mine


def test_a_turn_ends_with_an_error() -> None:
    turns = Turns(0.05)
    with pytest.raises(KeyError), turns.turn():
        raise KeyError
    with turns.turn() as mine:
        assert mine


def test_of_threads_that_write_all_get_on_alike(tmp_path: Path) -> None:
    database = Database.file(tmp_path / "headwater.db")
    counts, ends, together = [0] * 5, time.monotonic() + 2, threading.Barrier(5)

    def write(number: int) -> None:
        together.wait()
        while time.monotonic() < ends:
            with database.writing() as connection:
                work.request(connection, "publish", str(number), 1.0, 1.0)
            counts[number] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(counts) >= 0.8 * max(counts), counts


def test_a_writer_within_a_writer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "_PATIENCE", 0.2)
    database = Database.file(tmp_path / "headwater.db")
    with database.writing(), pytest.raises(StoreError, match="stayed locked"), database.writing():
        pass
    with database.writing() as connection:
        work.request(connection, "publish", "1", 1.0, 1.0)
