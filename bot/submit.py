"""Makes deployments of what was prepared. All of one workflow's rows are written in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bot.decide.facts import TaskAction
from bot.decide.transitions import Code, TaskState
from bot.errors import NotAllowed
from bot.preparing.situation import Prepared
from bot.project import Project
from bot.request import Aim
from bot.since import unfinished
from bot.store import deployments, locks, new_deployments
from bot.store.declared import detach, environment_ids, repository_id, take_names, take_workflows, workflow_id
from bot.store.environments import EnvironmentRow
from bot.store.locks import Lock
from bot.store.new_deployments import NewDeployment, NewTask
from bot.store.rivals import under_way
from bot.store.tables import environments as environment_table
from bot.store.tables import tasks
from bot.store.values import forget
from planner.definition import Removal
from planner.schedule import ranks


@dataclass(frozen=True, slots=True)
class Planned:
    """What a review plan of one environment gave: its plan's number, or why there is none yet."""

    plan: int | None
    awaited: bool = False  # it reads an output that does not exist yet
    code: Code = Code.DONE


Also = Callable[[Connection, int], None]
"""Something to be kept together with a deployment, or not at all; it is given the deployment's number."""


def _nothing_else(_connection: Connection, _deployment: int) -> None:
    """The deployment alone is kept."""


class LockedElsewhere(NotAllowed):
    """What is asked for belongs to other pull requests; `locks` says to which."""

    def __init__(self, found: Sequence[Lock]) -> None:
        self.locks = tuple(found)
        holders: dict[int, list[str]] = {}
        for one in found:
            holders.setdefault(one.number, []).append(f"`{one.alias}`")
        said = "; ".join(f"#{number}, which holds {', '.join(aliases)}" for number, aliases in sorted(holders.items()))
        super().__init__(said, "it goes on by itself once that pull request is merged, restored or unlocked")


def submit_plan(project: Project, prepared: Prepared, also: Also = _nothing_else) -> int:
    """A deployment that only plans: all at once, in no order. Its number."""
    destroying = prepared.request.aim is Aim.DESTROY
    with project.database.writing() as connection:
        place = _Place.of(connection, project, prepared, acts=False)
        new = [
            NewTask(
                environment=place.ids[alias],
                alias=alias,
                action=TaskAction.PLAN_DESTROY if destroying else TaskAction.PLAN,
                commit=_commit_of(prepared, alias),
                source_commit=_source_of(prepared, alias),
                rank=place.rank[alias],
                requires_approval=prepared.environments[alias].requires_approval,
                reasons=prepared.reasons.get(alias, ()),
            )
            for alias in prepared.order
        ]
        new += _removals(connection, prepared, place, TaskAction.PLAN_DESTROY)
        number = _create(connection, project, prepared, place, TaskAction.PLAN, new)
        also(connection, number)
        return number


def submit(
    project: Project,
    prepared: Prepared,
    planned: Mapping[int, Planned],
    *,
    auto_approve: bool,
    also: Also = _nothing_else,
) -> int:
    """The deployment itself: what was planned (by environment id) is what may be applied. Its number.

    Raises LockedElsewhere, and makes nothing, where it is for a pull request and another one holds what it is about.
    """
    action = {Aim.DEPLOY: TaskAction.DEPLOY, Aim.DESTROY: TaskAction.DESTROY, Aim.ADOPT: TaskAction.ADOPT}
    now, by = time.time(), prepared.request.by
    with project.database.writing() as connection:
        place = _Place.of(connection, project, prepared)
        if prepared.request.aim is not Aim.DESTROY:
            moved = [alias for alias, row in prepared.rows.items() if row.id in prepared.moves]
            chosen = {place.ids[alias]: prepared.environments[alias] for alias in (*prepared.order, *moved)}
            was = {row.id: row for row in prepared.rows.values()}
            take_names(connection, chosen, was, (place.workflow, prepared.workflow.file), prepared.moves, by, now)
        if prepared.request.forget:
            forget(connection, place.workflow, prepared.request.forget)
        new = _ordered_tasks(prepared, place, planned, action[prepared.request.aim])
        if prepared.request.aim is Aim.DEPLOY:
            new += _removals(connection, prepared, place, TaskAction.DESTROY, planned)
            detach(connection, _forgotten(connection, prepared), by, now)
        number = _create(
            connection, project, prepared, place, action[prepared.request.aim], new, auto_approve=auto_approve
        )
        if prepared.request.pull is not None and prepared.request.aim is not Aim.ADOPT:
            ids = [one.environment for one in new]
            if others := locks.take(connection, ids, prepared.request.pull, number, now):
                raise LockedElsewhere(list(others.values()))
        also(connection, number)
        return number


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the rows of one workflow are: its id, the ids of its environments, how urgent each is."""

    workflow: int
    ids: Mapping[str, int]
    rank: Mapping[str, float]

    @classmethod
    def of(cls, connection: Connection, project: Project, prepared: Prepared, *, acts: bool = True) -> _Place:
        repository = repository_id(connection, project.key)
        assert prepared.identities is not None  # noqa: S101 (every prepared request has them)
        followed = prepared.identities.followed if prepared.request.aim is not Aim.DESTROY and acts else {}
        take_workflows(connection, repository, followed)
        workflow = workflow_id(connection, repository, prepared.workflow)
        for one in sorted({workflow, *(row.workflow_id for row in prepared.rows.values())}):  # a move may bring others
            deployments.lock_workflow(connection, one)
        ids = {alias: row.id for alias, row in prepared.rows.items()}
        new = [prepared.environments[alias] for alias in prepared.graph.needs if alias not in ids]
        ids |= environment_ids(connection, prepared.identities, prepared.workflow, workflow, new)
        return cls(workflow, ids, _ranks(prepared))


def _ranks(prepared: Prepared) -> dict[str, float]:
    """The longest path that remains behind each environment, by what it took last time."""
    destroying = prepared.request.aim is Aim.DESTROY
    action = TaskAction.DESTROY if destroying else TaskAction.DEPLOY
    graph = prepared.graph.only(prepared.order)
    took = {alias: row.durations[action.value] for alias, row in prepared.rows.items() if action.value in row.durations}
    known = {alias: took.get(alias, 1.0) for alias in graph.needs} if took else None
    return ranks(graph.reversed() if destroying else graph, known)


def _create(
    connection: Connection,
    project: Project,
    prepared: Prepared,
    place: _Place,
    action: TaskAction,
    new: Sequence[NewTask],
    *,
    auto_approve: bool = False,
) -> int:
    request = prepared.request
    alone = request.only and len(prepared.order) == 1 and request.retry_of is None
    return new_deployments.create(
        connection,
        NewDeployment(
            workflow=place.workflow,
            action=action,
            commit=prepared.commit,
            by=request.by,
            place=project.place,
            tasks=tuple(new),
            jobs=request.jobs,
            dirty=prepared.dirty,
            auto_approve=auto_approve,
            fail_fast=request.fail_fast,
            forget=request.forget,
            given=project.vault.seal(dict(request.given)) if request.given else None,
            retry_of=request.retry_of,
            pull=request.pull,
            continuous=request.continuous,
            keep_for=place.ids[prepared.order[0]] if alone else request.keep_for,
        ),
        time.time(),
    )


def _ordered_tasks(
    prepared: Prepared, place: _Place, planned: Mapping[int, Planned], action: TaskAction
) -> list[NewTask]:
    graph = prepared.graph.only(prepared.order)
    order = graph.reversed() if action is TaskAction.DESTROY else graph
    return [
        NewTask(
            environment=place.ids[alias],
            alias=alias,
            action=action,
            commit=_commit_of(prepared, alias),
            source_commit=_source_of(prepared, alias),
            rank=place.rank[alias],
            needs=tuple(place.ids[upstream] for upstream in order.needs[alias]),
            requires_approval=_asks(prepared, alias) and action is not TaskAction.ADOPT,
            shown_plan=(shown := planned.get(place.ids[alias], Planned(None))).plan,
            awaited_output=shown.awaited,
            reasons=prepared.reasons.get(alias, ()),
            upstreams=_upstreams(prepared, place, alias),
        )
        for alias in prepared.order
    ]


def _upstreams(prepared: Prepared, place: _Place, alias: str) -> tuple[int, ...]:
    """All that it needs directly and that is known here; what others deployed without us is not."""
    known = [one for one in prepared.environments[alias].needs if one in place.ids]
    if prepared.request.assume_upstreams:
        known = [one for one in known if one in prepared.rows and prepared.rows[one].deployed]
    return tuple(place.ids[one] for one in known)


def _asks(prepared: Prepared, alias: str) -> bool:
    """Whether its plan is to be approved, as its definition says; or where a push would do what may have been done."""
    doubted = alias in prepared.rows and prepared.rows[alias].doubted
    return prepared.environments[alias].requires_approval or (prepared.request.continuous and doubted)


def _commit_of(prepared: Prepared, alias: str) -> str:
    """Where the definition is read: for what the file no longer has, the commit that it was last deployed at."""
    if prepared.workflow.environment(alias) is None:
        return prepared.rows[alias].defined_at or prepared.commit
    return prepared.commit


def _source_of(prepared: Prepared, alias: str) -> str:
    """Where the code is read: at the environment's own repository and revision, if it names any."""
    return prepared.sources.get(alias) or _commit_of(prepared, alias)


def _removals(
    connection: Connection,
    prepared: Prepared,
    place: _Place,
    action: TaskAction,
    planned: Mapping[int, Planned] | None = None,
) -> list[NewTask]:
    """Destroys of what was taken out of the file, where its file says so: each after approval, downstream first.

    What may be a rename is left alone: a rename never destroys.
    """
    if prepared.workflow.removal is not Removal.DESTROY or prepared.request.aim is not Aim.DEPLOY:
        return []
    gone = {
        row.id: row for row in prepared.removed if (row.deployed or unfinished(row)) and row not in prepared.doubtful
    }
    if not gone:
        return []
    users = _former_users(connection, gone.values())
    chosen = {place.ids[alias] for alias in prepared.order}
    return [
        NewTask(
            environment=row.id,
            alias=row.alias,
            action=action,
            commit=row.defined_at or prepared.commit,
            source_commit=row.source_commit or row.defined_at or prepared.commit,
            needs=tuple(sorted(users[row.id] & (chosen | gone.keys()))) if action.mutates else (),
            requires_approval=True,
            shown_plan=(planned or {}).get(row.id, Planned(None)).plan,
            reasons=("removed from the file",),
        )
        for row in gone.values()
    ]


def _forgotten(connection: Connection, prepared: Prepared) -> list[EnvironmentRow]:
    """What the file no longer has and nobody will destroy: all of it, or what is not there anyway.

    Not what another pull request holds, nor what something is under way for.
    """
    gone = prepared.removed
    if prepared.workflow.removal is not Removal.DETACH:
        gone = tuple(row for row in gone if not (row.deployed or unfinished(row) or row in prepared.doubtful))
    ids = [row.id for row in gone]
    others = {one for one, lock in locks.held(connection, ids).items() if lock.pull != prepared.request.pull}
    return [row for row in gone if row.id not in others | under_way(connection, ids)]


def _former_users(connection: Connection, gone: Iterable[EnvironmentRow]) -> dict[int, set[int]]:
    """For each of these, the environments that needed it when they were last deployed."""
    users: dict[int, set[int]] = {row.id: set() for row in gone}
    latest = select(environment_table.c.id, tasks.c.upstreams).join(
        tasks, environment_table.c.last_task_id == tasks.c.id
    )
    for row in connection.execute(latest):
        for upstream in row.upstreams:
            if upstream in users and row.id != upstream:
                users[upstream].add(row.id)
    return users


def shown_in(project: Project, deployment: int) -> dict[int, Planned]:
    """What was shown before a deployment, by environment id: what a retry of it may apply."""
    columns = (tasks.c.environment_id, tasks.c.shown_plan_id, tasks.c.awaited_output)
    with project.database.reading() as connection:
        rows = connection.execute(select(*columns).where(tasks.c.deployment_id == deployment)).all()
    return {row.environment_id: Planned(row.shown_plan_id, row.awaited_output) for row in rows}


def planned_by(project: Project, deployment: int) -> dict[int, Planned]:
    """What a plan deployment gave, by environment id."""
    query = select(tasks.c.environment_id, tasks.c.plan_id, tasks.c.state, tasks.c.code).where(
        tasks.c.deployment_id == deployment
    )
    with project.database.reading() as connection:
        rows = connection.execute(query).all()
    return {
        row.environment_id: Planned(
            row.plan_id if row.state == TaskState.SUCCEEDED.value else None,
            row.code == Code.AFTER_UPSTREAM.value,
            Code(row.code),
        )
        for row in rows
    }
