"""The question of `headwater affected`, from a folder and two revisions to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from planner.changes import AffectedWorkflow, Base, affected
from planner.index import cache_folder, definitions_at, index_at
from planner.indexing.cache import Cache, no_garbage_collection
from planner.indexing.snapshot import Snapshot
from planner.repository import Repository


@dataclass(frozen=True, slots=True)
class Answer:
    """What is affected between two commits; `base` is the one that was compared with."""

    base: str
    head: str
    workflows: tuple[AffectedWorkflow, ...]


def affected_between(
    folder: Path, base: str, head: str = "HEAD", *, exact: bool = False, everything: bool = False
) -> Answer:
    """What a change affects: from the merge base of two revisions (`exact`: from the base itself) to the head.

    `everything` lists the unaffected as well. Raises GitError, and DefinitionError if the head's files have errors.
    """
    with Repository(folder) as repository:
        return affected_in(repository, base, head, exact=exact, everything=everything)


def affected_in(
    repository: Repository, base: str, head: str = "HEAD", *, exact: bool = False, everything: bool = False
) -> Answer:
    """The same, of a repository that is open."""
    later, earlier = repository.described(head), repository.described(base)
    if not exact:
        parted = repository.merge_base(earlier.oid, later.oid)
        earlier = earlier if parted == earlier.oid else repository.described(parted)
    cache = Cache(cache_folder(repository))
    with no_garbage_collection():
        now = index_at(repository, later, cache)
        if now.has_errors:
            definitions_at(repository, later.oid, cache_folder(repository)).require()
        then = index_at(repository, earlier, cache, now)
        compared = Base(then.snapshot, repository.changed_paths(earlier.tree, later.tree))
        return Answer(earlier.oid, later.oid, affected(compared, now.snapshot, everything=everything))


def own_revisions(repository: Repository, snapshot: Snapshot) -> dict[tuple[str, str], str]:
    """The commits that revisions of this very repository now come to, as `affected_since` takes them.

    Left out is what is not known here: what lies in other repositories, and a revision with a `${VAR}` that only a
    deploy fills in. Raises UnknownRevision.
    """
    return {pin: repository.commit(pin[1]) for pin in snapshot.pinned if not pin[0] and "${" not in pin[1]}
