"""What people say: comments, reactions, reviews."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.github.world.people import Account
from tests.github.world.refusal import Refusal, invalid

MOST_CHARACTERS = 65_536
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


@dataclass(eq=False)
class Reaction:
    """One person's reaction."""

    id: int
    user: Account
    content: str
    created_at: datetime


@dataclass(eq=False)
class Comment:
    """A comment on a pull request. `by_app` is the App that wrote it; `history` keeps all bodies, oldest first."""

    id: int
    number: int
    user: Account
    body: str
    created_at: datetime
    updated_at: datetime
    by_app: int | None = None
    reactions: list[Reaction] = field(default_factory=list)
    history: list[tuple[datetime, str]] = field(default_factory=list)


@dataclass(eq=False)
class CommitComment:
    """A comment on a commit."""

    id: int
    sha: str
    user: Account
    body: str
    created_at: datetime
    updated_at: datetime
    by_app: int | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(frozen=True)
class Dismissal:
    """A review no longer counts: what it was, who did that, when, and the pushed commit that did it, if one did."""

    id: int
    was: str
    by: Account
    at: datetime
    commit: str | None


@dataclass(eq=False)
class Review:
    """A review: `state` is APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED."""

    id: int
    user: Account
    body: str
    state: str
    sha: str
    submitted_at: datetime
    dismissal: Dismissal | None = None

    def dismiss(self, number: int, by: Account, at: datetime, commit: str | None = None) -> None:
        """Have it count no more."""
        self.dismissal, self.state = Dismissal(number, self.state, by, at, commit), "DISMISSED"


def checked_body(body: object, resource: str = "IssueComment") -> str:
    """A comment's text, or GitHub's refusal of it."""
    if not isinstance(body, str) or not body.strip():
        raise invalid(resource, "body", "missing_field")
    if len(body) > MOST_CHARACTERS:
        text = f"body is too long (maximum is {MOST_CHARACTERS} characters)"
        raise Refusal(
            422,
            "Validation Failed",
            [{"resource": resource, "code": "unprocessable", "field": "data", "message": text}],
        )
    return body
