"""The check that a branch may demand, so that nothing is merged to it before it is deployed."""

from __future__ import annotations

import time

from sqlalchemy import Connection

from bot.decide.facts import TaskAction
from bot.decide.required_checks import DEPLOYED_CHECK
from bot.errors import HeadwaterError
from bot.github.limits import Priority
from bot.hosting.project import HostedProject
from bot.render.checks import deployed_check
from bot.server import Server
from bot.store import conversation, hosting, publications, views
from bot.store.conversation import PullPlan
from bot.store.hosting import HostedRepository, PullRow
from bot.store.publications import Kind, Publication
from bot.store.standing import changed_at, standing_empty
from bot.store.views import DeploymentView, TaskView
from bot.working.posting import Check
from planner.problems import PlannerError


def is_demanded(server: Server, hosted: HostedRepository, pull: PullRow) -> bool:
    """Whether the base branch of a pull request demands the check."""
    found = server.client(hosted).at(Priority.PLAN).required_checks(pull.base_ref) or ()
    return any(one.context == DEPLOYED_CHECK for one in found)


def want(connection: Connection, hosted: HostedRepository, pull: PullRow) -> None:
    """Have the check of a pull request's head posted."""
    current = hosting.pull_by_id(connection, pull.id)
    plan = conversation.plan(connection, current.plan) if current is not None else None
    _want(connection, hosted, pull, *(plan.deployments if plan is not None else ()))


def refresh(connection: Connection, hosted: HostedRepository, pull: PullRow, *deployments: int) -> None:
    """Bring it up to date, where the head has it, now and whenever these deployments move on."""
    for one in _of_head(connection, hosted.id, pull.head):
        _want(connection, hosted, one, *deployments)


def refresh_all(connection: Connection, hosted: HostedRepository) -> None:
    """Bring those of all open pull requests up to date: one may deploy what another one had deployed."""
    if publications.has_kind(connection, hosted.id, Kind.DEPLOYED_CHECK):
        for pull in hosting.open_pulls(connection, hosted.id):
            refresh(connection, hosted, pull)


def _want(connection: Connection, hosted: HostedRepository, pull: PullRow, *deployments: int) -> None:
    publications.want(
        connection, hosted.id, Kind.DEPLOYED_CHECK, _key(pull), time.time(),
        number=pull.number, sha=pull.head, deployments=deployments,
    )  # fmt: skip


def _of_head(connection: Connection, repository: int, head: str) -> list[PullRow]:
    """The open pull requests with that head whose base branches demand the check.

    GitHub heeds the newest check of a name at a commit, whichever pull request it was posted for: all say the same.
    """
    return [
        one
        for one in hosting.open_pulls(connection, repository)
        if one.head == head and publications.find(connection, repository, Kind.DEPLOYED_CHECK, _key(one)) is not None
    ]


def _key(pull: PullRow) -> str:
    return f"{pull.number}:{pull.head}"


def content(connection: Connection, project: HostedProject, one: Publication) -> Check | None:
    """What it says: which environments are not deployed as the head has them."""
    pull = hosting.pull(connection, one.repository, one.number or 0)
    if pull is None or not pull.open:
        return None
    head = one.sha or ""
    plans = [_plan(connection, each, head) for each in _of_head(connection, one.repository, head)]
    numbers = dict.fromkeys(number for plan in plans if plan is not None for number in plan.deployments)
    found = [views.deployment(connection, number) for number in numbers]
    planned = [view for view in found if view is not None and view.action is TaskAction.PLAN]
    there = views.deployed_at(connection, one.repository, head)
    left = {
        (view.file, task.alias): task.alias
        for view in planned
        for task in _not_empty(connection, project, view)
        if (view.file, task.alias) not in there
    }
    number = len({(view.file, task.alias) for view in planned for task in view.tasks})
    ended = all(task.finished for view in planned for task in view.tasks)
    waits = any(plan is None or plan.problems or plan.held for plan in plans) or not ended
    return Check(DEPLOYED_CHECK, deployed_check([*left.values()], number, waits=waits))


def _plan(connection: Connection, pull: PullRow, head: str) -> PullPlan | None:
    return next((one for one in conversation.plans_of(connection, pull.id) if one.commit == head), None)


def _not_empty(connection: Connection, project: HostedProject, view: DeploymentView) -> list[TaskView]:
    """What a deploy might change: all but what has an empty plan, made from what its upstreams are still."""
    ids = {task.alias: task.environment for task in view.tasks}
    empty, changed = standing_empty(connection, [task.id for task in view.tasks]), changed_at(connection, ids.values())
    needs = _needs(project, view)

    def stands(task: TaskView) -> bool:
        above = [ids[one] for one in needs.get(task.alias, ()) if one in ids]
        return task.id in empty and all(changed.get(one, 0.0) <= (task.started_at or 0.0) for one in above)

    return [task for task in view.tasks if task.action is TaskAction.PLAN and not stands(task)]


def _needs(project: HostedProject, view: DeploymentView) -> dict[str, tuple[str, ...]]:
    try:
        workflows = project.definitions(view.commit).workflows
    except (HeadwaterError, PlannerError):
        return {}
    return {one.alias: one.needs for each in workflows if each.file == view.file for one in each.environments}
