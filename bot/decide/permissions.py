"""Who may do what: one person's role and teams against the rules of the repository. What is unknown refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from planner.definition import Permissions

# GitHub's roles, each including those before it; https://docs.github.com, "Repository roles for an organization".
ROLES = ("none", "read", "triage", "write", "maintain", "admin")
_SPELLED_OTHERWISE = {"pull": "read", "push": "write"}


class Answer(StrEnum):
    """Whether somebody may. `DENY_UNKNOWN` refuses too: what would decide it could not be found out."""

    ALLOW = "allow"
    DENY = "deny"
    DENY_UNKNOWN = "deny-unknown"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `role`: what GitHub says of them in this repository, None: unknown.

    `teams`: for each `@org/team` asked about whether they are in it, None: unknown.
    """

    login: str
    role: str | None = None
    teams: Mapping[str, bool | None] = field(default_factory=dict)

    def is_(self, login: str) -> bool:
        """Whether that is their login; GitHub compares logins without regard to case."""
        return same_login(self.login, login)


def same_login(one: str, other: str) -> bool:
    """Whether two logins are one account's; GitHub compares them without regard to case."""
    return one.casefold() == other.casefold()


def role_of(permission: str | None, role_name: str | None) -> str | None:
    """The role that GitHub's answer about a collaborator tells; None if it is none that is known.

    `role_name` is the finer one (it knows triage and maintain), but may be a name that an organization made up; then
    `permission` says what that comes to.
    """
    for name in (role_name, permission):
        known = _SPELLED_OTHERWISE.get(name, name) if name is not None else None
        if known in ROLES:
            return known
    return None


def may(actor: Actor, rule: Sequence[str]) -> Answer:
    """Whether a rule (roles, each including the higher ones, and `@org/team` names; any is enough) lets somebody."""
    answers = {_fits(actor, name) for name in rule}
    if True in answers:
        return Answer.ALLOW
    return Answer.DENY_UNKNOWN if None in answers else Answer.DENY


def teams_in(permissions: Permissions) -> frozenset[str]:
    """The teams that one must know about somebody to tell what they may."""
    rules = (*permissions.deploy, *permissions.approve, *permissions.admin)
    return frozenset(name for name in rules if name.startswith("@"))


def _fits(actor: Actor, name: str) -> bool | None:
    if name.startswith("@"):
        return _in_team(actor.teams, name)
    if name not in ROLES or name == "none":
        return False  # such a rule names nobody
    role = role_of(actor.role, None)
    return None if role is None else ROLES.index(role) >= ROLES.index(name)


def _in_team(teams: Mapping[str, bool | None], name: str) -> bool | None:
    """GitHub compares names of teams without regard to case. Two answers that differ are none."""
    answers = {known for team, known in teams.items() if team.casefold() == name.casefold()}
    return answers.pop() if len(answers) == 1 else None
