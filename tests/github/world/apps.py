"""GitHub Apps, where they are installed, and the tokens that callers hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.github.world.people import Account

if TYPE_CHECKING:
    from tests.github.world.repository import Repository

LEVELS = ("none", "read", "write", "admin")


@dataclass(eq=False)
class App:
    """A GitHub App with its private key (PEM) and its webhook."""

    id: int
    slug: str
    name: str
    owner: Account
    bot: Account
    private_key: str
    permissions: dict[str, str]
    events: tuple[str, ...]
    created_at: datetime
    client_id: str = ""
    webhook_url: str | None = None
    webhook_secret: str = ""

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        """What its JSON web tokens are checked with."""
        return _public_key(self.private_key)


@dataclass(eq=False)
class Installation:
    """An App on one account; `repositories` None means all of them."""

    id: int
    app: App
    account: Account
    permissions: dict[str, str]
    created_at: datetime
    repositories: set[int] | None = None
    suspended_at: datetime | None = None

    def covers(self, repository: Repository) -> bool:
        """Whether the App may touch this repository."""
        if repository.owner is not self.account:
            return False
        return self.repositories is None or repository.id in self.repositories


@dataclass(eq=False)
class Token:
    """What a caller proves itself with: an installation's token, a job's, or a person's.

    `repositories` are the ids that it reaches (None: as its owner does).
    """

    text: str
    user: Account
    installation: Installation | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    repositories: set[int] | None = None
    expires_at: datetime | None = None
    run: int | None = None

    @property
    def is_app(self) -> bool:
        """Whether permissions, not a person's role, say what it may do."""
        return self.user.kind == "Bot"

    def may(self, permission: str, level: str) -> bool:
        """Whether an App's token carries a permission."""
        return LEVELS.index(self.permissions.get(permission, "none")) >= LEVELS.index(level)


def new_private_key() -> str:
    """A fresh RSA key as PEM."""
    key = rsa.generate_private_key(65537, 2048)
    kind = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()


@cache
def _public_key(private_key: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_private_key(private_key.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.public_key()
