"""A mirror that nobody uses is removed, unless it holds what is nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.hosting.mirror import HostedMirror
from tests.bot.store.simulation import make_repository


@pytest.fixture
def mirror(tmp_path: Path) -> HostedMirror:
    """A mirror with one commit on `main`, last used at 100."""
    repository, commit = make_repository(tmp_path / "theirs")
    made = HostedMirror(tmp_path / "state" / "mirror.git", "https://github.com/acme/shop.git", lambda _: None)
    made.make()
    made._git("fetch", "--quiet", str(repository.git_dir), f"{commit}:refs/heads/main")
    os.utime(tmp_path / "state" / "mirror.lock", (100, 100))
    return made


def test_it_stays_while_it_is_used(mirror: HostedMirror) -> None:
    assert mirror.used_at == 100
    assert not mirror.remove("main", [], 100)
    mirror.make()
    assert mirror.used_at > 1_000_000_000
    assert not mirror.remove("main", [], 101)
    assert mirror.folder.is_dir()


def test_what_was_deployed_and_is_in_no_branch_keeps_it(mirror: HostedMirror) -> None:
    head = mirror.head_of("refs/heads/main")
    assert head is not None
    assert not mirror.remove("main", [head, "f" * 40], 101)
    assert not mirror.remove("other", [head], 101)
    assert mirror.remove("main", [head], 101)
    assert not mirror.folder.exists()
    mirror.make()
    assert mirror.head_of("refs/heads/main") is None
