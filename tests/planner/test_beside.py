"""Work on a second core gives what it would give here, also where the child fails."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from planner.index import index_at
from planner.indexing import beside as module
from planner.indexing.beside import beside
from planner.indexing.cache import Cache
from planner.repository import Repository
from tests.bench.generate import Layout, generate


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_second_core", lambda: True)


@pytest.mark.usefixtures("two_cores")
def test_a_child_computes_while_we_go_on() -> None:
    here = os.getpid()
    later = beside(lambda: [os.getpid(), "x" * 1_000_000])
    child, text = later()
    assert (child != here, len(text)) == (True, 1_000_000)


@pytest.mark.usefixtures("two_cores")
def test_where_the_child_fails_the_work_is_done_here() -> None:
    here = os.getpid()

    def work() -> int:
        if os.getpid() != here:
            raise ValueError("only in the child")
        return 7

    assert beside(work)() == 7
    assert isinstance(beside(lambda: object() if os.getpid() != here else 8)(), int)  # no plain value


def test_beside_other_threads_nothing_is_forked() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert beside(os.getpid)() == os.getpid()
    finally:
        done.set()
        other.join()


@pytest.mark.parametrize("layout", Layout)
def test_a_large_repository_is_read_alike_on_one_core_and_two(
    tmp_path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(tmp_path, 600, layout)
    found = []
    for cores in (True, False):
        monkeypatch.setattr(module, "has_second_core", lambda cores=cores: cores)
        monkeypatch.setattr("planner.indexing.building.has_second_core", lambda cores=cores: cores)
        with Repository(tmp_path) as repository:
            found.append(index_at(repository, repository.described("HEAD"), Cache(None)))
    two, one = found
    assert two.snapshot.key == one.snapshot.key
    assert list(two.snapshot.records) == list(one.snapshot.records)
    assert two.snapshot.inputs == one.snapshot.inputs
    assert len(one.snapshot.records) == 600
    assert any(folder.startswith("modules/") for folder in one.snapshot.inputs.elsewhere)
