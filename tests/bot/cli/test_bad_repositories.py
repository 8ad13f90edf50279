"""What git cannot answer is told in words, with exit code 2 and nothing on stdout."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.bot.cli.conftest import SHOP, Repo

READING = (
    ["graph"],
    ["lint"],
    ["affected", "--base", "main"],
    ["matrix", "--base", "main"],
    ["ci", "github-actions"],
    ["init"],
)


@pytest.mark.parametrize("arguments", READING)
def test_outside_of_a_repository(repo: Repo, tmp_path: Path, arguments: list[str]) -> None:
    answer = repo.headwater("-C", str(tmp_path), *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"error: {tmp_path} is not in a git repository: go to one, or name it with -C\n"


@pytest.mark.parametrize("command", ["affected", "matrix"])
def test_a_repository_without_commits(repo: Repo, command: str) -> None:
    answer = repo.headwater(command, "--base", "main")
    assert (answer.code, answer.out) == (2, "")
    assert "has no commits yet: commit something first" in answer.err


def test_unrelated_histories(shop: Repo) -> None:
    shop.git("checkout", "-q", "--orphan", "other")
    shop.commit({"readme": "other"})
    answer = shop.headwater("affected", "--base", "main")
    assert (answer.code, answer.out) == (2, "")
    assert "no common history" in answer.err
    assert shop.headwater("affected", "--base", "main", "--exact").code == 0


def test_a_shallow_clone_says_how_to_deepen_it(shop: Repo, tmp_path: Path) -> None:
    base = shop.git("rev-parse", "HEAD")
    shop.commit({"infra/db/main.tf": "# changed"})
    subprocess.run(["git", "clone", "-q", "--depth=1", shop.folder.as_uri(), str(tmp_path / "clone")], check=True)
    answer = shop.headwater("-C", str(tmp_path / "clone"), "affected", "--base", base)
    assert (answer.code, answer.out) == (2, "")
    assert "git fetch --unshallow" in answer.err


def test_a_bare_repository_is_read_at_its_commits(shop: Repo, tmp_path: Path) -> None:
    shop.commit({"infra/db/main.tf": "# changed"})
    bare = str(tmp_path / "bare.git")
    subprocess.run(["git", "clone", "-q", "--bare", str(shop.folder), bare], check=True)
    answer = shop.headwater("-C", bare, "affected", "--base", "HEAD~1", "--json")
    assert json.loads(answer.out)["workflows"][0]["environments"][0]["alias"] == "db"
    assert "billing" in shop.headwater("-C", bare, "graph").out
    assert shop.headwater("-C", bare, "lint").code == 0
    assert "bare repository" in shop.headwater("-C", bare, "graph", "--work-tree").err
    assert "bare repository" in shop.headwater("-C", bare, "init").err


def test_a_folder_below_the_root_is_as_good(shop: Repo) -> None:
    inside = str(shop.folder / "infra" / "db")
    assert "billing" in shop.headwater("-C", inside, "graph").out
    assert shop.headwater("-C", inside, "lint", "../../headwater.yml").code == 0


def test_git_variables_of_a_hook_do_not_lead_astray(
    shop: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert "billing" in shop.headwater("graph").out


def test_the_cache_may_be_deleted_or_broken_at_any_time(shop: Repo) -> None:
    shop.commit({"infra/db/main.tf": "# changed"})
    first = shop.headwater("affected", "--base", "HEAD~1", "--json").out
    cached = [path for path in (shop.folder / ".git/headwater/cache").rglob("*") if path.is_file()]
    assert cached
    for path in cached:
        path.write_bytes(b"broken")
    assert shop.headwater("affected", "--base", "HEAD~1", "--json").out == first


def test_a_file_that_is_no_text_is_told_with_its_place(shop: Repo) -> None:
    (shop.folder / "headwater.yml").write_bytes(b"\xff\xfe" + SHOP["headwater.yml"].encode())
    answer = shop.headwater("lint")
    assert answer.code == 2
    assert answer.out.startswith("headwater.yml:1:")
