"""The server's parts, made once for a process: store, vault, GitHub, the identity of jobs, the projects on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

from prometheus_client import Metric

from bot.briefing import Settings as AttemptSettings
from bot.decide.facts import Limits
from bot.executors.base import Executor
from bot.executors.github_actions import GitHubActionsExecutor
from bot.executors.local import LocalExecutor
from bot.github.app import App
from bot.github.oidc import Verifier
from bot.github.repository_client import RepositoryClient
from bot.hosting.project import PLACE, HostedProject
from bot.metrics import Metrics
from bot.others import Nobody, Replicas
from bot.settings import Settings
from bot.store import hosting
from bot.store.clock import shared
from bot.store.database import Database
from bot.store.hosting import HostedRepository
from bot.store.measures import Measured, measure
from bot.vault import Vault
from bot.waking import Others, Topic, Waking
from bot.zipapp import Zipapp, build
from planner.format.formats import repository_key

ATTEMPTS = "attempts"
"""The folder of those that run here, beside the mirror of their repository."""
CLAIM_SECONDS = 6 * 3600.0
"""A job may wait for its machine so long before its attempt is given up; one whose run ended is given up at once."""


class Beside(Others, Protocol):
    """The other process of two."""

    def counted(self) -> Iterable[Metric]:
        """What it has counted for Prometheus; nothing where it does not answer."""


class Server:
    """What the web process and the workers share. Safe to share between threads."""

    def __init__(self, settings: Settings, beside: Beside | None = None) -> None:
        """`beside`: the other process, where two share a SQLite store."""
        self.settings = settings
        self._beside = beside
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.database = Database(settings.database)
        key = settings.key.get_secret_value() if settings.key else None
        self.vault = Vault(settings.state / "key", key)
        self.waking = Waking((beside or Nobody()) if settings.embedded else Replicas(self.database, self._share))
        self.log_read_until: datetime | None = None
        """Up to which webhook a sweep of this process has read GitHub's log."""
        self._here = threading.local()

    def _share(self, among: int) -> None:
        self.github.limits.share(among)

    @cached_property
    def github(self) -> App:
        """The GitHub App that we are."""
        return App(self.settings.github_app_id, self.settings.private_key, self.settings.github_api_url)

    @cached_property
    def verifier(self) -> Verifier:
        """What checks who a job is."""
        return Verifier(self.settings.oidc_issuer, self.settings.public_url)

    @cached_property
    def zipapp(self) -> Zipapp:
        """The runner that jobs download."""
        return build()

    @cached_property
    def metrics(self) -> Metrics:
        """What is counted, and what of the store is measured."""
        return Metrics(
            self._measured,
            lambda: self.github.limits.numbers(),  # noqa: PLW0108 (the App is made later)
            self._beside.counted if self._beside else None,
        )

    def _measured(self) -> Measured:
        with self.database.reading() as connection:
            return measure(connection, shared(connection, time.time()), self.settings.claim_seconds)

    @property
    def limits(self) -> Limits:
        """How long the driver waits for jobs."""
        return Limits(silence=self.settings.silence_seconds, claim=CLAIM_SECONDS)

    def attempt_settings(self, project: HostedProject) -> AttemptSettings:
        """What every attempt of a repository gets; a state that lies beside a CI job would be lost with it."""
        return AttemptSettings(beat_every=self.settings.beat_seconds, refuse_no_backend=project.place == PLACE)

    def wake(self, *topics: Topic) -> None:
        """Have workers look for work, and deployments driven on, now; with topics, this alone."""
        self.waking.wake(*topics)

    def client(self, hosted: HostedRepository) -> RepositoryClient:
        """GitHub, as the App may use it in a repository."""
        return self.github.client(hosted.installation_id, hosted.full_name)

    def token(self, hosted: HostedRepository, address: str, instead_of: str | None = None) -> str | None:
        """A token that reads just the code of the repository at this address; None where our installation has none.

        `instead_of`: one that was not accepted.
        """
        wanted = repository_key(address)
        found: HostedRepository | None = hosted
        if repository_key(hosted.clone_url) != wanted:
            with self.database.reading() as connection:
                others = hosting.repositories(connection)
            same = (one for one in others if one.installation_id == hosted.installation_id)
            found = next((one for one in same if repository_key(one.clone_url) == wanted), None)
        if found is None:
            return None
        read = {"contents": "read"}
        reach = (found.github_id,)
        return self.github.token(
            hosted.installation_id, repository_ids=reach, permissions=read, instead_of=instead_of
        ).value

    def code_token(self, attempt: str, url: str) -> str | None:
        """A token for the code of an attempt, where that is not the job's own repository."""
        with self.database.reading() as connection:
            own = hosting.repository_of_attempt(connection, attempt)
        return None if own is None or own.clone_url == url else self.token(own, url)

    def project(self, hosted: HostedRepository) -> HostedProject:
        """The project of a repository, of this thread alone."""
        projects: dict[int, HostedProject] = self._here.__dict__.setdefault("projects", {})
        found = projects.get(hosted.id)
        same = found is not None and found.hosted == replace(hosted, trouble=found.hosted.trouble)
        if found is None or not same or not found.mirror.folder.is_dir():
            found = projects[hosted.id] = self._make(hosted)
        return found

    def folder_of(self, hosted: HostedRepository) -> Path:
        """Where this machine keeps its mirror and caches of a repository."""
        return self.settings.state / "repositories" / str(hosted.github_id)

    def _make(self, hosted: HostedRepository) -> HostedProject:
        state = self.folder_of(hosted)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        executor: Executor
        if self.settings.runs_here(hosted.full_name):
            executor, place = LocalExecutor(state / ATTEMPTS), f"local:{state}"
        else:
            executor, place = self._github_actions(hosted), PLACE
        return HostedProject(hosted, state, self.database, self.vault, partial(self.token, hosted), executor, place)

    def _github_actions(self, hosted: HostedRepository) -> GitHubActionsExecutor:
        return GitHubActionsExecutor(
            self.database, self.vault, hosted.id, hosted.clone_url, self.settings.gather_seconds, self.wake
        )
