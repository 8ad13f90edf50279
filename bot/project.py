"""One repository with its state: where everything lies, and the parts that work on it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from bot.decide.trust import Trusted
from bot.errors import HeadwaterError, StoreError
from bot.executors.base import Executor
from bot.executors.local import LocalExecutor
from bot.mirror import Mirror
from bot.state_folder import STORE_FILE, has_store
from bot.store.database import Database, shown_url
from bot.vault import Vault
from planner.definition import Definitions, Environment, Workflow
from planner.format.formats import repository_key
from planner.index import definitions_at
from planner.reading import Reading
from planner.repository import Repository, UnknownRevision

Trust = Callable[[str, str, str], Trusted]
"""From a file, an alias and the commit that it is read at."""

_OUR_OWN = ("HEADWATER_", "ACTIONS_")


class Project:
    """A user's repository and the state that Headwater keeps of it.

    `secrets` are what `fromSecret` may name: here, the process environment, but never our own key, database or token.
    """

    def __init__(
        self, repository: Repository, state: Path, database: str | None, secrets: Mapping[str, str] | None = None
    ) -> None:
        self.repository = repository
        self.state = state
        self.secrets: Mapping[str, str | None] = {
            name: value
            for name, value in (secrets or os.environ).items()
            if value and not name.startswith(_OUR_OWN)  # CI gives "" for none
        }
        self._url = database
        self._readings: dict[str, Reading] = {}

    @property
    def key(self) -> str:
        """What the store calls this repository: a state folder holds one, a shared database tells them by address.

        All spellings of an address are one, and no token that a CI wrote into it reaches the database.
        """
        if self._url is None:
            return "local"
        origins = [repository_key(one) for one in self.repository.origins]
        return origins[0] if origins else str(self.repository.git_dir)

    @property
    def alone(self) -> bool:
        """Whether the store is a file in the state folder, and not a database that others share."""
        return self._url is None

    @property
    def place(self) -> str:
        """Where our attempts run. Processes at other places that share the database cannot look at them."""
        return "here" if self._url is None else f"{socket.gethostname()}:{self.state}"

    @cached_property
    def database(self) -> Database:
        """The store: the one that was given, else a file in the state folder."""
        if self._url:
            return Database(self._url)
        file = self.folder / STORE_FILE
        with suppress(OSError):  # what is wrong is told when it is opened
            os.close(
                os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            )  # also where the folder is an open one
        return Database.file(file)

    @property
    def store(self) -> str:
        """Where its store is, or would be, as it may be shown."""
        return shown_url(self._url or f"sqlite:///{self.state / STORE_FILE}")

    @property
    def has_store(self) -> bool:
        """Whether anything was ever stored: questions about an untouched repository make no files."""
        return has_store(self.state, self._url)

    @cached_property
    def folder(self) -> Path:
        """The state folder, made if need be, for its owner alone."""
        try:
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the state folder {self.state} cannot be made: {error.strerror}",
                "make its parent writable, or choose another place with --state DIR",
            ) from error
        return self.state

    @cached_property
    def vault(self) -> Vault:
        """What encrypts sensitive values."""
        return Vault(self.folder / "key", os.environ.get("HEADWATER_KEY") or None)

    @cached_property
    def mirror(self) -> Mirror:
        """The bare mirror that runners check out from."""
        return Mirror(self.folder / "mirror.git", self.repository.git_dir)

    @cached_property
    def local(self) -> LocalExecutor:
        """What runs attempts on this machine."""
        return LocalExecutor(self.folder / "attempts")

    @cached_property
    def executor(self) -> Executor:
        """What runs attempts."""
        return self.local

    @cached_property
    def mirrored(self) -> Repository:
        """The mirror, to read from: it has every commit that was ever planned or deployed."""
        return Repository(self.mirror.folder, self.repository.origins)

    @property
    def cache(self) -> Path:
        """Where parsed definitions are cached; safe to remove at any time."""
        return self.state / "cache"

    def reading(self, commit: str) -> Reading:
        """The definitions at a commit, with what is wrong with them."""
        if commit not in self._readings:
            self._readings[commit] = definitions_at(self._holder(commit), commit, self.cache)
        return self._readings[commit]

    def definitions(self, commit: str) -> Definitions:
        """The definitions at a commit; raises DefinitionError where they have errors."""
        return self.reading(commit).require()

    def workflow(self, commit: str, file: str, alias: str) -> Workflow:
        """The workflow in that file at a commit; where the file had another name, the one that has that environment."""
        workflows = self.definitions(commit).workflows
        found = [one for one in workflows if one.file == file] or [one for one in workflows if one.environment(alias)]
        if len(found) == 1:
            return found[0]
        raise HeadwaterError(
            f"{file} is not in commit {commit[:12]}, which a deployment still needs",
            "cancel that deployment (headwater cancel), and deploy again",
        )

    def trust(self) -> Trust | None:
        """What tells, as of now, how those wrote an environment who may give power; None: who commands here may."""
        return None

    def source_commit(self, environment: Environment) -> str:
        """The commit that an environment with its own repository or revision is read at now, kept in the mirror."""
        if environment.repository is not None:
            return self.mirror.fetch(environment.repository, environment.revision or "HEAD")
        commit = self.repository.commit(environment.revision or "HEAD")
        self.mirror.keep(commit)
        return commit

    def state_file(self, state_id: str) -> Path:
        """Where Terraform keeps the state of an environment that declares no backend."""
        folder = self.folder / "states" / state_id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / "terraform.tfstate"

    def _holder(self, commit: str) -> Repository:
        """The repository that has this commit: the user's, or our mirror (commits of work trees, or gone ones)."""
        try:
            self.repository.commit(commit)
        except UnknownRevision:
            return self.mirrored
        return self.repository
