"""Replicas on one PostgreSQL know how many of them there are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from bot.others import Replicas
from bot.store.database import Database
from tests.bot.store.conftest import migrated_postgres, postgres  # noqa: F401  (fixtures)


@pytest.fixture
def address(postgres: Callable[[str], str], migrated_postgres: str) -> str:  # noqa: F811
    """A new database."""
    return postgres(migrated_postgres)


@contextmanager
def listening(address: str) -> Iterator[list[int]]:
    """A replica that listens, with what it was told of their number."""
    told: list[int] = []
    database, stopped = Database(address), threading.Event()
    replicas = Replicas(database, told.append, count_seconds=0.1)
    thread = threading.Thread(target=replicas.listen, args=(lambda _: None, stopped))
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
