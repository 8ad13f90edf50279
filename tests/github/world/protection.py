"""Branch protection: what stands between a pull request and its merge, code owners included."""

from __future__ import annotations

import re

from tests.github.world.checks import GOOD
from tests.github.world.people import allows
from tests.github.world.pulls import Pull
from tests.github.world.repository import Repository
from tests.github.world.world import World

CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")


def unmet(world: World, repository: Repository, pull: Pull) -> list[str]:
    """What protection still asks for, in GitHub's words; empty when the pull request may be merged."""
    protection = repository.protections.get(pull.base_branch)
    if protection is None:
        return []
    reasons = []
    if protection.approvals or protection.code_owners:
        approvals = _approvals(world, repository, pull)
        decision = review_decision(world, repository, pull)
        if decision == "CHANGES_REQUESTED":
            reasons.append("Changes have been requested on this pull request.")
        elif len(approvals) < protection.approvals:
            missing = protection.approvals
            noun = "review is" if missing == 1 else "reviews are"
            reasons.append(f"At least {missing} approving {noun} required by reviewers with write access.")
        elif decision == "REVIEW_REQUIRED":
            reasons.append("Waiting on code owner review.")
    results = check_results(repository, pull.head_sha)
    for name in protection.required_checks:
        state = results.get(name)
        if state != "good":
            verb = {None: "expected", "pending": "pending"}.get(state, "failing")
            reasons.append(f'Required status check "{name}" is {verb}.')
    if protection.strict and not repository.git.contains(pull.head_sha, pull.base_sha):
        reasons.append("The head branch is not up to date with the base branch.")
    return reasons


def check_results(repository: Repository, sha: str) -> dict[str, str]:
    """By name of check run or status context: good, pending or bad; the newest counts."""
    found: dict[str, str] = {}
    for run in repository.check_runs.values():
        if run.head_sha == sha:
            done = "good" if run.conclusion in GOOD else "bad"
            found[run.name] = done if run.status == "completed" else "pending"
    for status in repository.statuses:
        if status.sha == sha:
            found[status.context] = {"success": "good", "pending": "pending"}.get(status.state, "bad")
    return found


def merge_state(world: World, repository: Repository, pull: Pull) -> str:
    """`mergeable_state`: clean, dirty, blocked, behind, unstable, draft or unknown."""
    if pull.mergeable is None:
        return "unknown"
    if not pull.mergeable:
        return "dirty"
    if pull.draft:
        return "draft"
    reasons = unmet(world, repository, pull)
    if reasons:
        return "behind" if len(reasons) == 1 and "up to date" in reasons[0] else "blocked"
    bad = any(state != "good" for state in check_results(repository, pull.head_sha).values())
    return "unstable" if bad else "clean"


def _approvals(world: World, repository: Repository, pull: Pull) -> set[str]:
    return {
        login
        for login, review in pull.latest_reviews().items()
        if review.state == "APPROVED" and allows(world.role(repository, login), "write")
    }


def review_decision(world: World, repository: Repository, pull: Pull) -> str | None:
    """GraphQL's `reviewDecision`; None where no review is required and nobody asked for changes."""
    protection = repository.protections.get(pull.base_branch)
    writers = {
        login: one
        for login, one in pull.latest_reviews().items()
        if allows(world.role(repository, login), "write")
    }  # fmt: skip
    if any(one.state == "CHANGES_REQUESTED" for one in writers.values()):
        return "CHANGES_REQUESTED"
    if protection is None or not (protection.approvals or protection.code_owners):
        return None
    approvals = _approvals(world, repository, pull)
    enough = len(approvals) >= protection.approvals
    owned = not protection.code_owners or all(owners & approvals for owners in owners_of(world, repository, pull))
    return "APPROVED" if enough and owned else "REVIEW_REQUIRED"


def owners_of(world: World, repository: Repository, pull: Pull) -> list[set[str]]:
    """For each changed file that has owners: their logins (teams as their members)."""
    texts = (repository.git.read(pull.base_sha, path) for path in CODEOWNERS)
    text = next((one for one in texts if one is not None), b"").decode()
    rules = [line.split("#")[0].split() for line in text.splitlines() if line.split("#")[0].strip()]
    start = repository.git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    found = []
    for change in repository.git.changes(start, pull.head_sha):
        owners = next((rule[1:] for rule in reversed(rules) if _owns(rule[0], change.path)), [])
        if owners:
            found.append({login for owner in owners for login in _logins(world, owner)})
    return found


def _owns(pattern: str, path: str) -> bool:
    anchored = pattern.startswith("/") or "/" in pattern.rstrip("/")
    text = re.escape(pattern.strip("/")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    end = "/" if pattern.endswith("/") else "(?:/|$)"
    return re.match(("" if anchored else "(?:.*/)?") + text + end, path) is not None


def _logins(world: World, owner: str) -> set[str]:
    name = owner.lstrip("@")
    if "/" not in name:
        return {name}
    organization, slug = name.lower().split("/")
    team = world.teams.get((organization, slug))
    return set(team.members) if team else set()
