"""All that is known of one environment, gathered to be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.decide.transitions import TaskState
from bot.errors import WrongUse
from bot.known import known
from bot.project import Project
from bot.since import affected_since_deployed, facts_of
from bot.store import views
from bot.store.environments import EnvironmentRow, identify
from bot.store.views import TaskView
from planner.definition import Environment, Workflow
from planner.nearest import nearest


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


def explain(project: Project, alias: str, workflow: str | None, revision: str = "HEAD") -> Explanation:
    """What is known of that environment at a revision."""
    commit = project.repository.commit(revision)
    definitions = project.definitions(commit)
    stored = known(project)
    meant = [one for one in definitions.workflows if workflow is None or workflow in (one.name, one.file)]
    if all(one.environment(alias) is None for one in meant):
        removed = [row for row in stored.rows if row.key == alias.casefold() and row.used]
        if len(removed) == 1:
            return _of_removed(project, removed[0])
    owner, environment = declared(meant, alias)
    identity = identify(stored.rows, definitions.workflows).same.get((owner.file, environment.key))
    row = next((one for one in stored.rows if one.id == identity), None)
    task, rival, asking = _latest(project, row) if row is not None else (None, None, ())
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
        task=task,
        rival=rival,
        asking=asking,
        absent=tuple(one for one in environment.needs if one.casefold() not in deployed),
    )


def _of_removed(project: Project, row: EnvironmentRow) -> Explanation:
    task, rival, asking = _latest(project, row)
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
        task=task,
        rival=rival,
        asking=asking,
        gone=True,
    )


def declared(workflows: Sequence[Workflow], alias: str) -> tuple[Workflow, Environment]:
    """The environment of that alias in the files, and its workflow; raises WrongUse if it is not just one."""
    found = [(one, each) for one in workflows if (each := one.environment(alias)) is not None]
    if len(found) > 1:
        names = ", ".join(owner.name for owner, _ in found)
        raise WrongUse(f"{alias!r} is in several workflows: {names}", "say which with --workflow NAME")
    if not found:
        near = nearest(alias, [each.alias for one in workflows for each in one.environments])
        raise WrongUse(f"there is no environment called {alias!r}", f"did you mean {near!r}?" if near else "")
    return found[0]


def _latest(project: Project, row: EnvironmentRow) -> tuple[TaskView | None, int | None, tuple[str, ...]]:
    """The environment's latest deploy or destroy, what it is queued behind, and who asks for approval before it."""
    if row.deployment is None:
        return None, None, ()
    with project.database.reading() as connection:
        view = views.deployment(connection, row.deployment)
        task = next((one for one in view.tasks if one.environment == row.id), None) if view else None
        if view is None or task is None:
            return None, None, ()
        asking = tuple(one.alias for one in view.tasks if one.state is TaskState.NEEDS_APPROVAL)
        return task, task.behind, asking
