"""The bare mirror: it keeps every commit that was ever planned or deployed, whatever the user does to theirs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bot.errors import HeadwaterError
from bot.runner.crash import point

_CERTIFICATES = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH")  # a company's own, for other repositories
_KEPT = "refs/headwater/commits/{commit}"
_DRAFT_AUTHOR = {
    "GIT_AUTHOR_NAME": "Headwater",
    "GIT_AUTHOR_EMAIL": "headwater@localhost",
    "GIT_COMMITTER_NAME": "Headwater",
    "GIT_COMMITTER_EMAIL": "headwater@localhost",
}


class Mirror:
    """A bare repository of our own; objects are copied into it, never borrowed from the user's."""

    def __init__(self, folder: Path, source: Path) -> None:
        """`source` is the git folder of the repository that commits come from."""
        self.folder = folder
        self._source = source

    def keep(self, commit: str, address: str | None = None) -> None:
        """Have this commit here, under a ref of its own, so that no garbage collection takes it.

        `address`: of the other repository that it is of.
        """
        self._make()
        if not self._has(commit):
            source = str(self._source) if address is None else _by_https(address)
            self._git("fetch", "--no-tags", "--quiet", "--", source, f"{commit}:{_KEPT.format(commit=commit)}")

    def fetch(self, address: str, revision: str) -> str:
        """The commit that a branch or tag of another repository is at now, kept here. Over https alone."""
        _by_https(address)
        self._make()
        draft = f"refs/headwater/drafts/{os.urandom(8).hex()}"
        options = ("--no-tags", "--quiet", "--no-recurse-submodules")
        try:
            self._git("fetch", *options, "--", address, f"+{revision}:{draft}")
        except HeadwaterError as error:
            raise HeadwaterError(
                f"{address} at {revision} could not be fetched: {error.what.partition(': ')[2]}",
                "check the address and the revision, and that git may read it from here (git ls-remote)",
            ) from error
        commit = self._git("rev-parse", f"{draft}^{{commit}}")
        self._git("update-ref", _KEPT.format(commit=commit), commit)
        self._git("update-ref", "-d", draft)
        return commit

    def commit_work_tree(self, top: Path, head: str) -> str:
        """A commit of the files as they lie in the work tree (ignored ones left out), child of `head`; its SHA."""
        self.keep(head)
        index = self.folder / f"index.{os.getpid()}"
        place = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(top)}
        try:
            self._git("read-tree", head, environment=place)
            self._git("add", "--all", "--", ".", environment=place, folder=top)
            tree = self._git("write-tree", environment=place)
        finally:
            index.unlink(missing_ok=True)
        if tree == self._git("rev-parse", f"{head}^{{tree}}"):
            return head
        stamp = {
            **_DRAFT_AUTHOR,
            "GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z",
            "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z",
        }
        commit = self._git("commit-tree", tree, "-p", head, "-m", "Uncommitted files", environment=stamp)
        self._git("update-ref", _KEPT.format(commit=commit), commit)
        return commit

    def _make(self) -> None:
        if not (self.folder / "HEAD").exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._git("init", "--bare", "--quiet", str(self.folder), folder=self.folder.parent)

    def _has(self, commit: str) -> bool:
        if (self.folder / _KEPT.format(commit=commit)).is_file():
            return True
        try:
            self._git("rev-parse", "--verify", "--quiet", _KEPT.format(commit=commit))
        except HeadwaterError:
            return False
        return True

    def _git(self, *argv: str, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
        """One git command; no hook runs, and nothing in the environment steers it.

        GitPython adds to the process environment and takes nothing out, so `env` does that.
        """
        import git  # noqa: PLC0415 (slow to import, and what only asks the store does without)
        from git.exc import GitCommandError, GitCommandNotFound  # noqa: PLC0415

        point(f"start git {argv[0]}")
        steering = [key for key in os.environ if key.startswith("GIT_") and key not in _CERTIFICATES]
        without = ["env", *(part for key in steering for part in ("-u", key))] if steering else []
        own = {} if argv[0] == "init" else {"GIT_DIR": str(self.folder)}
        steer = {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "file:https",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        place = {**steer, **own, **(environment or {})}
        try:
            result = git.Git(folder or self.folder).execute(
                [
                    *without,
                    *(_assignments(place) if without else []),
                    "git",
                    "-c",
                    "core.hooksPath=/dev/null",
                    "-c",
                    "gc.auto=0",
                    *argv,
                ],
                env=place,
                with_extended_output=False,
            )
        except GitCommandNotFound as error:
            raise HeadwaterError("git was not found", "install git, and put it on the PATH") from error
        except GitCommandError as error:
            raise HeadwaterError(
                f"git {argv[0]} failed in {self.folder}: {str(error.stderr).strip()[-500:]}",
                "the mirror is a copy: remove that folder, and it is made anew",
            ) from error
        return str(result)


def _assignments(environment: Mapping[str, str]) -> list[str]:
    """For `env`, after it has taken out what steers git: what we say ourselves. Nothing in it is secret."""
    return [f"{key}={value}" for key, value in environment.items() if key.startswith("GIT_")]


def _by_https(address: str) -> str:
    if not address.startswith("https://"):
        raise HeadwaterError(f"{address}: other repositories are read over https alone", "give its https address")
    return address
