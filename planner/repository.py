"""All of the planner's git: revisions, differences and files, read from objects without a checkout.

Every process is argv without a shell, in an environment without the GIT_* variables that steer git.
"""

from __future__ import annotations

import os
import re
import subprocess
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple

from planner.indexing.inputs import ChangedPath
from planner.problems import PlannerError
from planner.trees.git_tree import Found, GitTree
from planner.trees.tree import Tree, bytes_of, text_of
from planner.trees.work_tree import WorkTree

REQUESTS_AT_ONCE = 500  # of 41 bytes each: they fit a pipe's buffer, so that writing never waits for reading

_HIDDEN = re.compile(rb"(?:^|\0)[^H]")
"""In the answer of `ls-files -v`: a file that is not plainly in the index and looked at."""


class GitError(PlannerError):
    """Git cannot answer; the message says what to do."""


class UnknownRevision(GitError):  # noqa: N818 - what is wrong, in the words of the design
    """A revision that names no commit here."""


class Commit(NamedTuple):
    """A commit and its tree."""

    oid: str
    tree: str


def clean_environment() -> dict[str, str]:
    """The process environment without what steers git (hooks set GIT_DIR), in one language."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


class Repository:
    """A git repository: a work tree, a folder within one, a linked work tree, or a bare repository.

    `git_dir` is the folder that all its work trees share, `top` the root of the work tree (None if there is none).
    Raises GitError when the folder is in no git repository.
    """

    def __init__(self, folder: Path, origins: tuple[str, ...] | None = None) -> None:
        """`origins`: the addresses of what this is a copy of; None: those of its own remotes."""
        self.folder = folder
        self._origins = origins
        self._environment = clean_environment()
        answer = self._run(
            "rev-parse",
            *("--path-format=absolute", "--git-common-dir", "--is-shallow-repository", "--is-inside-work-tree"),
            "--show-toplevel",
        )
        lines = text_of(answer.stdout).split("\n")
        if len(lines) < 4:
            raise GitError(_not_a_repository(folder, answer.stderr))
        self.git_dir = Path(lines[0])
        self.shallow = lines[1] == "true"
        self.top = Path(lines[3]) if lines[2] == "true" and lines[3] else None
        self._objects: _Reader | None = None

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the git process that reads objects; the next question starts another."""
        if self._objects is not None:
            self._objects.close()
            self._objects = None

    @cached_property
    def origins(self) -> tuple[str, ...]:
        """The URLs of all remotes, that of `origin` first: the addresses that mean this very repository."""
        if self._origins is not None:
            return self._origins
        answer = self._run("config", "-z", "--get-regexp", r"^remote\..*\.url$")
        pairs = [pair.partition("\n") for pair in text_of(answer.stdout).split("\0") if "\n" in pair]
        addresses = sorted((name != "remote.origin.url", address) for name, _, address in pairs)
        return tuple(dict.fromkeys(address for _, address in addresses))

    def commit(self, revision: str) -> str:
        """The full id of the commit that a revision (branch, tag, id, HEAD~1) names. Raises UnknownRevision."""
        return self.described(revision).oid

    def described(self, revision: str) -> Commit:
        """The commit that a revision names, with its tree. Raises UnknownRevision."""
        if not revision or revision.startswith("-") or not revision.isprintable():
            raise UnknownRevision(f"{revision!r} is not a revision: give a branch, a tag or a commit")
        found = self._read(f"{revision}^{{commit}}")
        if found is None:
            raise UnknownRevision(self._why_unknown(revision))
        return Commit(found.oid, found.content[5 : found.content.index(b"\n")].decode("ascii"))

    def merge_base(self, base: str, head: str) -> str:
        """The commit at which two revisions parted. Raises GitError for unrelated histories and shallow clones."""
        base, head = self.commit(base), self.commit(head)
        if base == head:
            return base
        answer = self._run("merge-base", base, head)
        if answer.returncode == 0:
            return text_of(answer.stdout).strip()
        short = f"{base[:12]} and {head[:12]}"
        if self.shallow:
            raise GitError(
                f"this clone is shallow: where {short} parted is not in it; run `git fetch --unshallow` "
                "(in GitHub Actions: `fetch-depth: 0`)"
            )
        raise GitError(f"{short} have no common history: choose another base, or compare them as they are with --exact")

    def changed_paths(self, base: str, head: str) -> tuple[ChangedPath, ...]:
        """Every file, link and submodule that differs between two commits or trees, by path.

        Of a rename both sides count; so do deletions, modes, link targets and submodule moves.
        """
        for revision in (base, head):
            if revision.startswith("-"):
                raise UnknownRevision(f"{revision!r} is not a revision")
        if base == head:
            return ()
        answer = self._run(
            "diff-tree",
            *("-r", "-z", "--raw", "--full-index", "--no-renames", "--no-ext-diff", "--ignore-submodules=none"),
            *(base, head, "--"),
        )
        if answer.returncode:
            raise GitError(f"git cannot compare {base[:12]} with {head[:12]}: {_said(answer.stderr)}")
        return tuple(sorted(_raw_differences(answer.stdout)))

    def tree(self, commit: str) -> Tree:
        """The files of a commit (or tree), each read when it is asked for."""
        found = self._read(f"{commit}^{{tree}}") if not commit.startswith("-") else None
        if found is None:
            raise UnknownRevision(self._why_unknown(commit))
        return GitTree(self, found.oid)

    def work_tree(self) -> WorkTree:
        """The files as they lie in the work tree, new ones included, ignored ones not. Raises GitError if bare."""
        listing = self._in_work_tree("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        return WorkTree(self.top or Path(), listing)

    def work_tree_changes(self) -> tuple[tuple[str, str], ...] | None:
        """What differs between HEAD, the index and the work tree: git's two letters and the path from the root.

        None where git was told not to look (a sparse checkout, `--assume-unchanged`): then nobody knows from git alone.
        Submodules are not looked into. Raises GitError if bare.
        """
        told = self._in_work_tree("ls-files", "-z", "-v")
        if _HIDDEN.search(told):
            return None
        options = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=all")
        items = text_of(self._in_work_tree("status", *options)).split("\0")
        return tuple((item[:2], item[3:]) for item in items if item)

    def _in_work_tree(self, *arguments: str) -> bytes:
        if self.top is None:
            raise GitError(f"{self.folder} is a bare repository, without a work tree: name a commit instead")
        answer = self._run(*arguments, at=self.top)
        if answer.returncode:
            raise GitError(f"git cannot list the files of {self.top}: {_said(answer.stderr)}")
        return answer.stdout

    def is_empty(self) -> bool:
        """Whether there is no commit yet on the branch that is checked out."""
        return self._read("HEAD^{commit}") is None

    def read_all(self, names: Sequence[str]) -> Iterator[Found | None]:
        """The objects of names, in their order; all are read by one git process."""
        if self._objects is None:
            self._objects = _Reader(self.folder, self._environment)
        return self._objects.read_all(names)

    def listing(self, tree: str) -> bytes:
        """All entries of a tree, folders included, as `ls-tree -z` gives them."""
        answer = self._run("ls-tree", "-r", "-t", "-z", "--full-tree", tree)
        if answer.returncode:
            raise GitError(f"git cannot list {tree[:12]}: {_said(answer.stderr)}; run `git fsck`")
        return answer.stdout

    def _read(self, name: str) -> Found | None:
        return next(self.read_all([name]))

    def _run(self, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-c", "core.fsmonitor=false", *arguments]
        try:
            return subprocess.run(
                command,
                cwd=at or self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise _cannot_start(error, self.folder) from error

    def _why_unknown(self, revision: str) -> str:
        if self._read("HEAD^{commit}") is None and not self._run("rev-list", "-n1", "--all").stdout:
            return f"{self.folder} has no commits yet: commit something first"
        hint = f"no commit is called {revision!r} here: check the name"
        return hint + (
            ", or run `git fetch --unshallow`: this clone is shallow" if self.shallow else ", or `git fetch`"
        )


def _cannot_start(error: OSError, folder: Path) -> GitError:
    if folder.is_dir():
        return GitError(f"git cannot be started ({error.strerror}): install git and put it on the PATH")
    return GitError(f"{folder} is not a folder: name one in a git repository")


def _not_a_repository(folder: Path, stderr: bytes) -> str:
    if b"not a git repository" in stderr:
        return f"{folder} is not in a git repository: go to one, or name it with -C"
    return f"git cannot open {folder}: {_said(stderr)}"


def _said(stderr: bytes) -> str:
    return stderr.decode("utf-8", "replace").strip() or "no reason given"


def _raw_differences(output: bytes) -> Iterator[ChangedPath]:
    fields = text_of(output).split("\0")
    for facts, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode, *_ = facts[1:].split(" ")
        yield ChangedPath(path, old_mode, new_mode)


class _Reader:
    """One `git cat-file --batch`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        try:
            self._process = subprocess.Popen(
                ["git", "cat-file", "--batch"],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise _cannot_start(error, folder) from error
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 - pipes, as asked
        self._requests: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        self.close = weakref.finalize(self, _end, self._process)

    def read_all(self, names: Sequence[str]) -> Iterator[Found | None]:
        """The objects of names, in their order."""
        for start in range(0, len(names), REQUESTS_AT_ONCE):
            some = names[start : start + REQUESTS_AT_ONCE]
            self._requests.write(bytes_of("".join(f"{name}\n" for name in some)))
            self._requests.flush()
            yield from [self._answer() for _ in some]

    def _answer(self) -> Found | None:
        words = self._answers.readline().split(b" ")
        if len(words) != 3 or not words[2].strip().isdigit():
            if words == [b""]:
                raise GitError("git ended while it was read from; run `git fsck` in this repository")
            return None
        content = self._answers.read(int(words[2]))
        self._answers.read(1)
        return Found(words[0].decode("ascii"), words[1].decode("ascii"), content)


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
