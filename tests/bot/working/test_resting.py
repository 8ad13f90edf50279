"""Work about a subject rests for as long as it took: what is asked for meanwhile is done at once, and others come first."""

from __future__ import annotations

import threading
import time

import pytest

from bot.server import Server
from bot.store import work
from bot.work import Workers
from bot.working.kinds import KINDS


def request(server: Server, key: str) -> None:
    with server.database.writing() as connection:
        now = time.time()
        work.request(connection, "runs", key, now, now)


def test_what_was_just_worked_on_rests_for_as_long_as_it_took(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, float, float]] = []

    def slow(_server: Server, key: str) -> None:
        began = time.monotonic()
        if not done:
            time.sleep(0.15)
            request(server, "again")  # asked for while it is worked on
            request(server, "other")
        done.append((key, began, time.monotonic()))

    monkeypatch.setitem(KINDS, "runs", slow)  # type: ignore[arg-type]
    workers = Workers(server)
    thread = threading.Thread(target=workers._work)
    request(server, "again")
    try:
        thread.start()
        while len(done) < 3:
            workers._hand_out()
            time.sleep(0.005)
    finally:
        workers.stop(5)
        thread.join(5)
    assert [key for key, _, _ in done] == ["again", "other", "again"]
    assert done[2][1] - done[0][2] >= 0.15
