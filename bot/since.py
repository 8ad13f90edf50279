"""What has changed since each environment was last deployed: the planner's answer over the mirror's commits."""

from __future__ import annotations

from collections.abc import Sequence

from bot.decide.facts import TaskAction
from bot.decide.transitions import TaskState
from bot.project import Project
from bot.store.environments import EnvironmentRow
from planner.changes import AffectedWorkflow, Base, DeployedFacts, affected_since
from planner.index import cache_folder, definitions_at, index_at
from planner.indexing.cache import Cache
from planner.question import own_revisions


def affected_since_deployed(
    project: Project, commit: str, deployed: Sequence[DeployedFacts], *, everything: bool = False
) -> tuple[AffectedWorkflow, ...]:
    """Each environment against the commit that it was last deployed at; the mirror must have all those commits.

    One at a `revision` of this repository is changed when that moved; other repositories are not asked here.
    Raises DefinitionError if the files of `commit` have errors, and UnknownRevision.
    """
    repository = project.mirrored
    folder = cache_folder(repository)
    cache = Cache(folder)
    head = repository.described(commit)
    index = index_at(repository, head, cache)
    if index.has_errors:
        definitions_at(repository, head.oid, folder).require()
    bases = {
        one: Base(
            index_at(repository, earlier, cache, index).snapshot, repository.changed_paths(earlier.tree, head.tree)
        )
        for one in sorted({facts.commit for facts in deployed if facts.commit is not None})
        for earlier in [repository.described(one)]
    }
    sources = own_revisions(project.repository, index.snapshot)
    return affected_since(index.snapshot, deployed, bases, sources, everything=everything)


def facts_of(rows: Sequence[EnvironmentRow]) -> tuple[DeployedFacts, ...]:
    """What change detection needs to know of each environment that was worked on."""
    by_id = {row.id: row for row in rows}
    return tuple(
        DeployedFacts(
            file=row.file,
            alias=row.alias,
            commit=row.commit,
            path=row.stack.path,
            source_commit=row.source_commit,
            unfinished=unfinished(row) or _going(row),
            upstream_moved=tuple(
                by_id[int(upstream)].alias
                for upstream, success in sorted(row.seen.items())
                if int(upstream) in by_id and by_id[int(upstream)].success_id not in (None, success)
            ),
        )
        for row in rows
        if row.used
    )


def _going(row: EnvironmentRow) -> bool:
    """Whether it will be destroyed; what waits for an approval may never be."""
    asks = row.facts.state is TaskState.NEEDS_APPROVAL
    return row.facts.action is TaskAction.DESTROY and row.facts.under_way and not asks


def unfinished(row: EnvironmentRow) -> bool:
    """Whether its latest deploy or destroy left it half done."""
    broken = row.facts.state in (TaskState.FAILED, TaskState.TIMED_OUT, TaskState.LOST)
    return row.facts.unfinished or broken or (row.facts.state is TaskState.CANCELLED and row.facts.started)
