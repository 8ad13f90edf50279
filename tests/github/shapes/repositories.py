"""Repositories, branches, commits, files as JSON."""

from __future__ import annotations

import base64
from typing import Any

from tests.github.shapes.accounts import api, node_id, user
from tests.github.world.clock import stamp
from tests.github.world.git_store import Change, CommitText
from tests.github.world.repository import Activity, Protection, Repository
from tests.github.world.world import World

Shape = dict[str, Any]
URLS = {
    "archive": "{archive_format}{/ref}", "assignees": "assignees{/user}", "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}", "collaborators": "collaborators{/collaborator}", "comments": "comments{/number}",
    "commits": "commits{/sha}", "compare": "compare/{base}...{head}", "contents": "contents/{+path}",
    "contributors": "contributors", "deployments": "deployments", "downloads": "downloads", "events": "events",
    "forks": "forks", "git_commits": "git/commits{/sha}", "git_refs": "git/refs{/sha}", "git_tags": "git/tags{/sha}",
    "hooks": "hooks", "issue_comment": "issues/comments{/number}", "issue_events": "issues/events{/number}",
    "issues": "issues{/number}", "keys": "keys{/key_id}", "labels": "labels{/name}", "languages": "languages",
    "merges": "merges", "milestones": "milestones{/number}", "notifications": "notifications{?since,all}",
    "pulls": "pulls{/number}", "releases": "releases{/id}", "stargazers": "stargazers", "statuses": "statuses/{sha}",
    "subscribers": "subscribers", "subscription": "subscription", "tags": "tags", "teams": "teams",
    "trees": "git/trees{/sha}",
}  # fmt: skip


def url_of(world: World, repository: Repository) -> str:
    """Its address in the API."""
    return f"{api(world)}/repos/{repository.full_name}"


def html_of(world: World, repository: Repository) -> str:
    """Its address for people."""
    return f"{world.url}/{repository.full_name}"


def repository(world: World, one: Repository, *, whole: bool = False) -> Shape:
    """A repository; `whole`: as asked for alone."""
    url, html = url_of(world, one), html_of(world, one)
    host = world.url.split("//")[1]
    counts = ("forks", "forks_count", "stargazers_count", "watchers", "watchers_count", "size")
    opened = sum(pull.state == "open" for pull in one.pulls.values())
    shape = {
        "id": one.id,
        "node_id": node_id("Repository", one.id),
        "name": one.name,
        "full_name": one.full_name,
        "owner": user(world, one.owner),
        "private": one.private,
        "visibility": "private" if one.private else "public",
        "html_url": html,
        "description": None,
        "fork": one.parent is not None,
        "url": url,
        **{f"{name}_url": f"{url}/{path}" for name, path in URLS.items()},
        "git_url": f"git://{host}/{one.full_name}.git",
        "ssh_url": f"git@{host}:{one.full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "topics": [],
        **dict.fromkeys(counts, 0),
        "open_issues": opened,
        "open_issues_count": opened,
        "default_branch": one.default_branch,
        "is_template": False,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": False,
        "has_discussions": False,
        "has_pull_requests": True,
        "pull_request_creation_policy": "all",
        "archived": one.archived,
        "disabled": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "pushed_at": stamp(one.pushed_at or one.created_at),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
    }
    if whole:
        shape |= {"subscribers_count": 0, "network_count": 0, "allow_merge_commit": True, "allow_squash_merge": True}
        shape |= {"allow_rebase_merge": True, "allow_auto_merge": False, "delete_branch_on_merge": False}
        if one.parent:
            shape |= {"parent": repository(world, one.parent), "source": repository(world, one.parent)}
    return shape


def simple_commit(world: World, one: CommitText) -> Shape:
    """A commit as webhooks and check suites show it."""
    return {
        "id": one.sha,
        "tree_id": one.tree,
        "message": one.message,
        "timestamp": one.date,
        "author": {"name": one.author.name, "email": one.author.email},
        "committer": {"name": one.committer.name, "email": one.committer.email},
    }


def commit(world: World, where: Repository, one: CommitText) -> Shape:
    """A commit as the API lists it."""
    url, html = url_of(world, where), html_of(world, where)
    people = {
        role: {"name": who.name, "email": who.email, "date": one.date}
        for role, who in (("author", one.author), ("committer", one.committer))
    }
    return {
        "sha": one.sha,
        "node_id": node_id("Commit", int(one.sha[:8], 16)),
        "url": f"{url}/commits/{one.sha}",
        "html_url": f"{html}/commit/{one.sha}",
        "comments_url": f"{url}/commits/{one.sha}/comments",
        "commit": {
            **people,
            "url": f"{url}/git/commits/{one.sha}",
            "message": one.message,
            "tree": {"sha": one.tree, "url": f"{url}/git/trees/{one.tree}"},
            "comment_count": 0,
            "verification": {
                "verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None,
            },
        },
        "author": user(world, world.accounts.get(one.author.name.lower())),
        "committer": user(world, world.accounts.get(one.committer.name.lower())),
        "parents": [
            {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{html}/commit/{sha}"} for sha in one.parents
        ],
    }  # fmt: skip


def git_commit(world: World, where: Repository, one: CommitText) -> Shape:
    """A commit as git's database has it."""
    found = commit(world, where, one)
    inner = found["commit"]
    keep = {name: found[name] for name in ("sha", "node_id", "html_url", "parents")}
    return {**keep, **{name: inner[name] for name in ("url", "author", "committer", "message", "tree", "verification")}}


def changed_file(world: World, where: Repository, sha: str, change: Change) -> Shape:
    """One file of a pull request or comparison (no patch)."""
    status = {"A": "added", "D": "removed"}.get(change.letter, "modified")
    url, html = url_of(world, where), html_of(world, where)
    return {
        "sha": change.blob,
        "filename": change.path,
        "status": status,
        "additions": change.added,
        "deletions": change.deleted,
        "changes": change.added + change.deleted,
        "blob_url": f"{html}/blob/{sha}/{change.path}",
        "raw_url": f"{html}/raw/{sha}/{change.path}",
        "contents_url": f"{url}/contents/{change.path}?ref={sha}",
    }


def branch(world: World, where: Repository, name: str, sha: str, *, whole: bool = False) -> Shape:
    """A branch; `whole`: as asked for alone."""
    url = url_of(world, where)
    rules = where.protections.get(name)
    checks = {
        "enforcement_level": "everyone" if rules else "off",
        "contexts": list(rules.required_checks if rules else ()),
    }
    shape: Shape = {
        "name": name,
        "commit": {"sha": sha, "url": f"{url}/commits/{sha}"},
        "protected": rules is not None,
        "protection": {"enabled": rules is not None, "required_status_checks": {**checks, "checks": []}},
        "protection_url": f"{url}/branches/{name}/protection",
    }
    if whole:
        shape["commit"] = commit(world, where, where.git.log(sha, most=1)[0])
        shape["_links"] = {"self": f"{url}/branches/{name}", "html": f"{html_of(world, where)}/tree/{name}"}
    return shape


def activity(world: World, one: Activity) -> Shape:
    """A move of a branch."""
    return {
        "id": one.id,
        "node_id": f"ACT_{one.id}",
        "before": one.before,
        "after": one.after,
        "ref": one.ref,
        "timestamp": stamp(one.at),
        "activity_type": one.kind,
        "actor": user(world, one.actor),
    }


def protection(world: World, where: Repository, name: str, rules: Protection) -> Shape:
    """Branch protection."""
    url = f"{url_of(world, where)}/branches/{name}/protection"
    shape: Shape = {
        "url": url,
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": rules.enforce_admins},
        "required_linear_history": {"enabled": False},
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
        "required_signatures": {"url": f"{url}/required_signatures", "enabled": False},
    }
    if rules.required_checks or rules.strict:
        shape["required_status_checks"] = {
            "url": f"{url}/required_status_checks",
            "strict": rules.strict,
            "contexts": list(rules.required_checks),
            "contexts_url": f"{url}/required_status_checks/contexts",
            "checks": [{"context": one, "app_id": None} for one in rules.required_checks],
        }
    if rules.approvals or rules.code_owners:
        shape["required_pull_request_reviews"] = {
            "url": f"{url}/required_pull_request_reviews",
            "dismiss_stale_reviews": rules.dismiss_stale,
            "require_code_owner_reviews": rules.code_owners,
            "required_approving_review_count": rules.approvals,
            "require_last_push_approval": False,
        }
    return shape


def content(world: World, where: Repository, ref: str, path: str, blob: str, data: bytes | None, kind: str) -> Shape:
    """A file (`data`), or an entry of a folder (None)."""
    url = f"{url_of(world, where)}/contents/{path}?ref={ref}"
    git_url, html = f"{url_of(world, where)}/git/blobs/{blob}", f"{html_of(world, where)}/blob/{ref}/{path}"
    shape: Shape = {
        "type": {"tree": "dir", "commit": "submodule"}.get(kind, "file"),
        "size": len(data or b""),
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": blob,
        "url": url,
        "git_url": git_url,
        "html_url": html,
        "download_url": f"{html_of(world, where)}/raw/{ref}/{path}",
        "_links": {"self": url, "git": git_url, "html": html},
    }
    if data is not None:
        shape |= {"encoding": "base64", "content": base64.encodebytes(data).decode()}
    return shape
