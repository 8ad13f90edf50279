"""A mirror that nobody uses is removed, unless it holds what is nowhere else; how it fetches is told to nobody."""

from __future__ import annotations

import base64
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.errors import HeadwaterError
from bot.hosting.mirror import COMMITS, HostedMirror
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


def commit(mirror: HostedMirror, text: str) -> str:
    """A commit of its own, kept, that no branch has."""
    blob = mirror.folder / f"blob-{text}"
    blob.write_bytes(text.encode() + os.urandom(100_000))
    made = mirror._git("hash-object", "-w", str(blob))
    blob.unlink()
    index = {"GIT_INDEX_FILE": str(mirror.folder / f"index-{made}")}
    mirror._git("update-index", "--add", "--cacheinfo", f"100644,{made},file", environment=index)
    tree = mirror._git("write-tree", environment=index)
    person = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@x",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@x",
    }
    found = mirror._git("commit-tree", tree, "-m", text, environment=person)
    mirror.keep(found)
    return found


def aged(mirror: HostedMirror) -> int:
    """As if all of it had come a month ago; how many bytes it has."""
    files = [one for one in (mirror.folder / "objects").rglob("*") if one.is_file()]
    for one in files:
        os.utime(one, (100, 100))
    return sum(one.stat().st_size for one in files)


def test_what_nothing_needs_any_more_goes_and_the_rest_stays(mirror: HostedMirror) -> None:
    old, new = commit(mirror, "old"), commit(mirror, "new")
    mirror._git("update-ref", "refs/headwater/pulls/7", old)
    size, needed = aged(mirror), {f"{COMMITS}{new}"}
    far = time.time() + 100
    assert mirror.tidy(needed, far) == 0  # once is not enough: somebody may be about to need it
    assert mirror.has(old)
    assert mirror.tidy(needed, 50.0) == 0  # that was lately
    aged(mirror)
    assert mirror.tidy(needed, far) == 2
    assert not mirror.has(old)
    assert mirror.has(new)
    assert aged(mirror) < size - 90_000
    mirror.keep(new)
    assert mirror.head_of("refs/heads/main") is not None
    assert mirror.head_of("refs/headwater/pulls/7") is None


def test_what_is_needed_again_meanwhile_and_what_came_lately_stays(mirror: HostedMirror) -> None:
    one, other = commit(mirror, "one"), commit(mirror, "other")
    aged(mirror)
    far = time.time() + 100
    mirror.tidy((), far)
    aged(mirror)
    late = commit(mirror, "late")
    assert mirror.tidy({f"{COMMITS}{one}"}, far) == 1
    assert [mirror.has(each) for each in (one, other, late)] == [True, False, True]
    mirror._git("update-ref", "-d", f"{COMMITS}{late}")
    assert mirror.tidy({f"{COMMITS}{one}"}, far) == 0
    assert mirror.has(late)
    mirror.keep(late)  # it is here, so it is kept anew


def test_fetches_go_on_beside_it(mirror: HostedMirror) -> None:
    """Commits come and are checked while it tidies, again and again: none is lost, and git finds nothing broken."""
    with ThreadPoolExecutor() as pool:
        kept = pool.map(lambda number: commit(mirror, str(number)), range(6))
        tidied = pool.map(lambda _: mirror.tidy((), time.time() + 100), range(4))
        assert sum(tidied) <= 6
        assert all(mirror.has(one) for one in kept)
    assert mirror._run("fsck", "--connectivity-only").ok
