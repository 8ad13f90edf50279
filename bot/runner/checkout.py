"""The exact commit in a cheap worktree of the bare mirror, and its removal.

The commit is hostile: no hook of anybody runs, no configuration of this machine applies (so no filter, and files of
Git LFS stay pointers), no protocol is spoken, and submodules are not fetched.
"""

from __future__ import annotations

import os
from pathlib import Path

from bot.runner.environment import git_environment
from bot.runner.failure import RunnerError
from bot.runner.process import run
from bot.runner.supervise import Supervisor

_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.symlinks=true")


def check_out(supervisor: Supervisor, mirror: Path, commit: str, folder: Path) -> Path:
    """Make `folder/work` the tree of that commit; returns its path."""
    work = folder / "work"
    (folder / "mirror").write_text(str(mirror))  # for `clean`, should this runner die
    argv = ["git", f"--git-dir={mirror}", *_SAFE, "worktree", "add", "--quiet", "--detach", str(work), commit]
    if supervisor.call(argv, cwd=folder, env=git_environment(os.environ)) != 0:
        raise RunnerError(
            f"The commit {commit[:12]} could not be checked out from {mirror}; git's words are in the log."
        )
    return work


def environment_folder(work: Path, path: str) -> Path:
    """The folder of an environment within the worktree; refuses one that does not exist or leads out of it."""
    root, folder = work.resolve(), (work / path).resolve()
    if not folder.is_relative_to(root):
        raise RunnerError(f"The path {path!r} leads out of the repository. Correct `path` in the workflow file.")
    if not folder.is_dir():
        raise RunnerError(f"There is no folder {path!r} at this commit. Correct `path` in the workflow file.")
    if folder != root and (work / ".gitmodules").is_file() and not any(folder.iterdir()):
        raise RunnerError(f"{path!r} is empty: submodules are not fetched. Bring its files into the repository itself.")
    return folder


def clean(folder: Path) -> None:
    """Remove the worktree and the scratch files of an attempt; for a dead runner's as well, any number of times."""
    from shutil import rmtree  # noqa: PLC0415  (costs more than the rest of the runner's imports)

    work, mirror = folder / "work", folder / "mirror"
    rmtree(folder / "scratch", ignore_errors=True)
    if not mirror.exists():
        return
    git = ["git", f"--git-dir={mirror.read_text()}", *_SAFE, "worktree"]
    environment = git_environment(os.environ)
    if not run([*git, "remove", "--force", str(work)], cwd=folder, env=environment).ok:
        rmtree(work, ignore_errors=True)
        run([*git, "prune"], cwd=folder, env=environment)
    mirror.unlink(missing_ok=True)
