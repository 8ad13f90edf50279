"""What has changed since each environment was last deployed: the planner's answer over the mirror's commits."""

from __future__ import annotations

from collections.abc import Sequence

from planner.cache import Cache
from planner.changes import AffectedWorkflow, Base, DeployedFacts, affected_since
from planner.index import cache_folder, index_at
from planner.repository import Repository


def affected_since_deployed(
    repository: Repository, commit: str, deployed: Sequence[DeployedFacts]
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
    return affected_since(index.snapshot, deployed, bases)
