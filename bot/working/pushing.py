"""Continuous deployment: a branch moved, and what differs from what is deployed is deployed."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, select

from bot.decide.facts import TaskAction
from bot.decide.transitions import DEPLOYMENT_FINISHED
from bot.errors import HeadwaterError
from bot.github.errors import GitHubError
from bot.hosting.project import HostedProject
from bot.prepare import prepare
from bot.preparing.cautions import about_preparation
from bot.preparing.situation import Prepared
from bot.request import Aim, Request
from bot.server import Server
from bot.store import conversation, hosting, locks, publications
from bot.store.conversation import Story
from bot.store.hosting import HostedRepository, PullRow
from bot.store.publications import Kind
from bot.store.tables import deployments as deployment_table
from bot.store.tables import workflows as workflow_table
from bot.submit import Planned, planned_by, submit
from bot.working.places import hosted_of
from bot.working.pulling import keep_told
from planner.definition import Workflow
from planner.problems import DefinitionError, PlannerError

_SKIPS = re.compile(r"\[skip (?:headwater|env zero)\]", re.IGNORECASE)
ACTOR = "headwater"


@dataclass(slots=True)
class _Telling:
    """What is told of a push as it is worked out."""

    said: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def deploy(server: Server, key: str) -> None:
    """Deploy what a branch has and what is deployed has not, where its workflows say so."""
    github_id, _, branch = key.partition(":")
    hosted = hosted_of(server, int(github_id))
    if hosted is None:
        return
    project = server.project(hosted)
    ref = f"refs/heads/{branch}"
    refs = {ref: ref, f"refs/heads/{hosted.default_branch}": f"refs/heads/{hosted.default_branch}"}
    project.mirror.update(refs)
    commit = project.mirror.head_of(ref)
    if commit is None:
        return
    project.mirror.keep(commit)
    _reread_pulls(server, project, branch)
    pulls = _merged(server, project, branch, commit)
    telling = _Telling()
    workflows = _to_deploy(project, commit, branch, telling)
    if not workflows and not (telling.problems and pulls):
        return
    if _SKIPS.search(project.mirror.message(commit)):
        _tell(
            server,
            hosted,
            branch,
            commit,
            pulls,
            replace(_Telling(), said=["Not deployed: the merge's message says so."]),
            [],
        )
        return
    _deploy(server, project, branch, commit, workflows, pulls, telling)
    server.wake()


def _to_deploy(project: HostedProject, commit: str, branch: str, telling: _Telling) -> list[Workflow]:
    """The workflows at this commit that deploy by themselves from this branch."""
    try:
        definitions = project.definitions(commit)
    except DefinitionError as error:
        telling.problems += [str(one) for one in error.problems]
        return []
    default = project.hosted.default_branch
    return [
        one
        for one in definitions.workflows
        if one.triggers.deploy_on_merge and branch in (one.triggers.branches or (default,))
    ]


def _merged(server: Server, project: HostedProject, branch: str, commit: str) -> list[PullRow]:
    """The pull requests that came with this push, oldest first; what they held is free."""
    with server.database.reading() as connection:
        last = conversation.latest_story(connection, project.hosted.id, branch)
    since = last.commit if last is not None and last.commit != commit else None
    commits = project.mirror.commits_between(since, commit, most=100) if since else [commit]
    client = server.client(project.hosted)
    for told in client.pulls_of_commit(commit):
        if told.merged and told.base_ref == branch:
            keep_told(server, project, told)
    with server.database.writing() as connection:
        found = hosting.merged_as(connection, project.hosted.id, commits)
        for pull in found:
            locks.release(connection, pull.id)
    return found


def _reread_pulls(server: Server, project: HostedProject, branch: str) -> None:
    """What is open against this branch may have been merged by this very push."""
    with server.database.reading() as connection:
        held = {one.pull for one in locks.of_repository(connection, project.hosted.id)}
        open_ones = [hosting.pull_by_id(connection, one) for one in sorted(held)]
    client = server.client(project.hosted)
    for pull in open_ones:
        if pull is not None and pull.open and pull.base_ref == branch:
            keep_told(server, project, client.pull(pull.number))


def _deploy(
    server: Server,
    project: HostedProject,
    branch: str,
    commit: str,
    workflows: Sequence[Workflow],
    pulls: Sequence[PullRow],
    telling: _Telling,
) -> None:
    shown = _shown(project, server, pulls)
    actor = pulls[-1].author if pulls else ACTOR
    chosen: list[Prepared] = []
    for workflow in workflows:
        request = Request(
            aim=Aim.DEPLOY,
            actor=actor,
            origin=f"push to {branch}",
            commit=commit,
            since_deployed=True,
            workflow=workflow.file,
            jobs=server.settings.jobs,
            continuous=True,
        )
        try:
            found = prepare(project, request)
        except GitHubError:
            raise
        except (HeadwaterError, PlannerError) as error:
            telling.problems.append(f"{workflow.file}: {error}")
            continue
        chosen += [_adopted_only(one, shown, telling) for one in found]
    todo = [one for one in chosen if _has_work(one)]
    telling.said += [line for one in todo for line in about_preparation(one)]
    telling.said += _already(chosen, pulls)
    if not (todo or telling.said or telling.problems):
        return
    made = _made(server, project, commit)
    numbers = list(made.values())
    for one in todo:
        workflow_file = one.workflow.file
        if workflow_file in made:
            continue
        numbers.append(submit(project, one, shown, auto_approve=False))
    _tell(server, project.hosted, branch, commit, pulls, telling, numbers)


def _has_work(prepared: Prepared) -> bool:
    return bool(prepared.order or prepared.removed)


def _made(server: Server, project: HostedProject, commit: str) -> dict[str, int]:
    """The deployments of this commit that a push made and that are not finished, by file: they go on."""
    query = (
        select(deployment_table.c.id, workflow_table.c.file)
        .join(workflow_table, deployment_table.c.workflow_id == workflow_table.c.id)
        .where(
            workflow_table.c.repository_id == project.hosted.id,
            deployment_table.c.commit == commit,
            deployment_table.c.continuous.is_(True),
            deployment_table.c.state.not_in([one.value for one in DEPLOYMENT_FINISHED]),
        )
        .order_by(deployment_table.c.id)
    )
    with server.database.reading() as connection:
        return {row.file: row.id for row in connection.execute(query)}


def _shown(project: HostedProject, server: Server, pulls: Sequence[PullRow]) -> dict[int, Planned]:
    """By environment id, what was last shown of it on the pull requests that were merged."""
    found: dict[int, Planned] = {}
    for pull in pulls:
        query = (
            select(deployment_table.c.id)
            .where(deployment_table.c.pull_id == pull.id, deployment_table.c.action == TaskAction.PLAN.value)
            .where(deployment_table.c.commit == pull.head)
            .order_by(deployment_table.c.id)
        )
        with server.database.reading() as connection:
            numbers = connection.execute(query).scalars().all()
        for number in numbers:
            found |= planned_by(project, number)
    return found


def _adopted_only(prepared: Prepared, shown: Mapping[int, Planned], telling: _Telling) -> Prepared:
    """Without what Headwater never deployed and nobody saw a plan of, and what needs that: it may exist already."""
    strangers = [
        alias
        for alias in prepared.order
        if (alias not in prepared.rows or not prepared.rows[alias].used) and not _was_shown(prepared, alias, shown)
    ]
    if not strangers:
        return prepared
    behind = prepared.graph.descendants(frozenset(strangers)) & frozenset(prepared.order)
    left = frozenset(strangers) | behind
    telling.said += [
        f"{alias}: never deployed by Headwater, and no plan of it was shown: /adopt or /deploy it from a pull request"
        for alias in strangers
    ]
    telling.said += [f"{alias}: left out, for it needs one of these" for alias in prepared.order if alias in behind]
    return replace(prepared, order=tuple(alias for alias in prepared.order if alias not in left))


def _was_shown(prepared: Prepared, alias: str, shown: Mapping[int, Planned]) -> bool:
    row = prepared.rows.get(alias)
    planned = shown.get(row.id) if row is not None else None
    return planned is not None and (planned.plan is not None or planned.awaited)


def _already(chosen: Sequence[Prepared], pulls: Sequence[PullRow]) -> list[str]:
    """What the pull requests have deployed already with the same inputs."""
    lines = []
    for pull in pulls:
        for prepared in chosen:
            lines += [
                f"{alias}: already deployed from #{pull.number}"
                for alias, row in prepared.rows.items()
                if row.deployed and row.commit == pull.head and alias not in prepared.order
            ]
    return lines


def _tell(
    server: Server,
    hosted: HostedRepository,
    branch: str,
    commit: str,
    pulls: Sequence[PullRow],
    telling: _Telling,
    numbers: Sequence[int],
) -> None:
    """Keep the story of a push, and have it told."""
    now = time.time()
    with server.database.writing() as connection:
        before = _same(connection, hosted, branch, commit)
        values = {
            "number": pulls[-1].number if pulls else before.number if before else None,
            "actor": pulls[-1].author if pulls else "",
            "deployments": sorted({*(before.deployments if before else ()), *numbers}),
            "said": telling.said or list(before.said if before else ()),
            "problems": telling.problems,
            "created_at": now,
        }
        story = conversation.keep_story(connection, hosted.id, branch, commit, values)
        if story.number is not None:
            shown = story.deployments
            publications.want(
                connection, hosted.id, Kind.STORY, str(story.id), now, number=story.number, deployments=shown
            )
        publications.want(
            connection, hosted.id, Kind.STORY_CHECK, str(story.id), now, sha=commit, deployments=story.deployments
        )


def _same(connection: Connection, hosted: HostedRepository, branch: str, commit: str) -> Story | None:
    found = conversation.latest_story(connection, hosted.id, branch)
    return found if found is not None and found.commit == commit else None
