"""The mirror of a repository on GitHub, kept by `git fetch`. Tokens go through the environment of git alone."""

from __future__ import annotations

import base64
import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import HeadwaterError
from bot.mirror import Mirror
from bot.runner import process
from bot.runner.environment import fetch_environment
from bot.runner.failure import RunnerError

COMMITS, PULLS = "refs/headwater/commits/", "refs/headwater/pulls/"
FETCH_SECONDS = 600.0
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NOT_ACCEPTED = re.compile(rb"could not read Username|Authentication failed|returned error: 40[13]")
"""What git says where a token is refused."""
_NOT_THERE = re.compile(r"couldn't find remote ref (\S+)")
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


class _NoSuchRefError(HeadwaterError):
    """A ref that was to be fetched is not there."""

    def __init__(self, ref: str, what: str, mend: str) -> None:
        super().__init__(what, mend)
        self.ref = ref


class HostedMirror(Mirror):
    """A mirror that fetches from an address; `make` it before anything else.

    `token` gives what may read an address; told of one that was not accepted, it gives another one.
    """

    def __init__(self, folder: Path, address: str, token: Callable[[str, str | None], str | None]) -> None:
        super().__init__(folder, folder)
        self._address = address
        self._token = token

    def make(self) -> None:
        """Make the bare repository, if there is none; that counts as use."""
        with self._alone():
            self._make()

    def keep(self, commit: str, address: str | None = None) -> None:
        """Have this commit here, under a ref of its own; `address`: of the other repository that it is of."""
        if self._has(commit):
            return
        ref = f"{COMMITS}{commit}"
        with self._alone():  # so that nobody tidies between the two
            if self.has(commit):
                self._git("update-ref", ref, commit)
                return
        self._fetch([commit], address or self._address)
        self._git("update-ref", ref, commit)

    def fetch(self, address: str, revision: str) -> str:
        """The commit that a branch or tag of another repository of the same installation is at now, kept here."""
        draft = f"refs/headwater/drafts/{os.urandom(8).hex()}"
        self._fetch([f"+{revision}:{draft}"], address)
        commit = self.head_of(draft)
        assert commit is not None  # noqa: S101 (it was just fetched)
        self._git("update-ref", f"{COMMITS}{commit}", commit)
        self._git("update-ref", "-d", draft)
        return commit

    def update(self, refs: Mapping[str, str], may_be_gone: str = "") -> bool:
        """Bring refs of ours to where those of GitHub are: theirs -> ours; whether the one that may be gone is there.

        Raises HeadwaterError if another one is gone.
        """
        try:
            self._fetch([f"+{theirs}:{ours}" for theirs, ours in refs.items()], self._address)
        except _NoSuchRefError as error:
            if error.ref != may_be_gone:
                raise
            if rest := {theirs: ours for theirs, ours in refs.items() if theirs != error.ref}:
                self.update(rest)
            return False
        return True

    def head_of(self, ref: str) -> str | None:
        """The commit that a ref of ours is at. Mostly read from its file: this is asked for every environment."""
        with suppress(OSError, ValueError):
            found = (self.folder / ref).read_text().strip()
            if _OID.fullmatch(found) and Path(ref).parts[0] == "refs" and ".." not in Path(ref).parts:
                return found
        answer = self._run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return answer.stdout.decode().strip() or None if answer.ok else None

    def has(self, commit: str) -> bool:
        """Whether a commit is here."""
        return self._run("cat-file", "-e", f"{commit}^{{commit}}").ok

    def contains(self, later: str, earlier: str) -> bool:
        """Whether a commit is an ancestor of another one (or that itself)."""
        return self._run("merge-base", "--is-ancestor", earlier, later).ok

    def first_parents(self, earlier: str | None, later: str, most: int) -> list[str]:
        """What a branch was at from after `earlier` to `later`, newest first: the commits of its merges and pushes."""
        unless = [f"^{earlier}"] if earlier and self.has(earlier) else []
        found = self._run("rev-list", "--first-parent", f"--max-count={most}", later, *unless)
        return found.stdout.decode().split() if found.ok else []

    def parent(self, commit: str) -> str | None:
        """The first parent of a commit; None for the first commit of all."""
        found = self._run("rev-parse", "--verify", "--quiet", f"{commit}^1")
        return found.stdout.decode().strip() or None if found.ok else None

    def conflicts(self, ours: str, theirs: str) -> tuple[str, ...]:
        """The files in which two commits cannot be merged. A git before 2.38 cannot say, and finds none."""
        answer = self._run("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
        if answer.code != 1:
            return ()
        return tuple(dict.fromkeys(answer.stdout.decode(errors="replace").strip("\0").split("\0")[1:]))

    def has_file(self, commit: str, path: str) -> bool:
        """Whether a commit has a file of that path."""
        return self._run("cat-file", "-e", f"{commit}:{path}").ok

    def file(self, commit: str, path: str) -> str | None:
        """A file of a commit; None if there is none."""
        found = self._run("show", f"{commit}:{path}")
        return found.stdout.decode(errors="replace") if found.ok else None

    def message(self, commit: str) -> str:
        """A commit's message."""
        return self._run("log", "-1", "--format=%B", commit).stdout.decode(errors="replace")

    @property
    def used_at(self) -> float:
        """When anything was last fetched into it, in seconds since the epoch."""
        try:
            return self._lock_file.stat().st_mtime
        except FileNotFoundError:
            return time.time()

    def remove(self, branch: str, needed: Iterable[str], before: float) -> bool:
        """Remove it unless it was used since that moment, or a needed commit is not in this branch (any more)."""
        with self._alone(touch=False):
            head = self.head_of(f"refs/heads/{branch}")
            kept = any(head is None or not self.contains(head, commit) for commit in needed)
            if kept or self.used_at >= before:
                return False
            shutil.rmtree(self.folder)
            return True

    def tidy(self, needed: Container[str], before: float) -> int:
        """Give up what nothing needs, unless that was done since that moment; how many refs went.

        `needed`: names of refs below `refs/headwater/`. One goes when it is not among them a second time: somebody may
        just be about to need it. Objects that came lately stay in any case, as git's garbage collection has it.
        """
        doubted = self.folder / "headwater" / "doubted"
        with self._alone(touch=False):
            if not self.folder.is_dir() or (doubted.exists() and doubted.stat().st_mtime >= before):
                return 0
            listed = self._run("for-each-ref", "--format=%(refname)", "refs/headwater/").stdout.decode().split()
            unneeded = {one for one in listed if one not in needed}
            gone = unneeded & set(doubted.read_text().split()) if doubted.exists() else set()
            for ref in sorted(gone):
                self._git("update-ref", "-d", ref)
            doubted.parent.mkdir(exist_ok=True)
            doubted.write_text("\n".join(sorted(unneeded - gone)))
            self._run("gc", "--quiet")
        return len(gone)

    @property
    def _lock_file(self) -> Path:
        return self.folder.with_suffix(".lock")

    def _fetch(self, refspecs: Sequence[str], address: str) -> None:
        """Fetch; with another token where GitHub does not accept the one that we have, as after a suspension."""
        token = self._token(address, None)
        done = self._fetched(refspecs, address, token)
        if not done.ok and token is not None and _NOT_ACCEPTED.search(done.stderr):
            done = self._fetched(refspecs, address, self._token(address, token))
        if not done.ok:
            said = done.stderr.decode(errors="replace").strip()[-400:]
            gone = _NOT_THERE.search(said)
            told = f"{address} could not be fetched: {said}", "if the App may still read it, this is tried again"
            raise _NoSuchRefError(gone[1], *told) if gone else HeadwaterError(*told)

    def _fetched(self, refspecs: Sequence[str], address: str, token: str | None) -> process.Finished:
        options = ("--no-tags", "--quiet", "--no-recurse-submodules", "--no-write-fetch-head")
        with self._alone():
            return self._run("fetch", *options, "--", address, *refspecs, address=address, token=token)

    def _run(self, *argv: str, address: str | None = None, token: str | None = None) -> process.Finished:
        environment = _environment(self.folder, address or self._address, token)
        command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", *argv]
        try:
            return process.run(command, cwd=self.folder, env=environment, timeout=FETCH_SECONDS)
        except RunnerError as error:
            raise HeadwaterError(str(error), "see that git is installed, and that the network answers") from error

    @contextmanager
    def _alone(self, *, touch: bool = True) -> Iterator[None]:
        """Let one process at a time change the refs of this mirror; `touch`: that counts as use."""
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if touch:
                os.utime(descriptor)
            yield
        finally:
            os.close(descriptor)


def _environment(folder: Path, address: str, token: str | None) -> dict[str, str]:
    """Git's environment: nothing of ours that steers it, one protocol, and the token for this one address."""
    parts = urlsplit(address)
    protocol = "https:http" if parts.hostname in _LOCAL_HOSTS else "https"
    settings = {}
    if token is not None:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        settings[f"http.{parts.scheme}://{parts.netloc}/.extraHeader"] = f"Authorization: Basic {basic}"
    return fetch_environment(os.environ, protocol, settings) | {"GIT_DIR": str(folder)}
