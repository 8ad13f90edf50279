"""Continuous deployment: a branch moved, and what differs from what is deployed is deployed."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select

from bot.decide.deeds import ITSELF, By
from bot.errors import HeadwaterError
from bot.github.errors import GitHubError
from bot.hosting.project import HostedProject
from bot.prepare import prepare, prepare_vanished
from bot.preparing.situation import Prepared
from bot.request import Aim, Request
from bot.server import Server
from bot.store import hosting, locks, restoring
from bot.store.hosting import PullRow
from bot.store.tables import deployments as deployment_table
from bot.store.tables import workflows as workflow_table
from bot.submit import submit
from bot.working import merges, push_lines
from bot.working.ending import ended, wake_waiting
from bot.working.merges import Push
from bot.working.places import hosted_of
from bot.working.pulling import keep_told
from bot.working.push_telling import Telling, tell
from bot.working.pushed_work import at_first, not_made, once_more, told_anew, without_made_elsewhere
from bot.working.shown_before import shown_before
from bot.working.workflow_file import plan_what_waited
from planner.definition import Workflow
from planner.problems import DefinitionError, PlannerError

_SKIPS = re.compile(r"\[skip (?:headwater|env zero)\]", re.IGNORECASE)

_MOST_SKIPPED = 20


def deploy(server: Server, key: str) -> None:
    """Deploy what a branch has and what is deployed has not, where its workflows say so."""
    github_id, _, branch = key.partition(":")
    hosted = hosted_of(server, int(github_id))
    if hosted is None:
        return
    project = server.project(hosted)
    ref = f"refs/heads/{branch}"
    there = project.mirror.update({one: one for one in (ref, f"refs/heads/{hosted.default_branch}")}, may_be_gone=ref)
    if not there and server.client(hosted).has_branch(branch):
        raise HeadwaterError(f"the branch {branch} cannot be fetched yet", "this is tried again")
    commit = project.mirror.head_of(ref) if there else None
    if commit is None:
        return
    project.mirror.keep(commit)
    if branch == hosted.default_branch:
        plan_what_waited(server, project, commit)
    if not _matters(server, project, branch):
        return
    _reread_pulls(server, project, branch)
    push = merges.push_of(server, project, branch, commit)
    _free(server, project, push.pulls)
    _deploy_unless_skipped(server, project, push)
    server.wake()


def _matters(server: Server, project: HostedProject, branch: str) -> bool:
    """Whether anything may be deployed from a branch, or was ever to be merged into it: most are neither."""
    wanted = (one.triggers.branches for one in project.default_definitions().workflows)
    if branch == project.hosted.default_branch or any(branch in branches for branches in wanted):
        return True
    with server.database.reading() as connection:
        return hosting.is_base(connection, project.hosted.id, branch)


def _reread_pulls(server: Server, project: HostedProject, branch: str) -> None:
    """What holds something and is to be merged into this branch may have been merged by this very push."""
    with server.database.reading() as connection:
        held = {one.pull for one in locks.of_repository(connection, project.hosted.id)}
        found = [hosting.pull_by_id(connection, one) for one in sorted(held)]
    client = server.client(project.hosted)
    for pull in found:
        if pull is not None and pull.open and pull.base_ref == branch:
            keep_told(server, project, client.pull(pull.number))


def _free(server: Server, project: HostedProject, pulls: Sequence[PullRow]) -> None:
    """What was merged holds nothing any more."""
    now = time.time()
    with server.database.writing() as connection:
        freed = [locks.release(connection, pull.id, ended(pull), now) for pull in pulls]
        if any(freed):
            wake_waiting(connection, project.hosted, now)


def _deploy_unless_skipped(server: Server, project: HostedProject, push: Push) -> None:
    """Deploy the newest commit, unless its message says not to: then the newest merge before it that does not.

    Looked at once more, that is what was looked at before it: some of that may have waited.
    """
    if not _SKIPS.search(project.mirror.message(push.commit)):
        _deploy(server, project, push)
        return
    if push.here is not None:
        if (earlier := _looked_at_before(server, project, push)) is not None:
            _deploy(server, project, earlier)
        return
    made = {one.merge_commit for one in push.pulls}
    for commit in push.commits[1:]:
        if commit in made and not _SKIPS.search(project.mirror.message(commit)):
            project.mirror.keep(commit)
            _deploy(server, project, push.only_until(commit))
            push = push.only_after(commit)
            break
    if _to_deploy(project, push, Telling()):
        tell(server, project, push, Telling(said=[push_lines.SKIPPED]))


def _looked_at_before(server: Server, project: HostedProject, push: Push) -> Push | None:
    """The newest commit that was looked at and not to be skipped, if the branch has gone on from it since."""
    newest = push.commit
    for _ in range(_MOST_SKIPPED):
        if push.since is None or push.first or project.mirror.parent(push.commits[-1]) != push.since:
            return None
        push = replace(merges.push_of(server, project, push.branch, push.since), newest=newest)
        if not _SKIPS.search(project.mirror.message(push.commit)):
            return push
    return None


def _to_deploy(project: HostedProject, push: Push, telling: Telling) -> list[Workflow]:
    """The workflows at this commit that deploy by themselves from this branch."""
    try:
        definitions = project.definitions(push.commit)
    except DefinitionError as error:
        telling.problems += [str(one) for one in error.problems]
        return []
    return [one for one in definitions.workflows if project.deploys_from(one, push.branch)]


def _deployed_before(project: HostedProject, push: Push) -> bool:
    """Whether anything was deployed from this branch as it was before."""
    try:
        former = project.definitions(push.since).workflows if push.since else ()
    except PlannerError:
        return push.branch == project.hosted.default_branch
    return any(project.deploys_from(one, push.branch) for one in former)


def _deploy(server: Server, project: HostedProject, push: Push) -> None:
    telling = Telling()
    workflows = _to_deploy(project, push, telling)
    if telling.problems:
        if _deployed_before(project, push):
            tell(server, project, push, telling)
        return
    prepared = [*_prepared(server, project, push, workflows, telling), *_vanished(server, project, push, telling)]
    if not workflows and not prepared and push.branch != project.hosted.default_branch:
        return
    push, late = told_anew(push)
    made = _made(server, project, push)
    rows = [row for one in prepared for row in one.rows.values()]
    doubted = {row.id for row in rows if row.doubted}  # what was shown of these may have been deployed already
    shown = shown_before(server, project, push.branch, prepared)
    with server.database.reading() as connection:
        held = locks.held(connection, [row.id for row in (*rows, *(each for one in prepared for each in one.removed))])
        overtaken = push.here is not None and restoring.overtaken(connection, push.here.deployments)
    anew = late or push.here is None or bool(push.here.problems) or overtaken
    todo = []
    for one in without_made_elsewhere(project, push, prepared, held):
        numbers = made.get(one.workflow.file, [])
        if numbers:
            todo += once_more(server, project, push, one, numbers, held)
        if anew and (late or not numbers):
            todo += at_first(project, push, not_made(project, one, numbers), shown, held, telling)
    if push.here is None:
        found = merges.deployed_from(server, push.pulls, prepared)
        telling.said[:0] = push_lines.already(found, push.told_on.number if push.told_on else None)
    news = push.here is None or push.here.problems or late or todo
    told = [number for several in made.values() for number in several]
    sure = {number: one for number, one in shown.items() if number not in doubted}

    def begin() -> list[int]:
        return [submit(project, one, sure, auto_approve=False) for one in todo]

    if news or telling.problems:
        tell(server, project, push, telling, told, begin, quiet=not workflows and not prepared)


def _request(server: Server, push: Push, workflow: str | None = None) -> Request:
    return Request(
        aim=Aim.DEPLOY,
        by=By(push.told_on.author if push.told_on else ITSELF, _origin(push), _allowed(push)),
        commit=push.commit,
        since_deployed=True,
        workflow=workflow,
        jobs=server.settings.jobs,
        continuous=True,
    )


def _origin(push: Push) -> str:
    return f"push to {push.branch}"


def _allowed(push: Push) -> tuple[str, ...]:
    """What lets a push deploy, and the merge that made it."""
    return (f"deployOnMerge: true, for {push.branch}", *(f"#{one.number} was merged" for one in push.pulls))


def _prepared(
    server: Server, project: HostedProject, push: Push, workflows: Sequence[Workflow], telling: Telling
) -> list[Prepared]:
    """What differs from what is deployed, workflow by workflow; what keeps one from it is told."""
    found: list[Prepared] = []
    for workflow in workflows:
        try:
            found += prepare(project, _request(server, push, workflow.file))
        except GitHubError:
            raise
        except (HeadwaterError, PlannerError) as error:
            telling.problems.append(f"{workflow.file}: {error}")
    return found


def _vanished(server: Server, project: HostedProject, push: Push, telling: Telling) -> list[Prepared]:
    """What becomes of workflows whose files are gone, where they were deployed from this branch."""
    try:
        found = prepare_vanished(project, _request(server, push))
    except GitHubError:
        raise
    except (HeadwaterError, PlannerError) as error:
        telling.problems.append(str(error))
        return []
    found = tuple(one for one in found if project.deploys_from(one.workflow, push.branch))
    if not found or push.branch == project.hosted.default_branch:
        return list(found)
    here = {file for file, _ in merges.had(project, push)}  # another branch may never have had them
    return [one for one in found if one.workflow.file in here]


def _made(server: Server, project: HostedProject, push: Push) -> dict[str, list[int]]:
    """The deployments that this commit of the branch has had already, and their retries, by workflow file."""
    of_branch = (deployment_table.c.origin == _origin(push)) & deployment_table.c.continuous.is_(True)
    told = push.here.deployments if push.here is not None else ()
    query = (
        select(deployment_table.c.id, workflow_table.c.file)
        .join(workflow_table, deployment_table.c.workflow_id == workflow_table.c.id)
        .where(
            workflow_table.c.repository_id == project.hosted.id,
            deployment_table.c.commit == push.commit,
            deployment_table.c.overtaken.is_(False),
            of_branch | deployment_table.c.id.in_(told),
        )
        .order_by(deployment_table.c.id)
    )
    found: dict[str, list[int]] = {}
    with server.database.reading() as connection:
        for row in connection.execute(query):
            found.setdefault(row.file, []).append(row.id)
    return found
