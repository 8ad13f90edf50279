"""One bare git repository on disk, and what GitHub does in it: commits by the web page, merges, comparisons."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ZERO = "0" * 40
Files = Mapping[str, "str | bytes | tuple[str, str | bytes] | None"]


_OBJECT = re.compile(r"[0-9a-f]{40}")
_OBJECTS = re.compile(r"\^?[0-9a-f]{40}(?:\.\.[0-9a-f]{40})?")


class Conflict(Exception):  # noqa: N818 an answer of git, not a failure
    """A merge that GitHub cannot make by itself."""


@dataclass(frozen=True)
class Author:
    """Whose name a commit bears."""

    name: str
    email: str


@dataclass(frozen=True)
class CommitText:
    """What `git log` tells of a commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Author
    date: str
    committer: Author
    message: str


@dataclass(frozen=True)
class Change:
    """One file of a comparison: its letter (A, M, D), path, and lines added and deleted."""

    letter: str
    path: str
    added: int
    deleted: int
    blob: str


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without git's own variables, and without the user's git configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **more}


class GitStore:
    """Commands in one bare repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: dict[tuple[str, ...], str] = {}

    @classmethod
    def create(cls, folder: Path, branch: str, source: Path | None = None) -> GitStore:
        """Make an empty repository, or a fork of `source`."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = cls(folder)
        command = ["clone", "-q", "--bare", str(source)] if source else ["init", "-q", "--bare", "-b", branch]
        subprocess.run(["git", *command, str(folder)], check=True, env=clean_environment(), capture_output=True)
        with (folder / "config").open("a") as config:
            config.write(
                "[http]\n\treceivepack = true\n[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true\n"
            )
            config.write("[receive]\n\thideRefs = refs/pull\n[gc]\n\tauto = 0\n[core]\n\thooksPath = /dev/null\n")
        return made

    def run(self, *arguments: str, given: bytes | None = None, **environment: str) -> str:
        """Run git here; gives what it says. Raises CalledProcessError when it fails."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            input=given,
            env=clean_environment(**environment),
            check=True,
            capture_output=True,
        )
        return done.stdout.decode(errors="replace").strip("\n")

    def _lasting(self, *arguments: str, about: tuple[str, ...]) -> str:
        """As `run`; kept, if it is about objects by their ids alone, of which git never says anything else."""
        if not all(_OBJECTS.fullmatch(one) for one in about):
            return self.run(*arguments)
        if arguments not in self._kept:
            self._kept[arguments] = self.run(*arguments)
        return self._kept[arguments]

    def resolve(self, name: str) -> str | None:
        """The commit that a branch, tag, ref or id means, or None."""
        if _OBJECT.fullmatch(name) and self._kept.get(("resolve", name)):
            return name
        found = self._resolve(name)
        if found == name:
            self._kept["resolve", name] = name
        return found

    def _resolve(self, name: str) -> str | None:
        for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", name):
            try:
                return self.run("rev-parse", "-q", "--verify", "--end-of-options", f"{candidate}^{{commit}}")
            except subprocess.CalledProcessError:
                continue
        return None

    def branch(self, name: str) -> str | None:
        """The commit of a branch, or None."""
        return self.refs().get(f"refs/heads/{name}")

    def refs(self) -> dict[str, str]:
        """All branches and tags."""
        lines = self.run("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags").splitlines()
        return dict(line.rsplit(" ", 1) for line in lines)

    def set(self, ref: str, sha: str | None) -> None:
        """Point a ref at a commit, or delete it."""
        self.run("update-ref", *(["-d", ref] if sha is None else [ref, sha]))

    def commit(self, tree: str, parents: tuple[str, ...], message: str, author: Author) -> str:
        """Write a commit object."""
        flags = [flag for parent in parents for flag in ("-p", parent)]
        return self.run("commit-tree", tree, *flags, given=message.encode(), **_identity(author))

    def tree_with(self, parent: str | None, files: Files) -> str:
        """Write the tree of `parent` with these files in it; None deletes, (mode, text) sets a mode."""
        lines = []
        for path, content in files.items():
            if content is None:
                lines.append(f"0 {ZERO}\t{path}\0")
                continue
            mode, text = content if isinstance(content, tuple) else ("100644", content)
            data = text.encode() if isinstance(text, str) else text
            blob = data.decode() if mode == "160000" else self.run("hash-object", "-w", "--stdin", given=data)
            lines.append(f"{mode} {blob}\t{path}\0")
        with tempfile.TemporaryDirectory() as folder:
            index = str(Path(folder) / "index")
            if parent:
                self.run("read-tree", parent, GIT_INDEX_FILE=index)
            self.run("update-index", "-z", "--index-info", given="".join(lines).encode(), GIT_INDEX_FILE=index)
            return self.run("write-tree", GIT_INDEX_FILE=index)

    def merge_base(self, one: str, other: str) -> str | None:
        """The merge base, or None for unrelated histories."""
        try:
            return self._lasting("merge-base", one, other, about=(one, other)).split("\n", maxsplit=1)[0]
        except subprocess.CalledProcessError:
            return None

    def contains(self, whole: str, part: str) -> bool:
        """Whether `part` is an ancestor of `whole`."""
        return self.merge_base(whole, part) == part

    def merged_tree(self, base: str, head: str) -> str:
        """The tree of a merge. Raises Conflict."""
        try:
            return self.run("merge-tree", "--write-tree", base, head).split("\n", maxsplit=1)[0]
        except subprocess.CalledProcessError as failed:
            raise Conflict from failed

    def rebased(self, base: str, head: str, committer: Author) -> str:
        """Replay head's commits upon base; gives the last one. Raises Conflict."""
        with tempfile.TemporaryDirectory() as folder:
            place = str(Path(folder) / "tree")
            self.run("worktree", "add", "-q", "--detach", place, base)
            try:
                commits = self.run("rev-list", "--reverse", "--no-merges", f"{base}..{head}").split()
                identity = {name: value for name, value in _identity(committer).items() if "COMMITTER" in name}
                if commits:
                    self.run("-C", place, "cherry-pick", "--allow-empty", *commits, **identity)
                return self.run("-C", place, "rev-parse", "HEAD")
            except subprocess.CalledProcessError as failed:
                raise Conflict from failed
            finally:
                self.run("worktree", "remove", "--force", place)

    def log(self, *range_: str, most: int = 250) -> list[CommitText]:
        """Commits, newest first."""
        form = "%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%B%x1e"
        text = self._lasting("log", f"-{most}", f"--format={form}", *range_, "--", about=range_)
        return [_commit(part.lstrip("\n")) for part in text.split("\x1e") if part.strip()]

    def changes(self, base: str, head: str) -> list[Change]:
        """The files that differ between two commits."""
        flags, about = ("-r", "-z", "--no-renames"), (base, head)
        raw = self._lasting("diff-tree", *flags, "--raw", *about, about=about).split("\0")[:-1]
        counted = {}
        for line in self._lasting("diff-tree", *flags, "--numstat", *about, about=about).split("\0")[:-1]:
            added, deleted, path = line.split("\t", 2)
            counted[path] = (int(added) if added != "-" else 0, int(deleted) if deleted != "-" else 0)
        pairs = zip(raw[::2], raw[1::2], strict=True)
        return [Change(head.split()[4][0], path, *counted.get(path, (0, 0)), head.split()[3]) for head, path in pairs]

    def read(self, commit: str, path: str) -> bytes | None:
        """A file at a commit, or None."""
        done = subprocess.run(
            ["git", "cat-file", "blob", f"{commit}:{path}"],
            cwd=self.folder, env=clean_environment(), check=False, capture_output=True,
        )  # fmt: skip
        return done.stdout if done.returncode == 0 else None

    def listing(self, commit: str, folder: str) -> list[tuple[str, str, str, str]]:
        """The entries of a folder: mode, type, id, path."""
        where = [folder.strip("/") + "/"] if folder.strip("/") else []
        text = self.run("ls-tree", "-z", commit, "--", *where)
        return [(*head.split(), path) for head, path in (one.split("\t", 1) for one in text.split("\0") if one)]


def _identity(author: Author) -> dict[str, str]:
    return {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", author.name), ("EMAIL", author.email))
    }


def _commit(text: str) -> CommitText:
    sha, tree, parents, name, email, date, committer, committer_email, message = text.split("\x1f")
    who = Author(committer, committer_email)
    return CommitText(sha, tree, tuple(parents.split()), Author(name, email), date, who, message.rstrip("\n"))
