"""How a branch came to where it is: which pull requests were merged, what was shown of them, what they hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from bot.decide.transitions import TaskState
from bot.hosting.project import HostedProject
from bot.preparing.situation import Prepared
from bot.server import Server
from bot.store import conversation, hosting, locks
from bot.store.conversation import Story
from bot.store.environments import EnvironmentRow
from bot.store.hosting import PullRow
from bot.store.tables import deployments, tasks
from bot.working.pulling import keep_told
from planner.changes import ReasonCode
from planner.definition import Workflow
from planner.problems import PlannerError
from planner.question import affected_in

_MOST_COMMITS = 100
_MOST_ASKED = 10


@dataclass(frozen=True, slots=True)
class Push:
    """Where a branch is now. `since`: the commit that it was at when it was looked at before, else what came before.

    `pulls`: the pull requests that were merged since then, oldest first. `here`: what was told of this commit already.
    `first`: the branch was never looked at before, so that nobody waits for a word on what was merged long ago.
    """

    branch: str
    commit: str
    since: str | None
    commits: tuple[str, ...]
    pulls: tuple[PullRow, ...]
    here: Story | None
    affecting: frozenset[int] = frozenset()  # the numbers of those pull requests that affect any environment
    first: bool = False
    newest: str = ""  # where the branch is, if this is an earlier commit of it

    def only_until(self, commit: str) -> Push:
        """The same branch as it was at an earlier one of these commits."""
        commits = self.commits[self.commits.index(commit) :]
        pulls = tuple(one for one in self.pulls if one.merge_commit in commits)
        return replace(self, commit=commit, commits=commits, pulls=pulls, here=None)

    def only_after(self, commit: str) -> Push:
        """The same branch, without what was merged up to an earlier one of these commits."""
        commits = self.commits[: self.commits.index(commit)]
        pulls = tuple(one for one in self.pulls if one.merge_commit in commits)
        return replace(self, since=commit, commits=commits, pulls=pulls)

    @property
    def told_on(self) -> PullRow | None:
        """The pull request that the story is told on: the newest that affects anything, else the newest."""
        affecting = [one for one in self.pulls if one.number in self.affecting]
        return next(reversed(affecting or self.pulls), None)

    @property
    def pulls_told_elsewhere(self) -> list[PullRow]:
        """Those that affect something and have no story of their own, for they came together with another one."""
        return [one for one in self.pulls if one.number in self.affecting and one is not self.told_on]


def push_of(server: Server, project: HostedProject, branch: str, commit: str) -> Push:
    """What came with the newest commit of a branch."""
    number = project.hosted.id
    with server.database.reading() as connection:
        here = conversation.story_at(connection, number, branch, commit)
        earlier = conversation.story_before(connection, number, branch, commit)
    since = earlier.commit if earlier is not None else project.mirror.parent(commit)
    commits = project.mirror.first_parents(since, commit, most=_MOST_COMMITS)
    if here is None:
        _ask(server, project, branch, commits)
    with server.database.reading() as connection:
        found = hosting.merged_as(connection, number, commits)
        plans = {one.number: conversation.plan(connection, one.plan) for one in found}
    affecting = frozenset(number for number, plan in plans.items() if plan and (plan.deployments or plan.problems))
    pulls = sorted((one for one in found if one.base_ref == branch), key=lambda one: -commits.index(_made(one)))
    return Push(branch, commit, since, tuple(commits), tuple(pulls), here, affecting, earlier is None)


def _made(pull: PullRow) -> str:
    return pull.merge_commit or ""


def _ask(server: Server, project: HostedProject, branch: str, commits: Sequence[str]) -> None:
    """Know the pull requests that made these commits, whether or not their webhooks came."""
    with server.database.reading() as connection:
        known = {one.merge_commit for one in hosting.merged_as(connection, project.hosted.id, list(commits))}
    client = server.client(project.hosted)
    for commit in [one for one in commits if one not in known][:_MOST_ASKED]:
        for told in client.pulls_of_commit(commit):
            if told.merged and told.base_ref == branch:
                keep_told(server, project, told)


def ahead(project: HostedProject, prepared: Prepared, held: Collection[int]) -> frozenset[str]:
    """The aliases that open pull requests hold, where the branch has nothing that these have not got already."""
    with project.database.reading() as connection:
        commits = locks.commits(connection, held)
    by_commit: defaultdict[str, set[str]] = defaultdict(set)
    for alias in prepared.order:
        row = prepared.rows.get(alias)
        theirs = commits.get(row.id) if row is not None else None
        if theirs is not None and ReasonCode.UPSTREAM_MOVED not in prepared.causes(alias):
            by_commit[theirs].add(alias)
    found: set[str] = set()
    for theirs, aliases in by_commit.items():
        try:
            parted = project.repository.merge_base(prepared.commit, theirs)
            moved = affected_in(project.mirrored, parted, prepared.commit, exact=True).workflows
        except PlannerError:
            continue
        news = {
            one.alias
            for workflow in moved
            if workflow.file == prepared.workflow.file
            for one in workflow.environments
            if one.changed
        }
        found |= aliases - news
    return frozenset(found)


def introduced(project: HostedProject, commit: str, rows: Iterable[EnvironmentRow]) -> frozenset[int]:
    """The ids of those that the branch never had at this commit's side: whoever works on them has made them anew."""
    found: set[int] = set()
    for row in rows:
        if row.defined_at is None:
            continue
        try:
            parted = project.repository.merge_base(commit, row.defined_at)
            there = project.definitions(parted).workflows
        except PlannerError:
            continue
        if not any((each.file, one.key) == (row.file, row.key) for each in there for one in each.environments):
            found.add(row.id)
    return frozenset(found)


def brought(project: HostedProject, push: Push, file: str) -> frozenset[str]:
    """The aliases of a workflow that this push itself affects, whatever is deployed."""
    if push.since is None:
        return frozenset(one.alias for each in project.definitions(push.commit).workflows for one in each.environments)
    try:
        found = affected_in(project.mirrored, push.since, push.commit).workflows
    except PlannerError:
        return frozenset()
    return frozenset(one.alias for each in found if each.file == file for one in each.environments if one.affected)


def changed_later(project: HostedProject, push: Push, workflow: Workflow) -> frozenset[str]:
    """The aliases of a workflow that the branch has changed, has no more, or has anew since this commit."""
    aliases = frozenset(one.alias for one in workflow.environments)
    if not push.newest:
        return frozenset()
    try:
        found = affected_in(project.mirrored, push.commit, push.newest, exact=True).workflows
        there = {one.alias for each in _of(project, push.newest, workflow.file) for one in each.environments}
    except PlannerError:
        return aliases
    changed = {one.alias for each in found if each.file == workflow.file for one in each.environments if one.changed}
    return aliases & changed | aliases ^ there


def _of(project: HostedProject, commit: str, file: str) -> list[Workflow]:
    return [one for one in project.definitions(commit).workflows if one.file == file]


def had(project: HostedProject, push: Push) -> frozenset[tuple[str, str]]:
    """File and alias (as it is compared) of all that the branch had before this push."""
    try:
        former = project.definitions(push.since).workflows if push.since else ()
    except PlannerError:
        return frozenset()
    return frozenset((each.file, one.key) for each in former for one in each.environments)


def with_tasks(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """Those of the deployments in which there is anything to do."""
    query = select(tasks.c.deployment_id).where(tasks.c.deployment_id.in_(numbers)).distinct()
    return sorted(connection.execute(query).scalars())


def deployed_from(
    server: Server, pulls: Sequence[PullRow], prepared: Sequence[Prepared]
) -> Mapping[int, tuple[str, ...]]:
    """By pull request number, what it had deployed already with the inputs that the branch has now."""
    by_id = {one.id: one.number for one in pulls}
    rows = [
        (alias, row)
        for one in prepared
        for alias, row in one.rows.items()
        if row.deployed and row.facts.state is TaskState.SUCCEEDED and alias not in one.order
    ]
    query = select(deployments.c.id, deployments.c.pull_id).where(
        deployments.c.id.in_({row.deployment for _, row in rows}), deployments.c.pull_id.in_(by_id)
    )
    with server.database.reading() as connection:
        asked = {row.id: by_id[row.pull_id] for row in connection.execute(query)}
    found: defaultdict[int, list[str]] = defaultdict(list)
    for alias, row in rows:
        if row.deployment in asked:
            found[asked[row.deployment]].append(alias)
    return {number: tuple(aliases) for number, aliases in found.items()}
