"""Pull requests and their reviews."""

from __future__ import annotations

from bot.github.areas.area import Area
from bot.github.calls import PAGE
from bot.github.data import PullData, ReviewData
from bot.github.reading import Shape, pull_of, review_of

REVIEW_DECISION = """query ($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { reviewDecision } }
}"""
"""Whether code owners have approved is told by GraphQL alone."""


class Pulls(Area):
    """Pull requests."""

    def pull(self, number: int) -> PullData:
        """A pull request."""
        return pull_of(self._caller.get(f"{self._base}/pulls/{number}"))

    def open_pulls(self) -> tuple[PullData, ...]:
        """All open pull requests, oldest first; `mergeable` is not told here."""
        found = self._caller.pages(f"{self._base}/pulls", state="open", sort="created", direction="asc")
        return tuple(pull_of(one) for one in found)

    def pulls_of_commit(self, sha: str) -> tuple[PullData, ...]:
        """The pull requests that hold a commit or whose merge made it. Raises NotFound for an unknown commit."""
        return tuple(pull_of(one) for one in self._caller.pages(f"{self._base}/commits/{sha}/pulls"))

    def reviews(self, number: int) -> tuple[ReviewData, ...]:
        """All reviews of a pull request, oldest first."""
        return tuple(review_of(one) for one in self._caller.pages(f"{self._base}/pulls/{number}/reviews"))

    def outdated_approvals(self, number: int) -> frozenset[int]:
        """The ids of reviews that approved, and that no person dismissed but a later push."""
        told = (Shape(one) for one in self._caller.pages(f"{self._base}/issues/{number}/timeline"))
        return frozenset(
            one.id("dismissed_review", "review_id")
            for one in told
            if one.text("event", default="") == "review_dismissed"
            and one.text("dismissed_review", "state").lower() == "approved"
            and one.maybe_text("dismissed_review", "dismissal_commit_id")
        )

    def pusher(self, branch: str, head: str) -> str | None:
        """Who moved a branch to where it is; None where the newest of its moves do not tell. Raises NotFound."""
        told = self._caller.get(f"{self._base}/activity", ref=f"refs/heads/{branch}", per_page=PAGE)
        moves = (one for one in Shape(told).items() if one.text("after") == head)
        return next((login for one in moves if (login := one.maybe_text("actor", "login"))), None)

    def review_decision(self, number: int) -> str | None:
        """APPROVED, CHANGES_REQUESTED or REVIEW_REQUIRED; None where the branch requires no review."""
        owner, name = self.full_name.split("/")
        found = self._caller.graphql(REVIEW_DECISION, {"owner": owner, "name": name, "number": number})
        return Shape(found).maybe_text("repository", "pullRequest", "reviewDecision")
