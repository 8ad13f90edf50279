"""Who is there: users, bots, organizations and their teams."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

ROLES = ("none", "read", "triage", "write", "maintain", "admin")


class Kind(StrEnum):
    """What an account is."""

    USER = "User"
    ORGANIZATION = "Organization"
    BOT = "Bot"


@dataclass(eq=False)
class Account:
    """A user, a bot or an organization. `members` are the logins of an organization's members."""

    id: int
    login: str
    kind: Kind = Kind.USER
    members: set[str] = field(default_factory=set)

    @property
    def email(self) -> str:
        """The address under which its commits are made."""
        return f"{self.id}+{self.login}@users.noreply.localhost"


@dataclass(eq=False)
class Team:
    """A team of an organization; `repositories` maps full names to roles."""

    id: int
    organization: Account
    slug: str
    name: str
    members: set[str] = field(default_factory=set)
    repositories: dict[str, str] = field(default_factory=dict)


def higher(one: str, other: str) -> str:
    """The role that allows more."""
    return max(one, other, key=ROLES.index)


def allows(role: str, needed: str) -> bool:
    """Whether a role includes the one that is needed."""
    return ROLES.index(role) >= ROLES.index(needed)
