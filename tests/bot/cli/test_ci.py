"""`headwater ci github-actions`, `schema` and `completion`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from bot.cli.ci import default_branch
from tests.bot.cli.conftest import SHOP_FILE, Repo


def test_a_whole_file_on_stdout_the_same_each_time(shop: Repo) -> None:
    first = shop.headwater("ci", "github-actions")
    assert first.code == 0
    assert first.out == shop.headwater("ci", "github-actions").out
    assert yaml.load(first.out, yaml.BaseLoader)["on"]["push"]["branches"] == ["main"]


def test_one_job_per_environment_on_demand(shop: Repo) -> None:
    level = yaml.load(shop.headwater("ci", "github-actions").out, yaml.BaseLoader)["jobs"]
    graph = yaml.load(shop.headwater("ci", "github-actions", "--graph").out, yaml.BaseLoader)["jobs"]
    assert len(graph) > len(level)
    assert any("billing" in job for job in graph)


def test_a_file_is_written_whole_with_its_folders(shop: Repo) -> None:
    name = ".github/workflows/headwater.yml"
    answer = shop.headwater("ci", "github-actions", "-o", name)
    assert (answer.code, answer.out) == (0, "")
    assert f"\nwrote {shop.folder / name}: commit it" in answer.err
    assert (shop.folder / name).read_text() == shop.headwater("ci", "github-actions").out
    assert [path.name for path in (shop.folder / name).parent.iterdir()] == ["headwater.yml"]


def test_the_branch_that_deploys(shop: Repo, tmp_path: Path) -> None:
    assert "release" in shop.headwater("ci", "github-actions", "--branch", "release").out
    assert default_branch(shop.folder / ".git") == "main"
    shop.git("checkout", "-q", "-b", "trunk")
    subprocess.run(["git", "clone", "-q", str(shop.folder), str(tmp_path / "clone")], check=True)
    subprocess.run(["git", "checkout", "-q", "-b", "feature"], cwd=tmp_path / "clone", check=True)
    assert default_branch(tmp_path / "clone" / ".git") == "trunk"
    assert default_branch(tmp_path) == "main"


def test_definitions_with_errors_render_nothing(shop: Repo) -> None:
    shop.commit({"headwater.yml": SHOP_FILE.replace("terraform", "terrafrom")})
    answer = shop.headwater("ci", "github-actions", "-o", "out.yml")
    assert answer.code == 2
    assert not (shop.folder / "out.yml").exists()


def test_a_ci_that_is_not_known(shop: Repo) -> None:
    answer = shop.headwater("ci", "gitlab")
    assert answer.code == 2
    assert "gitlab" in answer.err


def test_the_schema_accepts_the_shop(shop: Repo) -> None:
    schema = json.loads(shop.headwater("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(SHOP_FILE), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"environments": {"db": {"nedes": ["vpc"]}}}, schema)


@pytest.mark.parametrize(
    ("shell", "words"), [("bash", "complete -o"), ("zsh", "#compdef headwater"), ("fish", "complete ")]
)
def test_every_shell_has_its_completion(repo: Repo, shell: str, words: str) -> None:
    assert words in repo.headwater("completion", shell).out


def test_a_shell_that_is_not_known(repo: Repo) -> None:
    assert repo.headwater("completion", "tcsh").code == 2


def completed(words: str, monkeypatch: pytest.MonkeyPatch, repo: Repo, folder: Path | None = None) -> list[str]:
    """What bash is offered for the last of these words."""
    monkeypatch.chdir(folder or repo.folder)
    monkeypatch.setenv("_HEADWATER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    answer = repo.headwater()
    assert answer.err == ""
    return [line.removeprefix("plain,") for line in answer.out.split()]


def test_a_shell_completes_options_and_names_of_the_repository(shop: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed("headwater graph --workflow sh", monkeypatch, shop) == ["shop"]
    assert completed("headwater graph --form", monkeypatch, shop) == ["--format"]
    assert completed("headwater graph --format m", monkeypatch, shop) == ["mermaid"]


def test_completing_outside_of_a_repository_is_silent(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed("headwater graph --workflow sh", monkeypatch, repo, repo.folder.parent) == []
    assert completed("headwater graph --workflow sh", monkeypatch, repo) == []
