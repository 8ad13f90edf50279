"""Comments on pull requests and commits, and reactions."""

from __future__ import annotations

from typing import Any

from tests.github.server.routes_pulls import the_pull
from tests.github.server.routes_repos import resolved
from tests.github.server.routing import Answer, Call, Page, route
from tests.github.shapes import pulls
from tests.github.world import requests
from tests.github.world.people import allows
from tests.github.world.pulls import Pull
from tests.github.world.refusal import Refusal, not_found
from tests.github.world.repository import Repository
from tests.github.world.talk import Comment, CommitComment

BASE = "/repos/<owner>/<repo>/issues"
READ, WRITE = "issues:read|pull_requests:read", "issues:write|pull_requests:write"


def _comment(where: Repository, number: int) -> Comment:
    found = where.comments.get(number)
    if found is None:
        raise not_found()
    return found


def _own(call: Call, where: Repository, author: Any) -> None:
    person = not (call.token and call.token.is_app)
    if author is not call.user and not (person and allows(call.world.role(where, call.user.login), "write")):
        raise Refusal(
            403, "Must have admin rights to Repository." if person else "Resource not accessible by integration"
        )


@route("GET", f"{BASE}/<int:number>", needs=READ)
def show_issue(call: Call, where: Repository, number: int) -> Any:
    """A pull request as an issue."""
    return {**pulls.issue(call.world, where, the_pull(where, number)), "closed_by": None}


@route("GET", f"{BASE}/<int:number>/comments", needs=READ)
def list_comments(call: Call, where: Repository, number: int) -> Any:
    """Comments, oldest first, `since` a time."""
    the_pull(where, number)
    listed = (one for one in where.comments.values() if one.number == number)
    return _listed(call, where, [one for one in listed if call.github.listed(one.created_at)])


@route("GET", f"{BASE}/comments", needs=READ)
def list_all_comments(call: Call, where: Repository) -> Any:
    """All comments of a repository."""
    found = [one for one in where.comments.values() if call.github.listed(one.created_at)]
    if call.query("sort"):
        newest = call.query("direction") != "asc"
        by_update = call.query("sort") == "updated"
        found.sort(key=lambda one: one.updated_at if by_update else one.created_at, reverse=newest)
    return _listed(call, where, found)


def _listed(call: Call, where: Repository, found: list[Comment]) -> Answer:
    since = call.query("since")
    shapes = [pulls.comment(call.world, where, one) for one in found]
    return Answer(body=Page([one for one in shapes if since is None or one["updated_at"] >= since], lambda one: one))


@route("POST", f"{BASE}/<int:number>/comments", needs=WRITE, role="read", content=True)
def create_comment(call: Call, where: Repository, number: int) -> Any:
    """Write a comment."""
    the_pull(where, number)
    made = requests.comment(call.world, where, number, call.user, call.body.get("body"), call.by_app)
    return Answer(201, pulls.comment(call.world, where, made))


@route("GET", f"{BASE}/comments/<int:number>", needs=READ)
def show_comment(call: Call, where: Repository, number: int) -> Any:
    """One comment."""
    return pulls.comment(call.world, where, _comment(where, number))


@route("PATCH", f"{BASE}/comments/<int:number>", needs=WRITE, role="read")
def edit_comment(call: Call, where: Repository, number: int) -> Any:
    """Change a comment: one's own, or any with write access."""
    one = _comment(where, number)
    _own(call, where, one.user)
    requests.edit_comment(call.world, where, one, call.user, call.body.get("body"))
    return pulls.comment(call.world, where, one)


@route("DELETE", f"{BASE}/comments/<int:number>", needs=WRITE, role="read")
def delete_comment(call: Call, where: Repository, number: int) -> Any:
    """Take a comment away."""
    one = _comment(where, number)
    _own(call, where, one.user)
    requests.delete_comment(call.world, where, one, call.user)
    return Answer(204)


def _react(call: Call, on: Comment | CommitComment | Pull) -> Answer:
    made, new = requests.react(call.world, on, call.user, call.body.get("content"))
    return Answer(201 if new else 200, pulls.reaction(call.world, made))


def _reactions(call: Call, on: Comment | CommitComment | Pull) -> Answer:
    content = call.query("content")
    found = [one for one in on.reactions if content in (None, one.content)]
    return Answer(body=Page(found, lambda one: pulls.reaction(call.world, one)))


def _unreact(call: Call, on: Comment | CommitComment | Pull, reaction: int) -> Answer:
    found = next((one for one in on.reactions if one.id == reaction), None)
    if found is None:
        raise not_found()
    if found.user is not call.user:
        raise Refusal(403, "Must have admin rights to Repository.")
    on.reactions.remove(found)
    return Answer(204)


@route("POST", f"{BASE}/comments/<int:number>/reactions", needs=WRITE, role="read", content=True)
def react_to_comment(call: Call, where: Repository, number: int) -> Any:
    """React to a comment: 201 when new, 200 when it was there."""
    return _react(call, _comment(where, number))


@route("GET", f"{BASE}/comments/<int:number>/reactions", needs=READ)
def comment_reactions(call: Call, where: Repository, number: int) -> Any:
    """Reactions to a comment."""
    return _reactions(call, _comment(where, number))


@route("DELETE", f"{BASE}/comments/<int:number>/reactions/<int:reaction>", needs=WRITE, role="read")
def unreact_to_comment(call: Call, where: Repository, number: int, reaction: int) -> Any:
    """Take a reaction back."""
    return _unreact(call, _comment(where, number), reaction)


@route("POST", f"{BASE}/<int:number>/reactions", needs=WRITE, role="read", content=True)
def react_to_pull(call: Call, where: Repository, number: int) -> Any:
    """React to a pull request."""
    return _react(call, the_pull(where, number))


@route("GET", f"{BASE}/<int:number>/reactions", needs=READ)
def pull_reactions(call: Call, where: Repository, number: int) -> Any:
    """Reactions to a pull request."""
    return _reactions(call, the_pull(where, number))


def _commit_comment(where: Repository, number: int) -> CommitComment:
    found = where.commit_comments.get(number)
    if found is None:
        raise not_found()
    return found


@route("POST", "/repos/<owner>/<repo>/commits/<sha>/comments", needs="contents:read", content=True)
def create_commit_comment(call: Call, where: Repository, sha: str) -> Any:
    """Write a comment on a commit: who may read may do that, though changing one takes `contents: write`."""
    full = resolved(where, sha)
    made = requests.commit_comment(call.world, where, full, call.user, call.body.get("body"), call.by_app)
    return Answer(201, pulls.commit_comment(call.world, where, made))


@route("GET", "/repos/<owner>/<repo>/commits/<sha>/comments")
def list_commit_comments(call: Call, where: Repository, sha: str) -> Any:
    """Comments on a commit."""
    full = resolved(where, sha)
    found = [one for one in where.commit_comments.values() if one.sha == full]
    return Answer(body=Page(found, lambda one: pulls.commit_comment(call.world, where, one)))


@route("GET", "/repos/<owner>/<repo>/comments/<int:number>")
def show_commit_comment(call: Call, where: Repository, number: int) -> Any:
    """One comment on a commit."""
    return pulls.commit_comment(call.world, where, _commit_comment(where, number))


@route("PATCH", "/repos/<owner>/<repo>/comments/<int:number>", needs="contents:write", role="read")
def edit_commit_comment(call: Call, where: Repository, number: int) -> Any:
    """Change a comment on a commit."""
    one = _commit_comment(where, number)
    _own(call, where, one.user)
    one.body, one.updated_at = requests.checked_body(call.body.get("body"), "CommitComment"), call.world.clock.now()
    return pulls.commit_comment(call.world, where, one)


@route(
    "POST", "/repos/<owner>/<repo>/comments/<int:number>/reactions", needs="contents:write", role="read", content=True
)
def react_to_commit_comment(call: Call, where: Repository, number: int) -> Any:
    """React to a comment on a commit."""
    return _react(call, _commit_comment(where, number))
