"""Everything that is known of a commit, kept by its tree; what is kept is read back without what only making it needs.

`building` makes what is not kept yet.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from planner.indexing.cache import Cache
from planner.indexing.kept import PREFIX, Index, kept_index
from planner.repository import Commit, Repository

if TYPE_CHECKING:
    from planner.reading import Reading


def cache_folder(repository: Repository) -> Path:
    """Where a repository's cache is; it may be deleted at any time."""
    return repository.git_dir / "headwater" / "cache"


def definitions_at(repository: Repository, commit: str, cache: Path | None = None) -> Reading:
    """The workflow files of a commit, with all problems. `cache`: the folder to keep it in (None: keep nothing)."""
    from planner.indexing.building import reading_at  # noqa: PLC0415 - not on the way to what is kept

    return reading_at(repository, repository.described(commit), Cache(cache))


def definitions_in_work_tree(repository: Repository) -> Reading:
    """The workflow files as they lie in the work tree, new ones included, with all problems."""
    from planner.indexing.building import reading_of_work_tree  # noqa: PLC0415 - as above

    return reading_of_work_tree(repository, Cache(cache_folder(repository)))


def index_at(repository: Repository, commit: Commit, cache: Cache, near: Index | None = None) -> Index:
    """The index of a commit: as it was kept, else found from `near` or the newest that is kept, else made."""
    found = kept_index(cache, PREFIX + commit.tree, repository.origins)
    if found is not None and found.tree == commit.tree:
        return found
    from planner.indexing.building import new_index  # noqa: PLC0415 - as above

    return new_index(repository, commit, cache, near).index
