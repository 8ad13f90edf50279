"""What was shown of environments on the pull requests that were merged: what a push may apply without asking again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from bot.decide.facts import TaskAction
from bot.decide.transitions import Code, TaskState
from bot.hosting.project import HostedProject
from bot.preparing.situation import Prepared
from bot.server import Server
from bot.store.environments import EnvironmentRow
from bot.store.hosted_tables import pulls
from bot.store.tables import deployments, plans, tasks
from bot.submit import Planned
from planner.changes import ReasonCode
from planner.problems import PlannerError
from planner.question import affected_in

_MOST = 5
"""Plans of one environment that are looked at, newest first."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A plan that was shown, or that none could be made before an upstream is deployed."""

    commit: str
    merged_as: str
    plan: int | None
    empty: bool


def shown_before(
    server: Server, project: HostedProject, branch: str, prepared: Sequence[Prepared]
) -> dict[int, Planned]:
    """By environment id, what was last shown of it on a pull request that was merged into this branch.

    What was deployed since is shown no more: to do it once more is news. The newest plan of the very inputs that the
    branch has now, else the newest that has changes. A plan without any stands for itself only if nothing that it was
    made from has moved since: else the environment is planned once more.
    """
    found: dict[int, Planned] = {}
    done = _Done(project)
    for one in prepared:
        moved = _Moved(project, one)
        kept = {row.id: alias for alias, row in one.rows.items() if alias in one.order}
        for environment, candidates in _candidates(server, project, branch, list(kept), TaskAction.PLAN).items():
            row = one.rows[kept[environment]]
            news = [each for each in candidates if not done.has(row, each)]
            if (planned := _best(kept[environment], news, one, moved)) is not None:
                found[environment] = planned
        leaving = [row.id for row in one.removed]
        for environment, candidates in _candidates(server, project, branch, leaving, TaskAction.PLAN_DESTROY).items():
            if not candidates[0].empty:
                found[environment] = Planned(candidates[0].plan)
    return found


def was_shown(planned: Planned | None) -> bool:
    """Whether people could see what would become of an environment."""
    return planned is not None and (planned.plan is not None or planned.awaited)


@dataclass(slots=True)
class _Done:
    """What was shown and is deployed: from the pull request itself, or after its merge."""

    project: HostedProject
    known: dict[tuple[str, str], bool] = field(default_factory=dict)

    def has(self, row: EnvironmentRow, one: _Candidate) -> bool:
        """Whether what is deployed of an environment has in it what this plan was made of."""
        if not row.deployed or row.commit is None:
            return False
        return any(self._has(row.commit, each) for each in (one.commit, one.merged_as) if each)

    def _has(self, later: str, earlier: str) -> bool:
        if (later, earlier) not in self.known:
            self.known[later, earlier] = self.project.mirror.contains(later, earlier)
        return self.known[later, earlier]


@dataclass(slots=True)
class _Moved:
    """What differs itself between the commit of a plan and the one that is to be deployed."""

    project: HostedProject
    prepared: Prepared
    known: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def has(self, alias: str, commit: str) -> bool:
        """Whether the inputs of an environment have moved since; yes, where that cannot be found out."""
        if commit not in self.known:
            self.known[commit] = self._since(commit)
        moved = self.known[commit]
        return moved is None or alias in moved

    def _since(self, commit: str) -> frozenset[str] | None:
        try:
            answer = affected_in(self.project.mirrored, commit, self.prepared.commit, exact=True)
        except PlannerError:
            return None
        file = self.prepared.workflow.file
        here = [each for each in answer.workflows if each.file == file]
        return frozenset(one.alias for each in here for one in each.environments if one.changed)


def _best(alias: str, candidates: Sequence[_Candidate], prepared: Prepared, moved: _Moved) -> Planned | None:
    same = next((one for one in candidates if not moved.has(alias, one.commit)), None)
    best = same or next((one for one in candidates if not one.empty), None)
    if best is None or (best.empty and not _stands(prepared, alias)):
        return None
    awaited = best.plan is None
    return Planned(best.plan, awaited=awaited, code=Code.AFTER_UPSTREAM if awaited else Code.DONE)


def _stands(prepared: Prepared, alias: str) -> bool:
    """Whether nothing but its own inputs could have changed what was planned."""
    return not prepared.causes(alias) & {ReasonCode.UNFINISHED, ReasonCode.UPSTREAM_MOVED}


def _candidates(
    server: Server, project: HostedProject, branch: str, environments: Sequence[int], action: TaskAction
) -> dict[int, list[_Candidate]]:
    """By environment id, what was shown of it on merged pull requests, newest first."""
    query = (
        select(
            tasks.c.environment_id,
            tasks.c.plan_id,
            tasks.c.state,
            tasks.c.code,
            deployments.c.commit,
            plans.c.summary,
            pulls.c.merge_commit,
        )
        .join(deployments, tasks.c.deployment_id == deployments.c.id)
        .join(pulls, deployments.c.pull_id == pulls.c.id)
        .outerjoin(plans, tasks.c.plan_id == plans.c.id)
        .where(
            pulls.c.repository_id == project.hosted.id,
            pulls.c.state == "merged",
            pulls.c.base_ref == branch,
            deployments.c.action == TaskAction.PLAN.value,
            tasks.c.action == action.value,
            tasks.c.environment_id.in_(environments),
        )
        .order_by(tasks.c.id.desc())
    )
    found: defaultdict[int, list[_Candidate]] = defaultdict(list)
    with server.database.reading() as connection:
        for row in connection.execute(query):
            planned = row.state == TaskState.SUCCEEDED.value and row.plan_id is not None
            if (planned or row.code == Code.AFTER_UPSTREAM.value) and len(found[row.environment_id]) < _MOST:
                empty = planned and bool(row.summary.get("empty"))
                found[row.environment_id].append(
                    _Candidate(row.commit, row.merge_commit or "", row.plan_id if planned else None, empty)
                )
    return found
