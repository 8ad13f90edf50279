"""Real git repositories and the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.cli.main import main

_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}

SHOP_FILE = """\
name: shop
environments:
  vpc:
    vcs: {type: terraform, path: infra/network}
  db:
    vcs: {type: terraform, path: infra/db}
    needs: [vpc]
    requiresApproval: true
  eks:
    vcs: {type: terraform, path: infra/eks}
    needs: [vpc]
  billing:
    vcs: {type: script, path: services/billing}
    needs: [db, eks]
  configuration:
    vcs: {type: terraform, path: services/configuration}
    needs: [db, eks]
  notification:
    vcs: {type: terraform, path: services/notification}
    needs: [db, eks]
    disabled: true
"""

SHOP: Mapping[str, str] = {
    "headwater.yml": SHOP_FILE,
    "infra/network/main.tf": 'output "id" { value = "vpc-1" }\n',
    "infra/db/main.tf": 'resource "terraform_data" "db" {}\n',
    "infra/eks/main.tf": 'resource "terraform_data" "eks" {}\n',
    "services/billing/plan": "#!/bin/sh\nexit 0\n",
    "services/billing/apply": "#!/bin/sh\nexit 0\n",
    "services/configuration/main.tf": "",
    "services/notification/main.tf": "",
}


@dataclass(frozen=True)
class Answer:
    """What a call of the command line gave back."""

    code: int
    out: str
    err: str


@dataclass
class Repo:
    """A git repository in a temporary folder, and the command line called there."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env={**os.environ, **_GIT}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, files: Mapping[str, str]) -> str:
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def headwater(self, *arguments: str) -> Answer:
        """Call the command line in this process."""
        self.capture.readouterr()
        code = main(["-C", str(self.folder), *arguments])
        captured = self.capture.readouterr()
        return Answer(code, captured.out, captured.err)


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "HEADWATER_DATABASE_URL", "HEADWATER_STATE", "HEADWATER_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def repo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Repo:
    """An empty repository: no commit yet."""
    folder = tmp_path / "repo"
    folder.mkdir()
    made = Repo(folder, capsys)
    made.git("init", "-q", "-b", "main")
    return made


@pytest.fixture
def shop(repo: Repo) -> Repo:
    """The seed's example, committed."""
    repo.commit(SHOP)
    return repo


def process(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call the command line as its own process, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "bot.cli.main", *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        encoding=variables.get("PYTHONIOENCODING", "utf-8"),
        check=False,
    )
