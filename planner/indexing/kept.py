"""The index of a commit as it is kept: read back without what only making it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.indexing.cache import Cache
from planner.indexing.inputs import Inputs
from planner.indexing.snapshot import Snapshot, WorkflowFacts

PREFIX = "index-"
PARTS = 11


@dataclass(frozen=True, slots=True)
class Index:
    """A commit's snapshot. `background`, marshalled, is what the index of another commit is found from."""

    tree: str
    origins: tuple[str, ...]
    has_errors: bool
    snapshot: Snapshot
    background: bytes


def kept_index(cache: Cache, name: str, origins: tuple[str, ...]) -> Index | None:
    """The index that was kept under a name, if it was made with the same origins."""
    kept: Any = cache.load(name)
    if not isinstance(kept, tuple) or len(kept) != PARTS or kept[1] != origins:
        return None
    tree, _, has_errors, key, workflows, records, aliases, waves, downstream, inputs, background = kept
    workflow_facts = [WorkflowFacts._make(one) for one in workflows]
    snapshot = Snapshot(key, workflow_facts, records, aliases, waves, downstream, Inputs._make(inputs))
    return Index(tree, origins, has_errors, snapshot, background)


def keep_index(cache: Cache, index: Index) -> None:
    """Keep an index under its tree."""
    one = index.snapshot
    workflows = [tuple(workflow) for workflow in one.workflows]
    facts = (one.key, workflows, one.records, one.aliases, one.waves, one.downstream, tuple(one.inputs))
    cache.save(PREFIX + index.tree, (index.tree, index.origins, index.has_errors, *facts, index.background))
