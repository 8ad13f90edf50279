"""Replicas on one PostgreSQL know how many of them there are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from bot.others import LISTENER, Replicas
from bot.store.database import Database
from bot.waking import Topic
from tests.bot.store.conftest import migrated_postgres, postgres  # noqa: F401  (fixtures)


@pytest.fixture
def address(postgres: Callable[[str], str], migrated_postgres: str) -> str:  # noqa: F811
    """A new database."""
    return postgres(migrated_postgres)


@contextmanager
def listening(address: str, hear: Callable[[Iterable[Topic]], None] = lambda _: None) -> Iterator[list[int]]:
    """A replica that listens, with what it was told of their number."""
    told: list[int] = []
    database, stopped = Database(address), threading.Event()
    replicas = Replicas(database, told.append, count_seconds=0.1)
    thread = threading.Thread(target=replicas.listen, args=(hear, stopped))
    thread.start()
    try:
        yield told
    finally:
        stopped.set()
        thread.join()
        database.engine.dispose()


def wait_until(told: list[int], number: int) -> None:
    """Until it was told this number last."""
    end = time.monotonic() + 20
    while told[-1:] != [number]:
        assert time.monotonic() < end, told
        time.sleep(0.05)


def test_each_is_told_how_many_listen_as_they_come_and_go(address: str) -> None:
    with listening(address) as first:
        wait_until(first, 1)
        with ExitStack() as others:
            second, third = others.enter_context(listening(address)), others.enter_context(listening(address))
            for one in (first, second, third):
                wait_until(one, 3)
        wait_until(first, 1)


def tell_until(database: Database, done: Callable[[], object]) -> None:
    """Tell others of work, again and again until that has come of it."""
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        Replicas(database, lambda _: None).tell([Topic.WORK])
        time.sleep(0.05)


def test_one_hears_and_is_told_again_after_its_connection_was_cut(address: str) -> None:
    heard: list[Topic] = []
    another = Database(address)
    with listening(address, heard.extend) as told:
        for _ in range(2):
            wait_until(told, 1)
            tell_until(another, lambda: heard)
            with another.writing() as connection:
                cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
                assert connection.exec_driver_sql(cut, (LISTENER,)).scalars().all() == [True]
            told.clear()
            heard.clear()
        wait_until(told, 1)
        tell_until(another, lambda: heard)
    another.engine.dispose()


def test_a_fault_in_what_hears_does_not_end_it(address: str) -> None:
    heard: list[Topic] = []

    def hear(topics: Iterable[Topic]) -> None:
        heard.extend(topics)
        if len(heard) == 1:
            raise ValueError("a fault")

    another = Database(address)
    with listening(address, hear) as told:
        wait_until(told, 1)
        tell_until(another, lambda: len(heard) > 1)
    another.engine.dispose()
