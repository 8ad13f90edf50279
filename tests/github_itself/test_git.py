"""Git over HTTP, with git itself."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest

from tests.github import GitHub
from tests.github.world.git_store import clean_environment
from tests.github.world.repository import Repository
from tests.github_itself.clients import Receiver, as_person, integration


@pytest.fixture
def shop(github: GitHub) -> Repository:
    github.world.organization("acme", ["owner"])
    return github.repository("acme/shop", {"README.md": "# Shop\n"}, write=["ada"])


def git(
    folder: Path, *arguments: str, token: str | None = None, user: str = "x-access-token"
) -> subprocess.CompletedProcess[str]:
    identity = {f"GIT_{role}_{part}": "ada" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    flags = []
    if token:
        basic = base64.b64encode(f"{user}:{token}".encode()).decode()
        flags = ["-c", f"http.extraHeader=Authorization: Basic {basic}"]
    environment = clean_environment(GIT_TERMINAL_PROMPT="0", **identity)
    command = ["git", *flags, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_clone_push_and_a_pull_request(github: GitHub, shop: Repository, receiver: Receiver, tmp_path: Path) -> None:
    github.app("acme", receiver.url)
    token = github.world.personal_token("ada")
    url, work = f"{github.url}/acme/shop.git", tmp_path / "shop"
    done = git(tmp_path, "clone", "-q", url, token=token)
    assert done.returncode == 0, done.stderr
    (work / "big.bin").write_bytes(os.urandom(3_000_000))  # over git's http.postBuffer: sent in chunks
    git(work, "checkout", "-q", "-b", "feature")
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "Big")
    done = git(work, "push", "-q", "origin", "feature", token=token)
    assert done.returncode == 0, done.stderr
    pull = as_person(github, "ada").get_repo("acme/shop").create_pull("main", "feature", title="Big")
    git(work, "commit", "-q", "--amend", "-m", "Bigger")
    assert git(work, "push", "-q", "-f", "origin", "feature", token=token).returncode == 0
    github.settle()
    assert receiver.titles()[-1] == "pull_request synchronize"
    assert receiver.got[-1].payload["sender"]["login"] == "ada"
    fetched = git(
        work, "fetch", "-q", "origin", f"refs/pull/{pull.number}/head", f"refs/pull/{pull.number}/merge", token=token
    )
    assert fetched.returncode == 0, fetched.stderr
    head = as_person(github, "ada").get_repo("acme/shop").get_pull(pull.number).head.sha
    assert git(work, "rev-parse", "FETCH_HEAD").stdout.strip() == head


def test_who_may_clone_and_push(github: GitHub, shop: Repository, tmp_path: Path) -> None:
    app = github.app("acme")
    found = next(iter(github.world.installations))
    bot = integration(github, app).get_access_token(found).token
    url = f"{github.url}/acme/shop.git"
    assert git(tmp_path, "clone", "-q", "--bare", url, "bot", token=bot).returncode == 0
    denied = git(tmp_path / "bot", "push", url, "main:other", token=bot)
    assert "denied to headwater[bot]" in denied.stderr or "403" in denied.stderr
    assert git(tmp_path, "clone", "-q", url, "nobody").returncode != 0
    assert git(tmp_path, "clone", "-q", url, "eve", token=github.world.personal_token("eve")).returncode != 0
    shop.private = False
    assert git(tmp_path, "clone", "-q", "--bare", url, "nobody").returncode == 0
    assert "fatal" in git(tmp_path / "nobody", "push", url, "main:other").stderr
    assert list(shop.git.refs()) == ["refs/heads/main"]


def test_shallow_blobless_and_any_commit(github: GitHub, shop: Repository, tmp_path: Path) -> None:
    old = shop.git.branch("main")
    github.commit(shop, {"x": "y"})
    token, url = github.world.personal_token("ada"), f"{github.url}/acme/shop.git"
    assert git(tmp_path, "clone", "-q", "--bare", "--depth=1", url, "shallow", token=token).returncode == 0
    assert git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", url, "blobless", token=token).returncode == 0
    git(tmp_path, "init", "-q", "one")
    assert git(tmp_path / "one", "fetch", "-q", url, str(old), token=token).returncode == 0
    gone = git(tmp_path / "one", "fetch", "-q", url, "1" * 40, token=token)
    assert f"not our ref {'1' * 40}" in gone.stderr
    assert git(tmp_path, "ls-remote", url, token=token).stdout.split()[1] == "HEAD"


def test_pull_request_refs_are_not_pushed_to(github: GitHub, shop: Repository, tmp_path: Path) -> None:
    token, url = github.world.personal_token("ada"), f"{github.url}/acme/shop.git"
    git(tmp_path, "clone", "-q", "--bare", url, "shop", token=token)
    assert git(tmp_path / "shop", "push", url, "main:refs/pull/1/head", token=token).returncode != 0
