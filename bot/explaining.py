"""All that is known of one environment, gathered to be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Connection

from bot.decide.freeing import Place
from bot.decide.transitions import TaskState
from bot.errors import WrongUse
from bot.known import known
from bot.project import Project
from bot.since import affected_since_deployed, facts_of
from bot.store import audit, gathering, held_back, locks, remote_jobs, views
from bot.store.audit import Entry
from bot.store.conversation import CommandState
from bot.store.environments import EnvironmentRow, identify, known_repository
from bot.store.views import TaskView
from planner.definition import Environment, Workflow
from planner.nearest import meant

_MOST_REFUSALS = 2
_MOST_PENDING = 5
_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Pending:
    """A command about it that is not carried out yet: it waits for something, or for `/approve`, or was not begun."""

    verb: str
    actor: str
    waits: str  # for what; "" for /approve
    since: float
    elsewhere: int | None = None  # the number of the pull request, where that is another one


@dataclass(frozen=True, slots=True)
class Explanation:
    """One environment: what it is, why it is affected, and where its latest deploy or destroy stands."""

    alias: str
    workflow: str
    needs: tuple[str, ...]
    disabled: bool
    deployed: bool
    commit: str | None
    deployed_at: float | None
    reasons: tuple[str, ...]
    deployment: int | None
    task: TaskView | None
    rival: int | None
    asking: tuple[str, ...] = ()  # upstreams in the same deployment that wait for approval
    absent: tuple[str, ...] = ()  # upstreams that are not deployed
    gone: bool = False  # no workflow file has it any more
    since: float | None = None  # when the task came to where it is
    actor: str = ""  # who asked for that deployment
    origin: str = ""
    at_work: int = 0  # attempts of the repository
    unsure: str = ""  # why it is not known whether that deployment may go on
    held: bool = False  # its job waits for the rules of its GitHub environment
    kept_back: str = ""  # why GitHub cannot be asked for it now
    held_by: int | None = None  # the number of the pull request that it belongs to
    held_since: float | None = None
    pending: tuple[Pending, ...] = ()
    refusals: tuple[Entry, ...] = ()  # newest first; only what came after that deployment

    @property
    def place(self) -> Place | None:
        """Where its latest deploy or destroy stands, as far as it matters for what would free it."""
        task = self.task
        if task is None:
            return None
        return Place(
            self.alias,
            task.state,
            task.code,
            task.detail,
            task.waits_for,
            self.rival,
            self.asking,
            self.at_work,
            self.unsure,
            self.held,
            self.kept_back,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """Where it is asked: our number of its repository, what that is called, the numbers of pull request and command."""

    repository: int
    name: str
    number: int
    command: int


def explain(
    project: Project, alias: str, workflow: str | None, revision: str = "HEAD", asked: Asked | None = None
) -> Explanation:
    """What is known of that environment at a revision."""
    commit = project.repository.commit(revision)
    definitions = project.definitions(commit)
    stored = known(project)
    meant = [one for one in definitions.workflows if workflow is None or workflow in (one.name, one.file)]
    if all(one.environment(alias) is None for one in meant):
        removed = [row for row in stored.rows if row.key == alias.casefold() and row.used]
        if len(removed) == 1:
            return _of_removed(project, removed[0], asked)
    owner, environment = declared(meant, alias)
    identity = identify(stored.rows, definitions.workflows).same.get((owner.file, environment.key))
    row = next((one for one in stored.rows if one.id == identity), None)
    latest = _latest(project, environment.alias, row, asked)
    deployed = {one.key for one in stored.rows if one.deployed and one.file == owner.file}
    project.mirror.keep(commit)
    affected = affected_since_deployed(project, commit, facts_of(stored.rows))
    reasons = [
        f"{why.code.value}: {why.detail}" if why.detail else why.code.value
        for each in affected
        if each.file == owner.file
        for one in each.environments
        if one.alias == environment.alias
        for why in one.reasons
    ]
    return Explanation(
        alias=environment.alias,
        workflow=owner.name,
        needs=environment.needs,
        disabled=environment.disabled is True,
        deployed=row.deployed if row else False,
        commit=row.commit if row else None,
        deployed_at=row.deployed_at if row else None,
        reasons=tuple(reasons),
        deployment=row.deployment if row else None,
        **latest,
        absent=tuple(one for one in environment.needs if one.casefold() not in deployed),
    )


def _of_removed(project: Project, row: EnvironmentRow, asked: Asked | None) -> Explanation:
    return Explanation(
        alias=row.alias,
        workflow=row.workflow,
        needs=(),
        disabled=False,
        deployed=row.deployed,
        commit=row.commit,
        deployed_at=row.deployed_at,
        reasons=(),
        deployment=row.deployment,
        **_latest(project, row.alias, row, asked),
        gone=True,
    )


def declared(workflows: Sequence[Workflow], alias: str) -> tuple[Workflow, Environment]:
    """The environment of that alias in the files, and its workflow; raises WrongUse if it is not just one."""
    found = [(one, each) for one in workflows if (each := one.environment(alias)) is not None]
    if len(found) > 1:
        names = ", ".join(owner.name for owner, _ in found)
        raise WrongUse(f"{alias!r} is in several workflows: {names}", "say which with --workflow NAME")
    if not found:
        known = [each.alias for one in workflows for each in one.environments]
        raise WrongUse(f"there is no environment called {alias!r}", meant(alias, known))
    return found[0]


def _latest(project: Project, alias: str, row: EnvironmentRow | None, asked: Asked | None) -> dict[str, Any]:
    """The environment's latest deploy or destroy, what keeps it, and what was asked for since and not done."""
    if not project.has_store:
        return {"task": None, "rival": None}
    with project.database.reading() as connection:
        view = views.deployment(connection, row.deployment) if row is not None and row.deployment is not None else None
        task = next((one for one in view.tasks if row and one.environment == row.id), None) if view else None
        after = view.created_at if view is not None else 0.0
        found: dict[str, Any] = {
            "task": task,
            "rival": task.behind if task else None,
            "pending": _pending(connection, project, alias, asked),
            "refusals": _refusals(connection, project, alias, asked, after),
        }
        if row is not None and (lock := locks.held(connection, [row.id]).get(row.id)) is not None:
            found |= {"held_by": lock.number, "held_since": lock.taken_at}
        if view is not None and task is not None:
            found |= {
                "asking": tuple(one.alias for one in view.tasks if one.state is TaskState.NEEDS_APPROVAL),
                "since": views.since(connection, view.id, task.id) or view.created_at,
                "actor": view.actor,
                "origin": view.origin,
                "unsure": view.unsure,
                "at_work": gathering.at_work(connection, row.workflow_id) if row is not None else 0,
            }
            found |= _at_github(connection, project, task)
    return found


def _at_github(connection: Connection, project: Project, task: TaskView) -> dict[str, Any]:
    """What keeps an unfinished task on GitHub's side."""
    repository = known_repository(connection, project.key)
    if task.finished or repository is None:
        return {}
    attempt = task.attempt or ""
    kept_back = held_back.trouble(connection, repository) or held_back.dispatch(connection, attempt)
    return {"held": bool(remote_jobs.held(connection, [attempt])), "kept_back": kept_back}


def _pending(connection: Connection, project: Project, alias: str, asked: Asked | None) -> tuple[Pending, ...]:
    """The commands that mean it and are not done, but for those written after the one that asks.

    On other pull requests these are the ones that name it.
    """
    repository = known_repository(connection, project.key)
    found: list[Pending] = []
    here = asked.number if asked is not None else None
    for row, failed in held_back.asked(connection, repository, _LOOKED_AT) if repository is not None else ():
        later = asked is not None and row.number == here and row.id > asked.command
        names = [*row.command.get("patterns", ()), *row.command.get("from", ())]
        if later or not (_means(names, alias) if names else row.number == here):
            continue
        not_begun = f"until it can be done: {failed}" if failed else "for what is above it"
        waits = not_begun if row.state is CommandState.NEW else row.waits
        found.append(Pending(row.verb, row.actor, waits, row.created_at, row.number if row.number != here else None))
    return tuple(found[:_MOST_PENDING])


def _refusals(
    connection: Connection, project: Project, alias: str, asked: Asked | None, after: float
) -> tuple[Entry, ...]:
    """What was asked for and refused after a moment: of it by name, or of all that the pull request affects."""
    name = asked.name if asked is not None else project.key
    found = audit.refusals(connection, name, after, _LOOKED_AT)
    mine = [
        one
        for one in found
        if (one.environment is not None and _means([one.environment], alias))
        or (one.environment is None and asked is not None and one.pull == asked.number)
    ]
    return tuple(mine[:_MOST_REFUSALS])


def _means(names: Sequence[str], alias: str) -> bool:
    return any(fnmatchcase(alias.casefold(), one.casefold()) or one.casefold() == alias.casefold() for one in names)
