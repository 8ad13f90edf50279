"""Pull requests and their reviews."""

from __future__ import annotations

from typing import Any

from tests.github.server.routing import Answer, Call, Page, route
from tests.github.shapes import accounts, pulls, repositories
from tests.github.world import requests
from tests.github.world.pulls import Pull
from tests.github.world.refusal import invalid, not_found
from tests.github.world.repository import Repository
from tests.github.world.talk import Review

MOST_FILES = 3000
MOST_COMMITS = 250
BASE = "/repos/<owner>/<repo>/pulls"
ONE = f"{BASE}/<int:number>"
READ, WRITE = "pull_requests:read", "pull_requests:write"


def the_pull(where: Repository, number: int) -> Pull:
    """The pull request of this number. Raises Refusal 404."""
    found = where.pulls.get(number)
    if found is None:
        raise not_found()
    return found


@route("GET", BASE, needs=READ)
def list_pulls(call: Call, where: Repository) -> Any:
    """Pull requests, newest first, by state, head (`owner:branch`) and base."""
    state, head, base = call.query("state") or "open", call.query("head"), call.query("base")
    found = [
        one
        for one in where.pulls.values()
        if state in ("all", one.state)
        and (base is None or one.base_branch == base)
        and (head is None or head == f"{(one.head_repository or where).owner.login}:{one.head_branch}")
    ]
    by_update = call.query("sort") == "updated"
    newest_first = call.query("direction") != "asc" if by_update or call.query("direction") else True
    found.sort(key=lambda one: one.updated_at if by_update else one.created_at, reverse=newest_first)
    return Answer(body=Page(found, lambda one: pulls.pull(call.world, where, one)))


@route("POST", BASE, needs=WRITE, role="read", content=True)
def create(call: Call, where: Repository) -> Any:
    """Open a pull request; `head` is a branch, or `owner:branch` of a fork."""
    body = call.body
    for name in ("title", "head", "base"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise invalid("PullRequest", name, "missing_field")
    owner, _, branch = body["head"].rpartition(":")
    source = where
    if owner and owner.lower() != where.owner.login.lower():
        forks = (one for one in call.world.repositories.values() if one.parent is where)
        found = next((one for one in forks if one.owner.login.lower() == owner.lower()), None)
        if found is None:
            raise invalid("PullRequest", "head")
        source = found
    made = requests.open_pull(
        call.world, where, call.user, title=body["title"], head=branch, base=body["base"], body=body.get("body"),
        draft=bool(body.get("draft")), head_repository=source,
    )  # fmt: skip
    return Answer(201, pulls.pull(call.world, where, made, whole=True))


@route("GET", ONE, needs=READ)
def show(call: Call, where: Repository, number: int) -> Any:
    """One pull request."""
    return pulls.pull(call.world, where, the_pull(where, number), whole=True)


@route("PATCH", ONE, needs=WRITE)
def edit(call: Call, where: Repository, number: int) -> Any:
    """Change title, body, base or state."""
    one, keys = the_pull(where, number), ("title", "body", "state", "base")
    requests.edit_pull(call.world, where, one, call.user, **{key: call.body.get(key) for key in keys})
    return pulls.pull(call.world, where, one, whole=True)


@route("GET", f"{ONE}/files", needs=READ)
def files(call: Call, where: Repository, number: int) -> Any:
    """The changed files, 3,000 at most."""
    one = the_pull(where, number)
    start = where.git.merge_base(one.base_sha, one.head_sha) or one.base_sha
    found = where.git.changes(start, one.head_sha)[:MOST_FILES]
    return Answer(body=Page(found, lambda each: repositories.changed_file(call.world, where, one.head_sha, each)))


@route("GET", f"{ONE}/commits", needs=READ)
def commits(call: Call, where: Repository, number: int) -> Any:
    """Its commits, oldest first, 250 at most."""
    one = the_pull(where, number)
    found = list(reversed(where.git.log(one.head_sha, f"^{one.base_sha}")))[:MOST_COMMITS]
    return Answer(body=Page(found, lambda each: repositories.commit(call.world, where, each)))


@route("GET", f"{ONE}/merge", needs=READ)
def is_merged(call: Call, where: Repository, number: int) -> Any:
    """204 once merged."""
    if the_pull(where, number).merged_at is None:
        raise not_found()
    return Answer(204)


@route("PUT", f"{ONE}/merge", needs="contents:write", content=True)
def merge(call: Call, where: Repository, number: int) -> Any:
    """Merge it."""
    body, one = call.body, the_pull(where, number)
    sha = requests.merge_pull(
        call.world, where, one, call.user, method=body.get("merge_method") or "merge", sha=body.get("sha"),
        title=body.get("commit_title"), message=body.get("commit_message"),
    )  # fmt: skip
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


@route("GET", f"{ONE}/reviews", needs=READ)
def list_reviews(call: Call, where: Repository, number: int) -> Any:
    """Reviews, oldest first."""
    one = the_pull(where, number)
    return Answer(body=Page(one.reviews, lambda each: pulls.review(call.world, where, one, each)))


@route("POST", f"{ONE}/reviews", needs=WRITE, role="read", content=True)
def create_review(call: Call, where: Repository, number: int) -> Any:
    """Review it."""
    one, body = the_pull(where, number), call.body
    event, sha = body.get("event") or "COMMENT", body.get("commit_id")
    made = requests.review(call.world, where, one, call.user, event, body.get("body") or "", sha)
    return pulls.review(call.world, where, one, made)


def _review(where: Repository, number: int, review: int) -> Review:
    found = next((one for one in the_pull(where, number).reviews if one.id == review), None)
    if found is None:
        raise not_found()
    return found


@route("GET", f"{ONE}/reviews/<int:review>", needs=READ)
def show_review(call: Call, where: Repository, number: int, review: int) -> Any:
    """One review."""
    return pulls.review(call.world, where, the_pull(where, number), _review(where, number, review))


@route("PUT", f"{ONE}/reviews/<int:review>/dismissals", needs=WRITE)
def dismiss_review(call: Call, where: Repository, number: int, review: int) -> Any:
    """Dismiss a review."""
    one, found = the_pull(where, number), _review(where, number, review)
    requests.dismiss(call.world, where, one, found, call.user)
    return pulls.review(call.world, where, one, found)


@route("GET", "/repos/<owner>/<repo>/issues/<int:number>/timeline", needs=f"issues:read|{READ}")
def timeline(call: Call, where: Repository, number: int) -> Any:
    """What happened to it."""
    return Answer(body=Page(pulls.timeline(call.world, where, the_pull(where, number)), lambda one: one))


@route("GET", f"{ONE}/requested_reviewers", needs=READ)
def requested(call: Call, where: Repository, number: int) -> Any:
    """Whose review is asked for."""
    people = [accounts.user(call.world, each) for each in the_pull(where, number).requested_reviewers]
    return {"users": people, "teams": []}


@route("GET", f"{ONE}/comments", needs=READ)
def review_comments(call: Call, where: Repository, number: int) -> Any:
    """Comments on lines: nobody makes any here."""
    the_pull(where, number)
    return []
