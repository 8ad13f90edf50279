"""From rows to what comments and checks are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from bot.decide.acceptance import AcceptanceFacts, Reviewed, asks_for_unseen
from bot.decide.facts import TaskAction
from bot.decide.transitions import DEPLOYMENT_FINISHED, Code, TaskState
from bot.decide.trust import careful
from bot.errors import HeadwaterError
from bot.hosting.project import HostedProject
from bot.render.models import DeploymentComment, Mistaken, PlanComment, Refused, Row, Section
from bot.store import conversation, deployments, hosting, locks, remote_jobs, standing, views
from bot.store.conversation import CommandRow, CommandState, Story
from bot.store.hosting import PullRow
from bot.store.locks import Lock
from bot.store.views import DeploymentView, TaskView
from planner.ci.headwater_workflow import FILE
from planner.definition import Workflow
from planner.problems import PlannerError

_SPEAKING = {TaskState.BLOCKED, TaskState.FAILED, TaskState.CANCELLED, TaskState.SKIPPED, TaskState.LOST}
_GOING = {TaskState.RUNNING, TaskState.LOST}


def section(
    connection: Connection,
    project: HostedProject,
    number: int,
    warnings: Sequence[str] = (),
    base: str = "",
    told_on: int | None = None,
) -> Section | None:
    """One deployment, or plan of a pull request to `base`, as a part of a comment; None if there is none such.

    `told_on`: the number of the pull request that this is told on, where the deployment is not its own.
    """
    view = views.deployment(connection, number, texts=True)
    if view is None:
        return None
    attempts = [task.attempt for task in view.tasks if task.attempt]
    urls = remote_jobs.job_urls(connection, attempts)
    held = locks.held(connection, [task.environment for task in view.tasks])
    pull = _pull_of(connection, number)
    workflow = _workflow(project, view)
    waiting = remote_jobs.held(connection, [task.attempt for task in view.tasks if task.attempt and not task.finished])
    planning = [task.id for task in view.tasks if task.plan is not None] if not view.action.mutates else []
    changed = standing.changed_since(connection, planning) if planning else {}
    behind = {one: _pull_of(connection, one) for one in {task.behind for task in view.tasks} if one}
    elsewhere = {one: _elsewhere(connection, theirs, told_on) for one, theirs in behind.items() if theirs != pull}
    asking = _asks_for_unseen(project, view, workflow) if not view.action.mutates else {}
    rows = tuple(
        replace(
            _row(task, workflow, urls, _foreign(held.get(task.environment), pull), held=task.attempt in waiting),
            behind_on=elsewhere.get(task.behind or 0, ""),
            changed=changed.get(task.id),
            asked_for=asking.get((task.id, False), False),
            asked_for_merged=asking.get((task.id, True), False),
        )
        for task in view.tasks
    )
    merging = workflow is not None and bool(base) and project.deploys_from(workflow, base)
    bases = project.bases_of(view.file) if base else ()
    only_to = () if base in bases else bases
    notes = (*warnings, f"Nothing more begins for now: {view.unsure}") if view.unsure else tuple(warnings)
    return Section(view.workflow, view.file, view.state, view.id, rows, notes, merging, only_to)


def _asks_for_unseen(
    project: HostedProject, view: DeploymentView, workflow: Workflow | None
) -> dict[tuple[int, bool], bool]:
    """Whether what a plan did not show will wait for an approval: by task, and whether a merge deploys it."""
    if workflow is None:
        return {}
    trust = project.trust()
    found = {}
    for task in view.tasks:
        held = careful(workflow, trust(view.file, task.alias, view.commit))
        for merged in (False, True):
            facts = AcceptanceFacts(
                action=TaskAction.DEPLOY,
                requires_approval=False,  # that is told as such
                auto_approve=False,
                shown=Reviewed({}) if task.plan is not None else None,
                never_deployed=not task.deployed,
                awaited_output=task.code is Code.AFTER_UPSTREAM,
                upstream_changed=True,
                continuous=merged,
                first_deploy=held.first_deploy,
                downstream=held.downstream,
                unseen_plans=held.unseen_plans,
            )
            found[task.id, merged] = asks_for_unseen(facts)
    return found


def _pull_of(connection: Connection, number: int) -> int | None:
    told = deployments.flags(connection, number)
    return told.pull if told is not None else None


def _elsewhere(connection: Connection, pull: int | None, told_on: int | None) -> str:
    """A pull request by its number, where that is another one."""
    found = hosting.pull_by_id(connection, pull) if pull is not None else None
    return f"#{found.number}" if found is not None and found.number != told_on else ""


def _foreign(lock: Lock | None, pull: int | None) -> str:
    return f"#{lock.number}" if lock is not None and lock.pull != pull else ""


def _workflow(project: HostedProject, view: DeploymentView) -> Workflow | None:
    try:
        workflows = project.definitions(view.commit).workflows
    except (HeadwaterError, PlannerError):
        return None
    here = [one for one in workflows if one.file == view.file] or [
        one for one in workflows if one.name == view.workflow
    ]
    return here[0] if here else None


def _row(task: TaskView, workflow: Workflow | None, urls: Mapping[str, str], locked_by: str, *, held: bool) -> Row:
    environment = workflow.environment(task.alias) if workflow is not None else None
    plan = task.plan
    return Row(
        alias=task.alias,
        name=environment.name if environment else "",
        tool=environment.tool.value if environment else "",
        state=task.state,
        code=task.code,
        detail=task.detail,
        action=task.action,
        counts=plan.counts if plan else {},
        empty=plan.empty if plan else False,
        planned=plan is not None,
        text=plan.text if plan else "",
        error=task.error if task.state in _SPEAKING | {TaskState.TIMED_OUT} else "",
        reasons=task.reasons,
        needs=environment.needs if environment else (),
        job_url=urls.get(task.attempt or "") or None,
        duration=_duration(task),
        since=task.started_at if task.state in _GOING else None,
        stopping=task.stopping,
        locked_by=locked_by,
        requires_approval=task.requires_approval,
        shown=task.shown,
        waits_for=task.waits_for,
        behind=task.behind,
        changes=tuple((str(one["address"]), tuple(one["actions"])) for one in (plan.changes if plan else ())),
        held=held,
    )


def _duration(task: TaskView) -> float | None:
    if task.started_at is None or task.finished_at is None:
        return None
    return max(task.finished_at - task.started_at, 0.0)


def plan_model(connection: Connection, project: HostedProject, pull: PullRow) -> PlanComment | None:
    """The plan comment of a pull request; None where nothing was planned yet, and nothing waits."""
    plan = conversation.plan(connection, pull.plan)
    url = project.hosted.html_url
    waits_as_fork = pull.fork and pull.may_run != pull.head
    if plan is None or (plan.commit != pull.head and waits_as_fork):
        if not waits_as_fork:
            return None
        return PlanComment(str(pull.number), pull.head, "", url, fork_waits=True)
    found = [
        section(connection, project, one, plan.cautions.get(str(one), ()), pull.base_ref) for one in plan.deployments
    ]
    return PlanComment(
        key=str(pull.number),
        commit=plan.commit,
        base=plan.base,
        repository_url=url,
        sections=tuple(one if pull.open else _unlocked(one) for one in found if one is not None),
        problems=plan.problems,
        after_merge=plan.after_merge,
        notices=plan.notices,
        draft=pull.draft,
        superseded_by=pull.head if pull.open and pull.head != plan.commit else "",
        held=plan.held,
        brings_file=bool(plan.held) and project.mirror.has_file(plan.commit, FILE),
        ended="" if pull.open else pull.state,
        deployed=frozenset() if pull.open else views.deployed_at(connection, pull.repository, plan.commit),
    )


def _unlocked(one: Section) -> Section:
    """Without who holds what now and what is no more as planned: nothing to a pull request that has ended."""
    return replace(one, rows=tuple(replace(row, locked_by="", changed=None) for row in one.rows))


def command_model(connection: Connection, project: HostedProject, row: CommandRow) -> DeploymentComment:
    """The comment of one command."""
    found = [
        replace(one, again=views.retried_as(connection, number))
        for number in row.deployments
        if (one := section(connection, project, number, told_on=row.number)) is not None
    ]
    answer = row.answer
    mistake = answer.get("mistake")
    return DeploymentComment(
        key=f"c{row.id}",
        verb=str(row.command.get("text", "")),
        actor=row.actor,
        commit=_commit_of(connection, project, row),
        repository_url=project.hosted.html_url,
        sections=_together(_without_former(found)),
        refusals=tuple(
            Refused(code, message, mend, tuple(names)) for code, message, mend, names in answer.get("refusals", ())
        ),
        mistakes=(Mistaken(*mistake),) if mistake else (),
        waits=row.waits if row.state is CommandState.WAITS else "",
        finished=row.state in (CommandState.DONE, CommandState.REFUSED) and all(_over(one) for one in found),
        said=tuple(answer.get("said", ())),
        asks=row.state is CommandState.ASKED,
        called_off=str(answer.get("called_off", "")),
        self_approval=project.default_definitions().requirements.self_approval,
    )


def _without_former(found: Sequence[Section]) -> list[Section]:
    """Without what was only shown, once it runs, or was shown again."""
    newest = {one.file: one for one in found}
    return [one for one in found if newest[one.file] is one or any(row.action.needs_power for row in one.rows)]


def _over(one: Section) -> bool:
    return one.state in DEPLOYMENT_FINISHED


def _commit_of(connection: Connection, project: HostedProject, row: CommandRow) -> str:
    for number in reversed(row.deployments):
        told = deployments.flags(connection, number)
        if told is not None:
            return told.commit
    pull = hosting.pull(connection, project.hosted.id, row.number)
    return pull.head if pull is not None else ""


def story_model(connection: Connection, project: HostedProject, story: Story) -> DeploymentComment:
    """The comment that tells what a push deployed."""
    every = [section(connection, project, number, told_on=story.number) for number in story.deployments]
    found = [one for one in every if one is not None and one.rows]
    return DeploymentComment(
        key=f"s{story.id}",
        verb=f"push to {story.branch}",
        actor=story.actor,
        commit=story.commit,
        repository_url=project.hosted.html_url,
        sections=_together(found),
        finished=all(_over(one) for one in found),
        continuous=True,
        said=story.said,
        loud=story.loud,
        problems=story.problems,
        self_approval=project.default_definitions().requirements.self_approval,
    )


def _together(found: Sequence[Section]) -> tuple[Section, ...]:
    """One section of each workflow, with the newest word on each environment: some go on later, or are tried again."""
    by_file: dict[str, Section] = {}
    for one in found:
        newest = {row.alias: row for row in one.rows}
        before = by_file[one.file].rows if one.file in by_file else ()
        rows = [newest.pop(row.alias, row) for row in before]
        by_file[one.file] = replace(one, rows=(*rows, *newest.values()))
    return tuple(by_file.values())
