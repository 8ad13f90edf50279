"""I6: whether what people see says what the store says, and nobody works on what belongs to another one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tests.soak.records import Deed, Records, Task, changing
from tests.soak.tools import named


def one_truth(records: Records) -> Iterator[str]:
    """I6: what people see says what the store says; no environment has two owners, no lock is left behind."""
    yield from _owners(records)
    pulls = {one.number: one for one in records.pulls}
    for name, number in records.locks:
        if number not in pulls or pulls[number].state == "merged":
            yield f"{name} is locked by #{number}, which was merged"
    if records.final and records.locks:
        yield f"locks are left: {list(records.locks)}"
    if records.left:
        return  # nothing has come to rest that could be compared
    often = Counter(one.body.partition("\n")[0] for one in records.remarks if one.bot)
    for marker, times in often.items():
        if times > 1:
            yield f"{times} comments are {marker}"
    for one in records.pulls:
        plans = [each for each in records.remarks if each.bot and each.pull == one.number and _is_plan(each.body)]
        if one.state == "open" and _touches(records, one.head) and not any(one.head[:7] in each.body for each in plans):
            yield f"#{one.number} has no plan comment of its head {one.head[:7]}"
    begun = {one.id for one in records.deployments if one.action != "plan"}
    for command in records.commands:
        if command.state in ("refused", "asked") and begun & set(command.deployments):
            yield f"/{command.verb} on #{command.pull} is {command.state}, though it has begun"
    busy = any(one.state in ("queued", "running") and not one.waits for one in records.deployments)
    asked = {f"<!-- headwater deployment c{one.id} -->" for one in records.commands if one.verb in _OF_THEN}
    for remark in records.remarks:
        then = remark.body.partition("\n")[0] in asked
        if remark.bot and "◐" in remark.body and not busy and not then:
            yield f"a comment on #{remark.pull} says that something goes on: {remark.body[:200]!r}"
        for number in re.findall(r"queued behind deployment (\d+)", remark.body) if remark.bot and not then else ():
            if any(one.id == int(number) and one.state not in ("queued", "running") for one in records.deployments):
                yield f"a comment on #{remark.pull} says that it queues behind {number}, which has ended"
    for check in records.checks:
        if check.status != "completed" and not any(one.state in ("queued", "running") for one in records.deployments):
            yield f"check {check.name!r} of {check.head[:7]} is still {check.status}"
    yield from _said_of_tasks(records)
    yield from _concluded(records)
    yield from _deployed_at_github(records)


def _concluded(records: Records) -> Iterator[str]:
    """The check of a head's deploys has passed if, and only if, the newest of them did."""
    main = set(records.main)
    made = [one for one in records.deployments if not one.continuous and one.action in ("deploy", "destroy", "adopt")]
    newest = {(one.name, one.head): one for one in records.checks if one.name.startswith(_DEPLOYS)}
    for check in newest.values():
        pulls = {deed.pull for deed in records.deeds if deed.head == check.head}
        if check.status != "completed" or any(one.pull in pulls and one.commit in main for one in made):
            continue  # what is restored is told there as well
        deploys = [one for one in made if one.commit == check.head]
        good = bool(deploys) and max(deploys, key=lambda one: one.id).state == "succeeded"
        if good != (check.conclusion == "success"):
            yield f"check {check.name!r} of {check.head[:7]} is {check.conclusion}, and its deployments are {deploys}"


def _deployed_at_github(records: Records) -> Iterator[str]:
    """GitHub's own deployments, which it makes of jobs, tell of no success where an attempt failed, nor the other way round."""
    results = {(one.job, one.id): one.result for one in records.attempts if one.mutates}
    broken = any(one.fault in _OF_JOBS for one in records.weather)  # a job may be lost once it has reported
    for job in records.jobs:
        result, last = results.get((job.id, job.attempt), ""), next(iter(job.told[-1:]), "")
        if result == "failed" and last in ("success", "inactive"):
            yield f"job {job.id} is deployed for GitHub, and its attempt {job.attempt} failed"
        elif result in ("succeeded", "no changes") and last in ("failure", "error") and not broken:
            yield f"job {job.id} failed for GitHub, and its attempt {job.attempt} is {result}"


_OF_JOBS = frozenset({3, 33, 34})
_DEPLOYS = "headwater deploy: "
_FREES = ("/unlock", "/restore", "/destroy")


def _owners(records: Records) -> Iterator[str]:
    """What one pull request deployed is its own until it is merged, or somebody frees it."""
    main, pulls = set(records.main), {one.head: one.pull for one in records.deeds if one.pull}
    owners: dict[str, tuple[int, int]] = {}  # environment -> pull request, and the line at which it began to deploy
    for one in changing(records):
        pull = None if one.commit in main else pulls.get(one.commit)
        if pull is None and one.commit not in main:
            continue
        owner, since = owners.get(one.environment, (pull, 0))
        before = [deed for deed in records.deeds if deed.after <= one.start]
        if owner != pull and not any(
            _frees(deed, owner, since) or _restores(deed, owner, since, before) for deed in before
        ):
            yield f"{named(one)} ran for {_whose(pull)} while it belonged to {_whose(owner)}"
        if one.event == "end" and one.step == "apply" and pull is not None:
            owners[one.environment] = (pull, one.start)
        elif one.event == "end":
            owners.pop(one.environment, None)


def _frees(deed: Deed, owner: int | None, since: int) -> bool:
    """Whether it frees what its owner began to deploy at that line; a merge also what is deployed after it."""
    if deed.kind == "merge":
        return deed.pull == owner
    return deed.kind == "say" and deed.text.startswith(_FREES) and deed.after >= since


def _restores(deed: Deed, owner: int | None, since: int, before: Sequence[Deed]) -> bool:
    """Whether it approves a restore of what that pull request began to deploy only after it was asked to be restored."""
    asked = any(one.kind == "say" and one.pull == owner and one.text.startswith("/restore") for one in before)
    return (
        asked and deed.kind == "say" and deed.pull == owner and deed.text.startswith("/approve") and deed.after >= since
    )


def _whose(pull: int | None) -> str:
    return "the default branch" if pull is None else f"#{pull}"


def _touches(records: Records, head: str) -> bool:
    """Whether a commit wants something else of an environment than where its branch began."""
    base = records.texts.get(records.bases.get(head, ""))
    return base is not None and records.texts.get(head) != base


def _is_plan(body: str) -> bool:
    return body.startswith("<!-- headwater plan")


_OF_THEN = frozenset({"status", "explain", "help"})
"""Commands whose answers say how things stood when somebody asked."""
_SIGNS = {"succeeded": "✓–", "failed": "✗", "timed out": "✗", "cancelled": "⊘", "blocked": "⊘", "needs approval": "!"}


def _said_of_tasks(records: Records) -> Iterator[str]:
    """Of each environment that a comment tells of, the newest task is told with its state."""
    tasks: dict[int, list[Task]] = defaultdict(list)
    for one in records.tasks:
        tasks[one.deployment].append(one)
    for comment, deployments in records.told.items():
        body = next((one.body for one in records.remarks if one.id == comment), None)
        if body is None:
            yield f"comment {comment} is not there"
            continue
        told = [each for deployment in sorted(deployments) for each in tasks[deployment]]
        newest = {one.environment: one for one in told if one.action in ("deploy", "destroy")}
        for task in newest.values():
            if task.state not in _SIGNS:
                continue
            alias = task.alias or task.environment
            rows = [line for line in body.splitlines() if line.startswith(f"| `{alias}` |")]
            if not any(sign in row for row in rows for sign in _SIGNS[task.state]):
                yield f"{task.environment} of deployment {task.deployment} is {task.state}, and {rows} is said"
