"""Who may do what, and what a branch or an environment demands."""

from __future__ import annotations

from bot.github.areas.area import Area
from bot.github.calls import part, parts
from bot.github.data import RequiredCheck
from bot.github.errors import Forbidden, NotFound
from bot.github.reading import Shape, protection_checks, role_of, ruleset_checks

_NO_SUCH_PLAN = "upgrade to github"
"""GitHub's words where the account's plan has no protected branches for private repositories: there are no rules."""


class Rules(Area):
    """Roles, teams, protection."""

    def permission(self, login: str) -> str:
        """What somebody may do here: none, read, triage, write, maintain or admin.

        A custom role counts as the one that it is built on; an unknown account as none.
        """
        try:
            return role_of(self._caller.get(f"{self._base}/collaborators/{part(login)}/permission"))
        except NotFound:
            return "none"

    def team_member(self, organization: str, slug: str, login: str) -> bool | None:
        """Whether somebody is an active member of a team; None where the team is unknown or may not be read."""
        team = f"/orgs/{part(organization)}/teams/{part(slug)}"
        try:
            found = self._caller.get(f"{team}/memberships/{part(login)}")
        except NotFound:
            return False if self._is_there(team) else None
        except Forbidden:
            return None
        return Shape(found).text("state") == "active"

    def has_branch(self, branch: str) -> bool:
        """Whether there is such a branch now."""
        return self._is_there(f"{self._base}/branches/{parts(branch)}")

    def _is_there(self, path: str) -> bool:
        try:
            self._caller.get(path)
        except (NotFound, Forbidden):
            return False
        return True

    def required_checks(self, branch: str) -> tuple[RequiredCheck, ...] | None:
        """The checks that a branch demands, by its protection and its rulesets; None where that may not be read."""
        protection, rulesets = self._protection_checks(branch), self._ruleset_checks(branch)
        if protection is None or rulesets is None:
            return None
        return tuple(sorted({*protection, *rulesets}, key=lambda one: (one.context, one.app_id or 0)))

    def _protection_checks(self, branch: str) -> tuple[RequiredCheck, ...] | None:
        try:
            return protection_checks(self._caller.get(f"{self._base}/branches/{parts(branch)}/protection"))
        except NotFound as error:
            words = error.what.lower()
            return () if "branch not protected" in words or "branch not found" in words else None
        except Forbidden as error:
            return () if _NO_SUCH_PLAN in error.what.lower() else None

    def _ruleset_checks(self, branch: str) -> tuple[RequiredCheck, ...] | None:
        try:
            return ruleset_checks(self._caller.pages(f"{self._base}/rules/branches/{parts(branch)}"))
        except NotFound:  # a GitHub Enterprise Server from before there were rulesets
            return ()
        except Forbidden as error:
            return () if _NO_SUCH_PLAN in error.what.lower() else None
