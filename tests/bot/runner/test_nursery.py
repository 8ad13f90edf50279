"""The nursery: runners are forked whole from orders, and go on without it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.executors.local import LocalExecutor
from bot.runner.nursery import write_order
from tests.waiting import until


@pytest.fixture
def nursery() -> subprocess.Popen[bytes]:
    """A nursery that takes orders."""
    return subprocess.Popen([sys.executable, "-P", "-m", "bot.runner", "nursery"], stdin=subprocess.PIPE)


def test_every_order_gets_a_runner_of_its_own(nursery: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert nursery.stdin is not None
    for name in ("one", "zwei \N{HERB}"):
        (tmp_path / name).mkdir()
        write_order(nursery.stdin, tmp_path / name, b"no spec")
    nursery.stdin.close()
    assert nursery.wait(10) == 0
    for name in ("one", "zwei \N{HERB}"):
        until((tmp_path / name / "runner").read_text)  # type: ignore[arg-type]
        assert "the spec is not whole JSON" in (tmp_path / name / "runner").read_text()


def test_an_order_that_was_cut_short_starts_nothing(nursery: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert nursery.stdin is not None
    place = os.fsencode(tmp_path)
    nursery.stdin.write(b"%d 1000\n" % len(place) + place + b"{")
    nursery.stdin.close()
    assert nursery.wait(10) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_nursery_that_was_killed_is_replaced(tmp_path: Path) -> None:
    executor = LocalExecutor(tmp_path)
    assert executor.start("a", {}) is None
    until(lambda: "the spec has no 'attempt'" in executor.said("a"))
    assert executor._nursery is not None
    os.kill(executor._nursery.pid, signal.SIGKILL)
    executor._nursery.wait()
    assert executor.start("b", {}) is None
    until(lambda: "the spec has no 'attempt'" in executor.said("b"))
    executor.close()


def test_what_cannot_be_started_is_told(tmp_path: Path) -> None:
    executor = LocalExecutor(tmp_path)
    (tmp_path / "a").mkdir()
    told = executor.start("a", {})
    assert told is not None
    assert "exists" in told


def test_a_runner_sees_neither_the_orders_nor_the_specs_of_others(
    nursery: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """Its standard input is empty, and its command line holds no spec."""
    assert nursery.stdin is not None
    (tmp_path / "one").mkdir()
    write_order(nursery.stdin, tmp_path / "one", json.dumps({"attempt": "canary"}).encode())
    nursery.stdin.close()
    assert nursery.wait(10) == 0
    until((tmp_path / "one" / "runner").read_text)  # type: ignore[arg-type]
    assert "canary" not in (tmp_path / "one" / "runner").read_text()
