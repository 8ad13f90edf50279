"""What the web application needs of the server that it is part of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bot.metrics import Metrics
from bot.settings import Settings
from bot.store.database import Database
from bot.vault import Vault
from bot.waking import Topic


class Runner(Protocol):
    """The runner as one file, for CI jobs to fetch."""

    @property
    def digest(self) -> str:
        """The SHA-256 of its bytes, in hexadecimal."""

    @property
    def data(self) -> bytes:
        """Its bytes."""


class Identities(Protocol):
    """Tells genuine identity tokens of jobs from others."""

    @property
    def issuer(self) -> str:
        """Who signs them."""

    @property
    def audience(self) -> str:
        """Whom they must be made for: us."""

    def verify(self, token: str) -> Mapping[str, object]:
        """The claims of a genuine token; raises NotGenuine, or GitHubError where that cannot be told."""


class Host(Protocol):
    """The server."""

    @property
    def settings(self) -> Settings:
        """What its operator says."""

    @property
    def database(self) -> Database:
        """Its store."""

    @property
    def vault(self) -> Vault:
        """What encrypts sensitive values."""

    @property
    def verifier(self) -> Identities:
        """What knows jobs."""

    @property
    def zipapp(self) -> Runner:
        """What jobs run."""

    @property
    def metrics(self) -> Metrics:
        """What is counted."""

    def code_token(self, attempt: str, url: str) -> str | None:
        """A token that reads just the repository at this address; None where the job's own does, or none is to be had.

        Raises GitHubError.
        """

    def wake(self, *topics: Topic) -> None:
        """Have workers look for work, and deployments driven on; with topics, this alone."""
