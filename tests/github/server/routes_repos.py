"""Repositories: branches, commits, files, refs, protection."""

from __future__ import annotations

import base64
import binascii
import subprocess
from typing import Any

from tests.github.server.routing import Answer, Call, Page, route
from tests.github.shapes import accounts, pulls, repositories
from tests.github.world.git_store import CommitText
from tests.github.world.pushing import commit as make_commit
from tests.github.world.pushing import move
from tests.github.world.refusal import Refusal, invalid, not_found
from tests.github.world.repository import Repository

MOST_COMPARED_FILES = 300
MOST_FILE_BYTES = 1024 * 1024


def resolved(where: Repository, name: str) -> str:
    """The commit that a name means. Raises Refusal."""
    found = where.git.resolve(name)
    if found is None:
        raise Refusal(422, f"No commit found for SHA: {name}")
    return found


@route("GET", "/repos/<owner>/<repo>")
def show(call: Call, where: Repository) -> Any:
    """The repository."""
    return repositories.repository(call.world, where, whole=True)


@route("GET", "/repos/<owner>/<repo>/activity", needs="contents:read")
def list_activities(call: Call, where: Repository) -> Any:
    """Who moved which branch, newest first."""
    ref = call.query("ref")
    found = [one for one in reversed(where.activities) if ref in (None, one.ref, one.ref.removeprefix("refs/heads/"))]
    return Answer(body=Page(found, lambda one: repositories.activity(call.world, one)))


@route("GET", "/repos/<owner>/<repo>/branches", needs="contents:read")
def list_branches(call: Call, where: Repository) -> Any:
    """All branches."""
    found = [(ref[11:], sha) for ref, sha in where.git.refs().items() if ref.startswith("refs/heads/")]
    return Answer(body=Page(found, lambda one: repositories.branch(call.world, where, *one)))


@route("GET", "/repos/<owner>/<repo>/branches/<path:name>", needs="contents:read")
def show_branch(call: Call, where: Repository, name: str) -> Any:
    """One branch."""
    sha = where.git.branch(name)
    if sha is None:
        raise Refusal(404, "Branch not found")
    return repositories.branch(call.world, where, name, sha, whole=True)


@route("GET", "/repos/<owner>/<repo>/branches/<path:name>/protection", needs="administration:read", role="admin")
def show_protection(call: Call, where: Repository, name: str) -> Any:
    """What a branch demands."""
    rules = where.protections.get(name)
    if rules is None:
        raise Refusal(404, "Branch not protected")
    return repositories.protection(call.world, where, name, rules)


def _part(call: Call, where: Repository, name: str, part: str) -> Any:
    found = show_protection(call, where, name).get(part)
    if found is None:
        raise not_found()
    return found


@route(
    "GET",
    "/repos/<owner>/<repo>/branches/<path:name>/protection/required_status_checks",
    needs="administration:read",
    role="admin",
)
def show_required_checks(call: Call, where: Repository, name: str) -> Any:
    """The checks that a branch demands."""
    return _part(call, where, name, "required_status_checks")


@route(
    "GET",
    "/repos/<owner>/<repo>/branches/<path:name>/protection/required_pull_request_reviews",
    needs="administration:read",
    role="admin",
)
def show_required_reviews(call: Call, where: Repository, name: str) -> Any:
    """The reviews that a branch demands."""
    return _part(call, where, name, "required_pull_request_reviews")


@route("GET", "/repos/<owner>/<repo>/rules/branches/<path:name>")
def show_rules(call: Call, where: Repository, name: str) -> Any:
    """Rulesets: this GitHub has classic protection alone."""
    return []


def _commit(call: Call, where: Repository, sha: str) -> CommitText:
    return where.git.log(resolved(where, sha), most=1)[0]


@route("GET", "/repos/<owner>/<repo>/commits", needs="contents:read")
def list_commits(call: Call, where: Repository) -> Any:
    """Commits of a branch, newest first."""
    start = resolved(where, call.query("sha") or where.default_branch)
    return Answer(body=Page(where.git.log(start), lambda one: repositories.commit(call.world, where, one)))


@route("GET", "/repos/<owner>/<repo>/commits/<path:sha>", needs="contents:read")
def show_commit(call: Call, where: Repository, sha: str) -> Any:
    """One commit with its files."""
    one = _commit(call, where, sha)
    base = one.parents[0] if one.parents else "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    files = [repositories.changed_file(call.world, where, one.sha, each) for each in where.git.changes(base, one.sha)]
    added, deleted = sum(each["additions"] for each in files), sum(each["deletions"] for each in files)
    stats = {"total": added + deleted, "additions": added, "deletions": deleted}
    return {**repositories.commit(call.world, where, one), "stats": stats, "files": files[:300]}


@route("GET", "/repos/<owner>/<repo>/commits/<sha>/pulls", needs="pull_requests:read|contents:read")
def pulls_of_commit(call: Call, where: Repository, sha: str) -> Any:
    """The pull requests that hold a commit, or that made it by their merge."""
    full = resolved(where, sha)
    found = [
        one
        for one in where.pulls.values()
        if (full == one.merge_commit and one.merged_at is not None and call.github.listed(one.merged_at))
        or (
            where.git.contains(one.head_sha, full)
            and not (one.state == "open" and where.git.contains(one.base_sha, full))
        )
    ]
    return Answer(body=Page(found, lambda one: pulls.pull(call.world, where, one)))


@route("GET", "/repos/<owner>/<repo>/git/commits/<sha>", needs="contents:read")
def show_git_commit(call: Call, where: Repository, sha: str) -> Any:
    """One commit as git has it."""
    return repositories.git_commit(call.world, where, _commit(call, where, sha))


@route("GET", "/repos/<owner>/<repo>/compare/<path:basehead>", needs="contents:read")
def compare(call: Call, where: Repository, basehead: str) -> Any:
    """Two commits compared: from their merge base, 300 files at most."""
    base_name, _, head_name = basehead.partition("...")
    base, head = where.git.resolve(base_name), where.git.resolve(head_name)
    start = where.git.merge_base(base, head) if base and head else None
    if base is None or head is None or start is None:
        raise not_found()
    ahead, behind = where.git.log(head, f"^{base}"), where.git.log(base, f"^{head}")
    status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind", (False, False): "identical"}
    html = f"{repositories.html_of(call.world, where)}/compare/{basehead}"
    shape = repositories.commit
    return {
        "url": f"{repositories.url_of(call.world, where)}/compare/{basehead}",
        "html_url": html,
        "permalink_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": shape(call.world, where, where.git.log(base, most=1)[0]),
        "merge_base_commit": shape(call.world, where, where.git.log(start, most=1)[0]),
        "status": status[bool(ahead), bool(behind)],
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [shape(call.world, where, one) for one in reversed(ahead)],
        "files": [
            repositories.changed_file(call.world, where, head, one)
            for one in where.git.changes(start, head)[:MOST_COMPARED_FILES]
        ],
    }


@route("GET", "/repos/<owner>/<repo>/contents/", needs="contents:read")
@route("GET", "/repos/<owner>/<repo>/contents/<path:path>", needs="contents:read")
def contents(call: Call, where: Repository, path: str = "") -> Any:
    """A file, or what a folder holds."""
    ref = call.query("ref") or where.default_branch
    sha = where.git.resolve(ref)
    if sha is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    path = path.strip("/")
    data = where.git.read(sha, path) if path else None
    if data is not None:
        blob = where.git.run("rev-parse", f"{sha}:{path}")
        if "raw" in call.request.headers.get("Accept", ""):
            return Answer(raw=data, headers={"Content-Type": "application/vnd.github.raw"})
        if len(data) > MOST_FILE_BYTES:
            data = b""
        return repositories.content(call.world, where, ref, path, blob, data, "blob")
    entries = where.git.listing(sha, path)
    if not entries:
        raise not_found()
    return [repositories.content(call.world, where, ref, at, blob, None, kind) for _, kind, blob, at in entries]


@route("PUT", "/repos/<owner>/<repo>/contents/<path:path>", needs="contents:write", content=True)
def put_contents(call: Call, where: Repository, path: str) -> Any:
    """Commit one file."""
    branch = call.body.get("branch") or where.default_branch
    try:
        data = base64.b64decode(call.body.get("content", ""), validate=False)
    except binascii.Error as failed:
        raise Refusal(422, "content is not valid Base64") from failed
    start = where.git.branch(branch)
    known = where.git.run("rev-parse", f"{start}:{path}") if start and where.git.read(start, path) is not None else None
    if known is not None and call.body.get("sha") != known:
        raise Refusal(409, f"{path} does not match {call.body.get('sha')}")
    sha = make_commit(call.world, where, {path: data}, call.body.get("message", ""), branch=branch, by=call.user)
    blob = where.git.run("rev-parse", f"{sha}:{path}")
    content = repositories.content(call.world, where, branch, path, blob, None, "blob")
    commit = repositories.git_commit(call.world, where, where.git.log(sha, most=1)[0])
    return Answer(201 if known is None else 200, {"content": content, "commit": commit})


def _ref(call: Call, where: Repository, ref: str, sha: str) -> dict[str, Any]:
    url = repositories.url_of(call.world, where)
    return {
        "ref": ref,
        "node_id": accounts.node_id("Ref", where.id),
        "url": f"{url}/git/{ref}",
        "object": {"type": "commit", "sha": sha, "url": f"{url}/git/commits/{sha}"},
    }


@route("GET", "/repos/<owner>/<repo>/git/ref/<path:name>", needs="contents:read")
def show_ref(call: Call, where: Repository, name: str) -> Any:
    """One ref, `heads/main`."""
    sha = where.git.refs().get(f"refs/{name}")
    if sha is None:
        raise not_found()
    return _ref(call, where, f"refs/{name}", sha)


@route("POST", "/repos/<owner>/<repo>/git/refs", needs="contents:write", content=True)
def create_ref(call: Call, where: Repository) -> Any:
    """Make a branch or tag."""
    name, sha = str(call.body.get("ref", "")), str(call.body.get("sha", ""))
    if not name.startswith(("refs/heads/", "refs/tags/")):
        raise Refusal(422, "Reference name must start with 'refs/' and contain at least two slashes")
    if name in where.git.refs():
        raise Refusal(422, "Reference already exists")
    if where.git.resolve(sha) != sha:
        raise Refusal(422, "Object does not exist")
    move(call.world, where, name, sha, call.user)
    return Answer(201, _ref(call, where, name, sha))


@route("PATCH", "/repos/<owner>/<repo>/git/refs/<path:name>", needs="contents:write")
def update_ref(call: Call, where: Repository, name: str) -> Any:
    """Move a branch; backwards only with `force`."""
    ref, sha = f"refs/{name}", str(call.body.get("sha", ""))
    old = where.git.refs().get(ref)
    if old is None:
        raise Refusal(422, "Reference does not exist")
    if where.git.resolve(sha) != sha:
        raise Refusal(422, "Object does not exist")
    if not call.body.get("force") and not where.git.contains(sha, old):
        raise Refusal(422, "Update is not a fast forward")
    move(call.world, where, ref, sha, call.user)
    return _ref(call, where, ref, sha)


@route("DELETE", "/repos/<owner>/<repo>/git/refs/<path:name>", needs="contents:write")
def delete_ref(call: Call, where: Repository, name: str) -> Any:
    """Delete a branch or tag."""
    if f"refs/{name}" not in where.git.refs():
        raise Refusal(422, "Reference does not exist")
    move(call.world, where, f"refs/{name}", None, call.user)
    return Answer(204)


@route("POST", "/repos/<owner>/<repo>/forks", needs="contents:read", content=True)
def fork(call: Call, where: Repository) -> Any:
    """Fork to the caller's account, or to an organization's."""
    owner = call.body.get("organization") or call.user.login
    name = call.body.get("name") or where.name
    try:
        made = call.world.create_repository(f"{owner}/{name}", parent=where)
    except subprocess.CalledProcessError as failed:
        raise invalid("Repository", "name") from failed
    return Answer(202, repositories.repository(call.world, made, whole=True))
