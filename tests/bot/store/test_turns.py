"""Threads that write to SQLite take turns, and nobody waits for luck."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
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
    counts, together = [0] * 5, threading.Barrier(5)
    database.engine.dispose()  # it is made, by one

    def write(number: int) -> None:
        together.wait()
        while max(counts) < 100:
            with database.writing() as connection:
                work.request(connection, "publish", str(number), 1.0, 1.0)
            counts[number] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(counts) >= 0.8 * max(counts), counts


def test_an_error_of_the_disk_within_a_part_is_told_as_that(tmp_path: Path) -> None:
    """SQLite ends the whole transaction then, and the savepoint of the part with it."""
    database = Database.file(tmp_path / "headwater.db")
    with database.writing() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    with (
        pytest.raises(StoreError, match="the disk is full"),
        database.writing() as connection,
        database.writing() as part,
    ):
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        work.request(part, "publish", "x" * 10_000_000, 1.0, 1.0)


def test_a_writer_that_waits_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "_PATIENCE", 0.2)
    database = Database.file(tmp_path / "headwater.db")

    def write() -> None:
        with database.writing() as connection:
            work.request(connection, "publish", "1", 1.0, 1.0)

    with ThreadPoolExecutor(1) as other:
        with database.writing(), pytest.raises(StoreError, match="stayed locked"):
            other.submit(write).result()
        other.submit(write).result()


_WRITES = """
import sys, time
from pathlib import Path
from bot.store.turns import Turns
number, file, log = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
turns = Turns(30, file)
with log.open("a", buffering=1) as stream:
    stream.write("ready\\n")
    while log.read_text().count("ready") < 3:
        time.sleep(0.001)
    for _ in range(100):
        with turns.turn() as mine:
            assert mine
            stream.write(f"{number} in\\n")
            time.sleep(0.0005)
            stream.write(f"{number} out\\n")
"""
_HANGS = """
import sys, time
from pathlib import Path
from bot.store.turns import Turns
with Turns(30, Path(sys.argv[2])).turn():
    Path(sys.argv[3]).touch()
    time.sleep(60)
"""


def test_processes_take_turns(tmp_path: Path) -> None:
    """Each says that it begins and ends, as often as it can: never is another one between, and none waits for all."""
    log = tmp_path / "log"
    others = [_process(_WRITES, number, tmp_path / "turn", log) for number in range(3)]
    assert [one.wait(60) for one in others] == [0, 0, 0]
    lines = [line for line in log.read_text().splitlines() if line != "ready"]
    assert len(lines) == 600
    assert [begun.split()[0] for begun in lines[::2]] == [ended.split()[0] for ended in lines[1::2]]
    assert {line.split()[0] for line in lines[:100]} == {"0", "1", "2"}


def test_a_process_that_is_killed_keeps_no_turn(tmp_path: Path) -> None:
    file, has_it = tmp_path / "turn", tmp_path / "has it"
    other = _process(_HANGS, 0, file, has_it)
    while not has_it.exists():
        time.sleep(0.001)
    with Turns(0.05, file).turn() as mine:
        assert not mine
    other.kill()
    other.wait(5)
    with Turns(5, file).turn() as mine:
        assert mine


def test_without_the_file_sqlites_own_patience_has_to_do(tmp_path: Path) -> None:
    with Turns(1, tmp_path / "no such folder" / "turn").turn() as mine:
        assert mine


def _process(program: str, number: int, *files: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program, str(number), *map(str, files)])
