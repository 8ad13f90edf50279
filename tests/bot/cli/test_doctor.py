"""`headwater doctor`: what is missing, and what to do about it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.cli.checking import Verdict, check_state_folder
from bot.cli.doctor import check_git
from tests.bot.cli.conftest import Repo


def checks(repo: Repo, *arguments: str) -> dict[str, tuple[str, str, str]]:
    """Each check's verdict, finding and mend."""
    found = json.loads(repo.headwater("--json", *arguments, "doctor").out)["checks"]
    return {one["check"]: (one["verdict"], one["found"], one["mend"]) for one in found}


def test_a_good_repository(shop: Repo) -> None:
    found = checks(shop)
    assert found["git"][0] == "ok"
    assert found["repository"] == ("ok", str(shop.folder), "")
    assert found["definitions"] == ("ok", "1 workflow, 6 environments", "")
    assert found["state folder"][0] == "ok"


def test_outside_of_a_repository(repo: Repo, tmp_path: Path) -> None:
    answer = repo.headwater("-C", str(tmp_path), "doctor")
    assert answer.code == 1
    assert "is not in a git repository" in answer.out


def test_an_empty_repository(repo: Repo) -> None:
    found = checks(repo)
    assert found["repository"][0] == "warning"
    assert found["definitions"] == ("warning", "no workflow file", "'headwater init' writes a first one")


def test_a_definition_with_errors(shop: Repo) -> None:
    shop.write({"headwater.yml": "environments: {db: {needs: [nobody]}}\n"})
    assert shop.headwater("doctor").code == 1
    assert checks(shop)["definitions"][0] == "bad"
    assert checks(shop)["definitions"][2] == "'headwater lint' tells them"


def test_a_shallow_clone(shop: Repo, tmp_path: Path) -> None:
    shop.commit({"more": ""})
    subprocess.run(["git", "clone", "-q", "--depth=1", shop.folder.as_uri(), str(tmp_path / "clone")], check=True)
    found = checks(shop, "-C", str(tmp_path / "clone"))
    assert found["repository"][0] == "warning"
    assert "git fetch --unshallow" in found["repository"][2]


def test_quiet_tells_only_what_is_wrong(shop: Repo) -> None:
    assert "✓" not in shop.headwater("doctor", "--quiet").out


def test_an_old_git_and_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.11.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (check_git().verdict, check_git().found) == (Verdict.BAD, "2.11.0")
    old.unlink()
    assert check_git().verdict is Verdict.BAD
    assert "install git" in check_git().mend


TOOLS = """\
environments:
  a: {vcs: {type: terraform, path: a, terraformVersion: "1.5.7"}}
  b: {vcs: {type: terraform, path: b, terraformVersion: "9.0.0"}}
  c: {vcs: {type: helm, path: c}}
  d: {vcs: {type: opentofu, path: d}}
"""


def test_tools_are_looked_for_in_the_versions_asked_for(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write({"headwater.yml": TOOLS, **{f"{name}/main.tf": "" for name in "abcd"}})
    binary = tmp_path / "terraform"
    binary.write_text('#!/bin/sh\necho \'{"terraform_version": "1.5.7"}\'\n')
    binary.chmod(0o755)
    git = shutil.which("git")
    assert git is not None
    (tmp_path / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    found = checks(repo)
    assert found["terraform 1.5.7"] == ("ok", f"1.5.7, {binary} (1 environment)", "")
    assert found["terraform 9.0.0"][0] == "bad"
    assert "9.0.0 is asked for; found here:" in found["terraform 9.0.0"][1]
    assert found["helm"][:2] == ("warning", "1 environment cannot be deployed yet")
    assert found["opentofu"][0] == "bad"


def test_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = check_state_folder(tmp_path / "file" / "headwater")
    assert (found.verdict, "cannot be written" in found.found) == (Verdict.BAD, True)
