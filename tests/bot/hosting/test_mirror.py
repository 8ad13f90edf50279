"""A mirror that nobody uses is removed, unless it holds what is nowhere else; how it fetches is told to nobody."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

import pytest

from bot.errors import HeadwaterError
from bot.hosting.mirror import HostedMirror
from tests.bot.store.simulation import make_repository


@pytest.fixture
def mirror(tmp_path: Path) -> HostedMirror:
    """A mirror with one commit on `main`, last used at 100."""
    repository, commit = make_repository(tmp_path / "theirs")
    made = HostedMirror(tmp_path / "state" / "mirror.git", "https://github.com/acme/shop.git", lambda *_: None)
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


def test_a_commit_of_another_repository_is_fetched_from_there(mirror: HostedMirror) -> None:
    with pytest.raises(HeadwaterError, match=r"acme/library\.git could not be fetched"):
        mirror.keep("f" * 40, "https://127.0.0.1:9/acme/library.git")


def test_a_token_is_in_no_argument_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may list the processes of a machine reads their arguments."""
    told, tools = tmp_path / "told", tmp_path / "bin"
    tools.mkdir()
    git = shutil.which("git")
    (tools / "git").write_text(
        f'#!/bin/sh\necho "$@" >> {told}\nenv | grep -c GIT_CONFIG_VALUE >> {told}.env\nexec {git} "$@"\n'
    )
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    made = HostedMirror(tmp_path / "mirror.git", "http://127.0.0.1:9/acme/shop.git", lambda *_: "ghs_secret")
    made.make()
    with pytest.raises(HeadwaterError):
        made.update({"refs/heads/main": "refs/heads/main"})
    secret = base64.b64encode(b"x-access-token:ghs_secret").decode()
    assert "fetch" in told.read_text()
    assert "ghs_secret" not in told.read_text()
    assert secret not in told.read_text()
    assert "1" in (tmp_path / "told.env").read_text()
