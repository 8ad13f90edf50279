"""From a command to what exactly would be done: the request, what was shown of it, and what keeps it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from bot.commands.case import Case
from bot.decide.facts import TaskAction
from bot.decide.refusals import Code
from bot.decide.transitions import DEPLOYMENT_FINISHED, TaskState
from bot.errors import NotAllowed
from bot.prepare import prepare
from bot.preparing.situation import Prepared
from bot.request import Aim, Request
from bot.reviewed import Review
from bot.store import deployments, locks, publications, views
from bot.store.clock import shared
from bot.store.publications import Kind
from bot.store.tables import deployments as deployment_table
from bot.store.views import DeploymentView
from bot.submit import Also, LockedElsewhere, Planned, planned_by
from bot.working.pulling import base_of, want_deploy_check
from bot.working.seen import unread


def request(case: Case, aim: Aim, **more: object) -> Request:
    """What the command asks for, at the head of its pull request."""
    command = case.command
    given = case.server.vault.open(case.pull.given) if case.pull.given is not None else {}
    plain = Request(
        aim=aim,
        by=case.by,
        commit=case.pull.head,
        patterns=command.patterns,
        only=command.only,
        from_=command.from_,
        workflow=command.workflow,
        given={name: str(value) for name, value in given.items()} if isinstance(given, dict) else {},
        forget=case.pull.forget,
        force=command.force,
        jobs=case.server.settings.jobs,
        pull=case.pull.id,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def affected(case: Case, **more: object) -> list[Prepared]:
    """What the command chooses of what the pull request affects, workflow by workflow; removals come with the merge."""
    asked = request(case, Aim.DEPLOY, base=base_of(case.project, case.pull), **more)
    return [replace(one, removed=(), doubtful=()) for one in prepare(case.project, asked) if one.order]


def shown_plans(case: Case) -> list[DeploymentView]:
    """The plans of this head that were made on the pull request, oldest first."""
    query = (
        select(deployment_table.c.id)
        .where(
            deployment_table.c.pull_id == case.pull.id,
            deployment_table.c.commit == case.pull.head,
            deployment_table.c.action == TaskAction.PLAN.value,
        )
        .order_by(deployment_table.c.id)
    )
    with case.server.database.reading() as connection:
        numbers = connection.execute(query).scalars().all()
        found = [views.deployment(connection, number) for number in numbers]
    return [one for one in found if one is not None]


def unfinished(views_of: Iterable[DeploymentView]) -> list[DeploymentView]:
    """Those that have not come to their end."""
    return [one for one in views_of if one.state not in DEPLOYMENT_FINISHED]


def being_planned(prepared: Sequence[Prepared], shown: Sequence[DeploymentView]) -> bool:
    """Whether a plan of anything that is asked for is still made."""
    wanted = {(one.workflow.file, alias) for one in prepared for alias in one.order}
    return any(
        (view.file, task.alias) in wanted and not task.finished for view in unfinished(shown) for task in view.tasks
    )


def planned(case: Case, shown: Sequence[DeploymentView]) -> dict[int, Planned]:
    """By environment id, the newest plan that was shown of this head."""
    found: dict[int, Planned] = {}
    for one in shown:
        deploys = any(task.action is TaskAction.PLAN for task in one.tasks)
        if deploys or not one.tasks:
            found |= planned_by(case.project, one.id)
    return found


def reviews(prepared: Sequence[Prepared], shown: Sequence[DeploymentView], found: dict[int, Planned]) -> list[Review]:
    """Each prepared workflow beside the newest plans of its environments."""
    return [Review(one, _view(one, shown), found) for one in prepared]


def _view(prepared: Prepared, shown: Sequence[DeploymentView]) -> DeploymentView:
    newest = {task.alias: task for view in shown if view.file == prepared.workflow.file for task in view.tasks}
    last = next((view for view in reversed(shown) if view.file == prepared.workflow.file), None)
    chosen = tuple(newest[alias] for alias in prepared.order if alias in newest)
    if last is None:
        return DeploymentView(
            0, prepared.workflow.name, prepared.workflow.file, TaskAction.PLAN, _SUCCEEDED, prepared.commit,
            False, "", "", 0.0, 0.0, (),
        )  # fmt: skip
    return replace(last, tasks=chosen)


_SUCCEEDED = next(iter(DEPLOYMENT_FINISHED))


class Unread(NotAllowed):
    """Plans of the environments in `names` have changes that nobody could read when the command was written."""

    code = Code.PLAN_UNSEEN.value

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__("the plan was shown only after the command was written", "read it, then write /deploy again")


def refuse_unread(case: Case, prepared: Sequence[Prepared], found: Mapping[int, Planned]) -> None:
    """Raise Unread where a plan has changes that were shown only after the command was written.

    What waits for an approval anyway is read then.
    """
    aliases = {
        one.rows[alias].id: alias
        for one in prepared
        for alias in one.order
        if alias in one.rows and not one.environments[alias].requires_approval
    }
    chosen = {environment: found[environment].plan for environment in aliases if environment in found}
    plans = {environment: plan for environment, plan in chosen.items() if plan is not None}
    with case.server.database.reading() as connection:
        new = unread(connection, case.pull, plans, case.row.created_at)
    if new:
        raise Unread(tuple(alias for environment, alias in aliases.items() if environment in new))


def refuse_locked(case: Case, prepared: Sequence[Prepared]) -> None:
    """Raise LockedElsewhere where another pull request holds something of what is asked for."""
    ids = [one.rows[alias].id for one in prepared for alias in one.order if alias in one.rows]
    with case.server.database.reading() as connection:
        others = [lock for lock in locks.held(connection, ids).values() if lock.pull != case.pull.id]
    if others:
        raise LockedElsewhere(others)


def recorder(case: Case, judged_at: float | None = None) -> Also:
    """What is kept together with a deployment of this command: that it made it, and what is to be posted.

    `judged_at`: when that was last known to be allowed; None: now.
    """

    def also(connection: Connection, number: int) -> None:
        now = time.time()
        case.record(connection, number)
        deployments.commanded(connection, number, shared(connection, now) if judged_at is None else judged_at)
        want_deploy_check(connection, case.hosted, case.pull, number, now)
        publications.want(
            connection,
            case.hosted.id,
            Kind.COMMAND,
            str(case.row.id),
            now,
            number=case.pull.number,
            deployments=[number],
        )

    return also


def succeeded(case: Case, numbers: Sequence[int]) -> bool | None:
    """Whether all these deployments have succeeded; None while some are unfinished."""
    with case.server.database.reading() as connection:
        found = [view for number in numbers if (view := views.deployment(connection, number)) is not None]
    if unfinished(found):
        return None
    return all(task.state in (TaskState.SUCCEEDED, TaskState.SKIPPED) for view in found for task in view.tasks)
