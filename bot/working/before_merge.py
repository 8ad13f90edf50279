"""The check that a branch may demand, so that nothing is merged to it before it is deployed."""

from __future__ import annotations

import time

from sqlalchemy import Connection

from bot.decide.facts import TaskAction
from bot.decide.required_checks import DEPLOYED_CHECK
from bot.github.limits import Priority
from bot.hosting.project import HostedProject
from bot.render.checks import deployed_check
from bot.server import Server
from bot.store import conversation, hosting, publications, views
from bot.store.hosting import HostedRepository, PullRow
from bot.store.publications import Kind, Publication
from bot.working.posting import Check


def want_if_demanded(server: Server, hosted: HostedRepository, pull: PullRow) -> None:
    """Have the check of a pull request's head posted, if its base branch demands it."""
    demanded = server.client(hosted).at(Priority.PLAN).required_checks(pull.base_ref) or ()
    if any(one.context == DEPLOYED_CHECK for one in demanded):
        with server.database.writing() as connection:
            _want(connection, hosted, pull)


def refresh(connection: Connection, hosted: HostedRepository, pull: PullRow, *deployments: int) -> None:
    """Bring it up to date, where the head has it, now and whenever these deployments move on."""
    if publications.find(connection, hosted.id, Kind.DEPLOYED_CHECK, _key(pull)) is not None:
        _want(connection, hosted, pull, *deployments)


def _want(connection: Connection, hosted: HostedRepository, pull: PullRow, *deployments: int) -> None:
    publications.want(
        connection, hosted.id, Kind.DEPLOYED_CHECK, _key(pull), time.time(),
        number=pull.number, sha=pull.head, deployments=deployments,
    )  # fmt: skip


def _key(pull: PullRow) -> str:
    return f"{pull.number}:{pull.head}"


def content(connection: Connection, _project: HostedProject, one: Publication) -> Check | None:
    """What it says: which environments are not deployed as the head has them."""
    pull = hosting.pull(connection, one.repository, one.number or 0)
    if pull is None or not pull.open:
        return None
    plans = conversation.plans_of(connection, pull.id)
    plan = next((each for each in plans if each.commit == one.sha), None)
    found = [views.deployment(connection, number) for number in plan.deployments] if plan is not None else []
    tasks = [
        (view.file, task) for view in found if view is not None for task in view.tasks if task.action is TaskAction.PLAN
    ]
    there = views.deployed_at(connection, one.repository, one.sha or "")
    left = [task for file, task in tasks if (file, task.alias) not in there and not (task.plan and task.plan.empty)]
    waits = plan is None or bool(plan.problems or plan.held) or not all(task.finished for _, task in tasks)
    return Check(DEPLOYED_CHECK, deployed_check([task.alias for task in left], len(tasks), waits=waits))
