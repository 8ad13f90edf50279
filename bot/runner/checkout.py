"""The exact commit in a cheap worktree of the bare mirror, and its removal.

The commit is hostile: no hook of anybody runs, no configuration of this machine applies (so no filter, and files of
Git LFS stay pointers), no protocol is spoken, and submodules are not fetched.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from bot.runner.environment import git_environment
from bot.runner.failure import RunnerError
from bot.runner.supervise import Supervisor

_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.symlinks=true")


def check_out(supervisor: Supervisor, mirror: Path, commit: str, folder: Path) -> Path:
    """Make `folder/work` the tree of that commit, a worktree of the mirror as git lays one out; returns its path.

    `git worktree add` reads the other worktrees while they come and go, and fails then (tried). Ours appear and vanish
    whole, by a rename, so that any number of runners can check out at once without a lock.
    """
    work = folder / "work"
    work.mkdir()
    (folder / "mirror").write_text(str(mirror))  # for `clean`, should this runner die
    entry, draft = _places(mirror, folder)
    draft.mkdir(parents=True)
    (draft / "commondir").write_text("../..\n")
    (draft / "gitdir").write_text(f"{work}/.git\n")
    (draft / "HEAD").write_text(f"{commit}\n")
    entry.parent.mkdir(exist_ok=True)
    draft.rename(entry)
    (work / ".git").write_text(f"gitdir: {entry}\n")
    argv = ["git", *_SAFE, "read-tree", "--reset", "-u", commit]
    if supervisor.call(argv, cwd=work, env=git_environment(os.environ)) != 0:
        raise RunnerError(
            f"The commit {commit[:12]} could not be checked out from {mirror}; git's words are in the log."
        )
    return work


def _places(mirror: Path, folder: Path) -> tuple[Path, Path]:
    """Where git keeps what it knows of this worktree, and where that lies while it is not whole."""
    return mirror / "worktrees" / folder.name, mirror / "headwater" / "worktrees" / folder.name


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
    work, mirror = folder / "work", folder / "mirror"
    remove(folder / "scratch")
    remove(work)
    if not mirror.exists():
        return
    if where := mirror.read_text():  # empty where the disk was full: nothing was laid out yet
        entry, draft = _places(Path(where), folder)
        remove(draft)
        with suppress(FileNotFoundError):
            entry.rename(draft)
        remove(draft)
    mirror.unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, also where a tool took away the permission to write."""
    from shutil import rmtree  # noqa: PLC0415  (costs more than the rest of the runner's imports)

    if folder.is_symlink():  # a tool put it there
        folder.unlink(missing_ok=True)
        return
    rmtree(folder, ignore_errors=True)
    if folder.is_dir():
        folder.chmod(0o700)
        for inner, folders, _ in os.walk(folder):
            for path in (Path(inner, name) for name in folders):
                if not path.is_symlink():  # what a link points to is not ours
                    path.chmod(0o700)
        rmtree(folder, ignore_errors=True)
