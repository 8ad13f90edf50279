"""Pull requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tests.github.world.people import Account
from tests.github.world.talk import Reaction, Review

if TYPE_CHECKING:
    from tests.github.world.repository import Repository


@dataclass(eq=False)
class Pull:
    """A pull request. `head_repository` is None once its fork was deleted."""

    id: int
    number: int
    title: str
    body: str | None
    user: Account
    head_repository: Repository | None
    head_branch: str
    head_sha: str
    base_branch: str
    base_sha: str
    created_at: datetime
    updated_at: datetime
    draft: bool = False
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_commit: str | None = None
    mergeable: bool | None = None
    last_pusher: Account | None = None
    reviews: list[Review] = field(default_factory=list)
    requested_reviewers: list[Account] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)

    @property
    def state(self) -> str:
        """`open` or `closed`."""
        return "open" if self.closed_at is None else "closed"

    def latest_reviews(self) -> dict[str, Review]:
        """The review of each person that counts: the newest that is more than a comment."""
        found: dict[str, Review] = {}
        for review in self.reviews:
            if review.state != "COMMENTED" and review.user.login != self.user.login:
                found[review.user.login] = review
        return found
