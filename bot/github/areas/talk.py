"""Comments and reactions."""

from __future__ import annotations

from bot.github.areas.area import Area
from bot.github.data import CommentData
from bot.github.reading import comment_of


class Talk(Area):
    """What is said on pull requests and commits."""

    def comments(self, number: int, since: str | None = None) -> tuple[CommentData, ...]:
        """The comments on a pull request, oldest first; with `since` those written or changed from that time on."""
        more = {"since": since} if since else {}
        return tuple(comment_of(one) for one in self._caller.pages(f"{self._base}/issues/{number}/comments", **more))

    def comment(self, number: int, body: str) -> CommentData:
        """Write a comment on a pull request."""
        path = f"{self._base}/issues/{number}/comments"
        return comment_of(self._caller.write("POST", path, {"body": body}, creates=True))

    def edit_comment(self, comment: int, body: str) -> CommentData:
        """Change a comment of ours. Raises NotFound when somebody deleted it."""
        return comment_of(self._caller.write("PATCH", f"{self._base}/issues/comments/{comment}", {"body": body}))

    def react(self, comment: int, content: str) -> None:
        """React to a comment (+1, -1, eyes, rocket, confused …); twice is once."""
        path = f"{self._base}/issues/comments/{comment}/reactions"
        self._caller.write("POST", path, {"content": content}, creates=True)

    def commit_comment(self, sha: str, body: str) -> CommentData:
        """Write a comment on a commit; `contents: read` is enough for that."""
        path = f"{self._base}/commits/{sha}/comments"
        return comment_of(self._caller.write("POST", path, {"body": body}, creates=True))

    def commit_comments(self, sha: str) -> tuple[CommentData, ...]:
        """The comments on a commit, oldest first."""
        return tuple(comment_of(one) for one in self._caller.pages(f"{self._base}/commits/{sha}/comments"))

    def edit_commit_comment(self, comment: int, body: str) -> CommentData:
        """Change a comment on a commit. GitHub wants `contents: write` for that: Headwater's App is Forbidden."""
        return comment_of(self._caller.write("PATCH", f"{self._base}/comments/{comment}", {"body": body}))
