"""What has changed since each environment was last deployed: the planner's answer over the mirror's commits."""

from __future__ import annotations

from collections.abc import Sequence

from bot.decide.transitions import TaskState
from bot.store.environments import EnvironmentRow
from planner.cache import Cache
from planner.changes import AffectedWorkflow, Base, DeployedFacts, affected_since
from planner.index import cache_folder, index_at
from planner.repository import Repository


def affected_since_deployed(
    repository: Repository, commit: str, deployed: Sequence[DeployedFacts], *, everything: bool = False
) -> tuple[AffectedWorkflow, ...]:
    """Each environment against the commit that it was last deployed at; all those commits must be in the repository."""
    cache = Cache(cache_folder(repository))
    head = repository.described(commit)
    index = index_at(repository, head, cache)
    bases = {
        one: Base(
            index_at(repository, earlier, cache, index).snapshot, repository.changed_paths(earlier.tree, head.tree)
        )
        for one in sorted({facts.commit for facts in deployed if facts.commit is not None})
        for earlier in [repository.described(one)]
    }
    return affected_since(index.snapshot, deployed, bases, everything=everything)


def facts_of(rows: Sequence[EnvironmentRow]) -> tuple[DeployedFacts, ...]:
    """What change detection needs to know of each environment that was worked on."""
    by_id = {row.id: row for row in rows}
    return tuple(
        DeployedFacts(
            file=row.file,
            alias=row.alias,
            commit=row.commit,
            path=row.stack.path,
            unfinished=unfinished(row),
            upstream_moved=tuple(
                by_id[int(upstream)].alias
                for upstream, success in sorted(row.seen.items())
                if int(upstream) in by_id and by_id[int(upstream)].success_id not in (None, success)
            ),
        )
        for row in rows
        if row.used
    )


def unfinished(row: EnvironmentRow) -> bool:
    """Whether its latest deploy or destroy left it half done."""
    broken = row.facts.state in (TaskState.FAILED, TaskState.TIMED_OUT, TaskState.LOST)
    return row.facts.unfinished or broken or (row.facts.state is TaskState.CANCELLED and row.facts.started)
