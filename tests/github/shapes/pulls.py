"""Pull requests, their comments, reactions and reviews as JSON."""

from __future__ import annotations

from typing import Any

from tests.github.shapes.accounts import app as app_shape
from tests.github.shapes.accounts import node_id, user
from tests.github.shapes.repositories import html_of, repository, url_of
from tests.github.world.clock import stamp
from tests.github.world.people import Account
from tests.github.world.protection import merge_state
from tests.github.world.pulls import Pull
from tests.github.world.repository import Repository
from tests.github.world.talk import Comment, CommitComment, Dismissal, Reaction, Review
from tests.github.world.world import World

Shape = dict[str, Any]


def association(world: World, where: Repository, account: Account) -> str:
    """What the author of something is to the repository."""
    if where.owner is account:
        return "OWNER"
    if account.login in where.owner.members:
        return "MEMBER"
    return "COLLABORATOR" if account.login in where.collaborators else "NONE"


def _side(world: World, where: Repository | None, owner: Account, branch: str, sha: str) -> Shape:
    account = where.owner if where else owner
    found = repository(world, where) if where else None
    return {
        "label": f"{account.login}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": user(world, account),
        "repo": found,
    }


def pull(world: World, where: Repository, one: Pull, *, whole: bool = False) -> Shape:
    """A pull request; `whole`: as asked for alone, and in webhooks."""
    url, html = f"{url_of(world, where)}/pulls/{one.number}", f"{html_of(world, where)}/pull/{one.number}"
    issue = f"{url_of(world, where)}/issues/{one.number}"
    statuses = f"{url_of(world, where)}/statuses/{one.head_sha}"
    links = {
        "self": url, "html": html, "issue": issue, "comments": f"{issue}/comments", "commits": f"{url}/commits",
        "review_comments": f"{url}/comments", "review_comment": f"{url_of(world, where)}/pulls/comments{{/number}}",
        "statuses": statuses,
    }  # fmt: skip
    shape = {
        "url": url,
        "id": one.id,
        "node_id": node_id("PullRequest", one.id),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": statuses,
        "number": one.number,
        "state": one.state,
        "locked": False,
        "title": one.title,
        "user": user(world, one.user),
        "body": one.body,
        "labels": [],
        "milestone": None,
        "active_lock_reason": None,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "closed_at": stamp(one.closed_at),
        "merged_at": stamp(one.merged_at),
        "merge_commit_sha": one.merge_commit or where.git.resolve(f"refs/pull/{one.number}/merge"),
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [user(world, each) for each in one.requested_reviewers],
        "requested_teams": [],
        "head": _side(world, one.head_repository, one.user, one.head_branch, one.head_sha),
        "base": _side(world, where, where.owner, one.base_branch, one.base_sha),
        "_links": {name: {"href": link} for name, link in links.items()},
        "author_association": association(world, where, one.user),
        "auto_merge": None,
        "draft": one.draft,
    }
    return {**shape, **_counted(world, where, one)} if whole else shape


def _counted(world: World, where: Repository, one: Pull) -> Shape:
    start = where.git.merge_base(one.base_sha, one.head_sha) or one.base_sha
    changes = where.git.changes(start, one.head_sha)
    return {
        "merged": one.merged_at is not None,
        "mergeable": one.mergeable if one.state == "open" else None,
        "rebaseable": one.mergeable if one.state == "open" else None,
        "mergeable_state": merge_state(world, where, one) if one.state == "open" else "unknown",
        "merged_by": user(world, one.merged_by),
        "comments": sum(each.number == one.number for each in where.comments.values()),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": int(where.git.run("rev-list", "--count", f"{start}..{one.head_sha}")),
        "additions": sum(each.added for each in changes),
        "deletions": sum(each.deleted for each in changes),
        "changed_files": len(changes),
    }


def minimal(world: World, where: Repository, one: Pull) -> Shape:
    """A pull request as check runs and workflow runs name it."""

    def side(at: Repository, ref: str, sha: str) -> Shape:
        return {"ref": ref, "sha": sha, "repo": {"id": at.id, "url": url_of(world, at), "name": at.name}}

    head = one.head_repository or where
    return {
        "id": one.id,
        "number": one.number,
        "url": f"{url_of(world, where)}/pulls/{one.number}",
        "head": side(head, one.head_branch, one.head_sha),
        "base": side(where, one.base_branch, one.base_sha),
    }


def pulls_of(world: World, where: Repository, sha: str) -> list[Shape]:
    """The open pull requests of this repository's own branches whose head is this commit."""
    return [
        minimal(world, where, one)
        for one in where.pulls.values()
        if one.state == "open" and one.head_sha == sha and one.head_repository is where
    ]


def reactions(url: str, found: list[Reaction]) -> Shape:
    """How often each reaction was given."""
    names = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    counts = {name: sum(one.content == name for one in found) for name in names}
    return {"url": f"{url}/reactions", "total_count": len(found), **counts}


def reaction(world: World, one: Reaction) -> Shape:
    """One reaction."""
    return {
        "id": one.id,
        "node_id": node_id("Reaction", one.id),
        "user": user(world, one.user),
        "content": one.content,
        "created_at": stamp(one.created_at),
    }


def issue(world: World, where: Repository, one: Pull) -> Shape:
    """A pull request seen as an issue."""
    url, html = f"{url_of(world, where)}/issues/{one.number}", f"{html_of(world, where)}/pull/{one.number}"
    return {
        "url": url,
        "repository_url": url_of(world, where),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": html,
        "id": one.id,
        "node_id": node_id("PullRequest", one.id),
        "number": one.number,
        "title": one.title,
        "user": user(world, one.user),
        "labels": [],
        "state": one.state,
        "state_reason": None,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": sum(each.number == one.number for each in where.comments.values()),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "closed_at": stamp(one.closed_at),
        "author_association": association(world, where, one.user),
        "active_lock_reason": None,
        "draft": one.draft,
        "body": one.body,
        "reactions": reactions(url, one.reactions),
        "performed_via_github_app": None,
        "pull_request": {
            "url": f"{url_of(world, where)}/pulls/{one.number}", "html_url": html, "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch", "merged_at": stamp(one.merged_at),
        },
    }  # fmt: skip


def comment(world: World, where: Repository, one: Comment) -> Shape:
    """A comment on a pull request."""
    url = f"{url_of(world, where)}/issues/comments/{one.id}"
    return {
        "url": url,
        "html_url": f"{html_of(world, where)}/pull/{one.number}#issuecomment-{one.id}",
        "issue_url": f"{url_of(world, where)}/issues/{one.number}",
        "id": one.id,
        "node_id": node_id("IssueComment", one.id),
        "user": user(world, one.user),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "author_association": association(world, where, one.user),
        "body": one.body,
        "reactions": reactions(url, one.reactions),
        "performed_via_github_app": app_shape(world, world.apps[one.by_app]) if one.by_app else None,
    }


def commit_comment(world: World, where: Repository, one: CommitComment) -> Shape:
    """A comment on a commit."""
    url = f"{url_of(world, where)}/comments/{one.id}"
    return {
        "url": url,
        "html_url": f"{html_of(world, where)}/commit/{one.sha}#commitcomment-{one.id}",
        "id": one.id,
        "node_id": node_id("CommitComment", one.id),
        "user": user(world, one.user),
        "position": None,
        "line": None,
        "path": None,
        "commit_id": one.sha,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "author_association": association(world, where, one.user),
        "body": one.body,
        "reactions": reactions(url, one.reactions),
    }


def timeline(world: World, where: Repository, on: Pull) -> list[Shape]:
    """What happened to its reviews, oldest first; the other events of GitHub's timeline are not told here."""
    found = []
    for one in on.reviews:
        found.append((one.submitted_at, {"event": "reviewed", **review(world, where, on, one)}))
        if one.dismissal is not None:
            found.append((one.dismissal.at, _dismissed(world, where, one, one.dismissal)))
    return [event for _, event in sorted(found, key=lambda each: each[0])]


def _dismissed(world: World, where: Repository, one: Review, dismissal: Dismissal) -> Shape:
    by_commit = {"dismissal_commit_id": dismissal.commit} if dismissal.commit else {}
    return {
        "id": dismissal.id,
        "node_id": node_id("ReviewDismissedEvent", dismissal.id),
        "url": f"{url_of(world, where)}/issues/events/{dismissal.id}",
        "actor": user(world, dismissal.by),
        "event": "review_dismissed",
        "commit_id": None,
        "commit_url": None,
        "created_at": stamp(dismissal.at),
        "performed_via_github_app": None,
        "dismissed_review": {
            "state": dismissal.was.lower(),
            "review_id": one.id,
            "dismissal_message": None,
            **by_commit,
        },
    }


def review(world: World, where: Repository, on: Pull, one: Review) -> Shape:
    """A review."""
    html = f"{html_of(world, where)}/pull/{on.number}"
    link = f"{html}#pullrequestreview-{one.id}"
    url = f"{url_of(world, where)}/pulls/{on.number}"
    return {
        "id": one.id,
        "node_id": node_id("PullRequestReview", one.id),
        "user": user(world, one.user),
        "body": one.body,
        "state": one.state,
        "html_url": link,
        "pull_request_url": url,
        "author_association": association(world, where, one.user),
        "_links": {"html": {"href": link}, "pull_request": {"href": url}},
        "submitted_at": stamp(one.submitted_at),
        "updated_at": stamp(one.submitted_at),
        "commit_id": one.sha,
    }
