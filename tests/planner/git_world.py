"""A real git repository in a temporary folder, written commit by commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from planner.changes import AffectedEnvironment, AffectedWorkflow
from planner.question import affected_between

MODULE = 'variable "x" {\n  type = string\n}\n'


class GitWorld:
    """A repository to change, and the questions to ask of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        for name, value in {
            "user.name": "t",
            "user.email": "t@localhost",
            "gc.auto": "0",
            "commit.gpgsign": "false",
            "core.hooksPath": "/dev/null",
        }.items():
            self.git("config", name, value)

    def git(self, *arguments: str, check: bool = True) -> str:
        """Run git, give what it says."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=clean, check=check, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, **files: str) -> None:
        """Write files; `__` in a name stands for `/`, and `_tf` at its end for `.tf`."""
        self.put({name.replace("__", "/").replace("_tf", ".tf"): text for name, text in files.items()})

    def put(self, files: dict[str, str | bytes | None]) -> None:
        """Write files by path; None deletes."""
        for path, content in files.items():
            place = self.folder / path
            if content is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def commit(self, message: str = "change", files: dict[str, str | bytes | None] | None = None) -> str:
        """Commit all that there is; gives the id."""
        self.put(files or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def affected(self, base: str, head: str = "HEAD", *, exact: bool = False) -> dict[str, AffectedEnvironment]:
        """The affected environments by alias."""
        answer = affected_between(self.folder, base, head, exact=exact)
        return {one.alias: one for workflow in answer.workflows for one in workflow.environments}

    def workflows(self, base: str, head: str = "HEAD") -> tuple[AffectedWorkflow, ...]:
        """The affected workflows."""
        return affected_between(self.folder, base, head).workflows

    def reasons(self, base: str, head: str = "HEAD", *, exact: bool = False) -> dict[str, list[str]]:
        """The reasons of the affected environments, as `code detail`, by alias."""
        found = self.affected(base, head, exact=exact)
        return {alias: [f"{one.code.value} {one.detail}" for one in env.reasons] for alias, env in found.items()}


def workflow(**needs: list[str]) -> str:
    """A workflow file whose environments lie in `envs/ALIAS`."""
    lines = ["environments:"]
    for alias, upstreams in needs.items():
        lines.append(f"  {alias}:")
        lines.append(f"    vcs: {{type: terraform, path: envs/{alias}}}")
        lines.append(f"    needs: [{', '.join(upstreams)}]")
    return "\n".join(lines) + "\n"


def shop(folder: Path) -> GitWorld:
    """vpc <- db <- app, and app2 needs vpc; app reads a module, that reads another."""
    world = GitWorld(folder)
    world.put(
        {
            "headwater.yml": workflow(vpc=[], db=["vpc"], app=["db"], app2=["vpc"]),
            "envs/vpc/main.tf": "# vpc\n",
            "envs/db/main.tf": "# db\n",
            "envs/app/main.tf": 'module "m" {\n  source = "../../modules/web"\n}\n',
            "envs/app2/main.tf": "# app2\n",
            "modules/web/main.tf": 'module "n" {\n  source = "../inner"\n}\n',
            "modules/inner/main.tf": MODULE,
            "README.md": "hello\n",
        }
    )
    world.commit("first")
    return world
