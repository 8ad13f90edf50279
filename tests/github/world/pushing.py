"""What follows when branches move: push events, pull requests that get new commits, are closed or found merged."""

from __future__ import annotations

from collections.abc import Mapping

from tests.github.world.checks import CheckSuite
from tests.github.world.git_store import ZERO, Files
from tests.github.world.people import Account
from tests.github.world.pulls import Pull
from tests.github.world.refresh import refresh
from tests.github.world.repository import Activity, Repository
from tests.github.world.world import World


def commit(
    world: World, repository: Repository, files: Files, message: str = "change", *,
    branch: str | None = None, by: Account | None = None, start: str | None = None,
) -> str:  # fmt: skip
    """Commit files to a branch and push it, as one does in the web page; gives the commit. `start`: where a new branch begins."""
    who = by or repository.owner
    with world.lock:
        name = branch or repository.default_branch
        before = repository.git.refs()
        parent = before.get(f"refs/heads/{name}") or before.get(f"refs/heads/{start or repository.default_branch}")
        tree = repository.git.tree_with(parent, files)
        sha = repository.git.commit(tree, (parent,) if parent else (), message, world.author(who))
        move(world, repository, f"refs/heads/{name}", sha, who)
        return sha


def move(world: World, repository: Repository, ref: str, sha: str | None, by: Account) -> None:
    """Point a ref elsewhere (None deletes it) and tell all who care."""
    with world.lock:
        before = repository.git.refs()
        repository.git.set(ref, sha)
        pushed(world, repository, before, repository.git.refs(), by)


def pushed(
    world: World, repository: Repository, before: Mapping[str, str], after: Mapping[str, str], by: Account
) -> None:
    """Work out what a push changed."""
    with world.lock:
        for ref in sorted(before.keys() | after.keys()):
            old, new = before.get(ref, ZERO), after.get(ref, ZERO)
            if old != new:
                _moved(world, repository, ref, old, new, by)


def _moved(world: World, repository: Repository, ref: str, old: str, new: str, by: Account) -> None:
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    name = ref.split("/", 2)[2]
    if kind == "branch":
        what = _activity(repository, old, new)
        made = Activity(world.next_id(), ref, old, new, what, by, world.clock.now())
        repository.activities.append(made)
    repository.pushed_at = world.clock.now()
    if old == ZERO:
        world.emit("create", by, repository, ref=name, ref_type=kind)
    world.emit("push", by, repository, ref=ref, before=old, after=new)
    if new == ZERO:
        world.emit("delete", by, repository, ref=name, ref_type=kind)
    if kind == "branch":
        if new != ZERO:
            ask_apps(world, repository, new, name, by, old)
        _pulls_follow(world, repository, name, old, new, by)


def _activity(repository: Repository, old: str, new: str) -> str:
    if old == ZERO:
        return "branch_creation"
    if new == ZERO:
        return "branch_deletion"
    return "push" if repository.git.contains(new, old) else "force_push"


def ask_apps(
    world: World, repository: Repository, sha: str, branch: str | None, by: Account, before: str | None = None
) -> None:
    """Make the check suite of each App that may write checks, and ask for it."""
    for installation in list(world.installations.values()):
        if installation.covers(repository) and installation.permissions.get("checks") == "write":
            suite = suite_for(world, repository, installation.app.id, sha, branch, before)
            world.emit("check_suite", by, repository, "requested", installation.app.id, check_suite=suite)


def suite_for(
    world: World, repository: Repository, app: int, sha: str, branch: str | None = None, before: str | None = None
) -> CheckSuite:
    """The check suite of an App at a commit, made when new."""
    for one in repository.check_suites.values():
        if one.app == app and one.head_sha == sha:
            return one
    suite = CheckSuite(world.next_id(), app, sha, branch, world.clock.now(), before)
    repository.check_suites[suite.id] = suite
    return suite


def _pulls_follow(world: World, repository: Repository, branch: str, old: str, new: str, by: Account) -> None:
    for base in list(world.repositories.values()):
        for pull in list(base.pulls.values()):
            if pull.state == "closed":
                continue
            if pull.head_repository is repository and pull.head_branch == branch:
                _head_moved(world, base, pull, old, new, by)
            elif base is repository and pull.base_branch == branch:
                _base_moved(world, base, pull, new, by)


def _head_moved(world: World, base: Repository, pull: Pull, old: str, new: str, by: Account) -> None:
    pull.updated_at, pull.last_pusher = world.clock.now(), by
    if new == ZERO:
        close(world, base, pull, by)
        return
    refresh(world, base, pull)
    protection = base.protections.get(pull.base_branch)
    if protection and protection.dismiss_stale:
        for review in pull.reviews:
            if review.state == "APPROVED":
                review.dismiss(world.next_id(), by, world.clock.now(), new)
                world.emit("pull_request_review", by, base, "dismissed", pull=pull, review=review)
    world.emit("pull_request", by, base, "synchronize", pull=pull, before=old, after=new)


def _base_moved(world: World, base: Repository, pull: Pull, new: str, by: Account) -> None:
    if new != ZERO and base.git.contains(new, pull.head_sha):
        pull.merged_at, pull.merged_by, pull.merge_commit = world.clock.now(), by, new
        close(world, base, pull, by)
    else:
        refresh(world, base, pull)


def close(world: World, repository: Repository, pull: Pull, by: Account) -> None:
    """Close a pull request."""
    pull.closed_at = pull.updated_at = world.clock.now()
    world.emit("pull_request", by, repository, "closed", pull=pull)
