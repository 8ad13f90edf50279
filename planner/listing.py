"""The environments of a commit in short: what a graph and a status show of them, kept apart so that it is read fast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from planner.index import definitions_at
from planner.indexing.cache import Cache, no_garbage_collection
from planner.repository import Repository

if TYPE_CHECKING:
    from planner.definition import Workflow

LISTING, LISTINGS_KEPT = "listing-", 6


class ListedEnvironment(NamedTuple):
    """One environment as its file has it (`workspace` and `disabled` may hold `${VAR}`); `wave` counts from 0."""

    alias: str
    key: str
    slug: str
    path: str
    tool: str
    workspace: str | None
    wave: int
    needs: tuple[str, ...]
    requires_approval: bool
    disabled: bool | str
    moved_from: str | None


class ListedWorkflow(NamedTuple):
    """One workflow with its environments, in file order."""

    file: str
    name: str
    environments: tuple[ListedEnvironment, ...]

    @property
    def in_order(self) -> tuple[ListedEnvironment, ...]:
        """The environments, upstreams first, by wave and then in file order."""
        return tuple(sorted(self.environments, key=lambda one: one.wave))


def listed(workflow: Workflow) -> ListedWorkflow:
    """A workflow that was read without errors, in short."""
    from planner.graph import Graph  # noqa: PLC0415 - not on the way to what is kept

    wave = Graph.of(workflow).wave
    return ListedWorkflow(
        workflow.file,
        workflow.name,
        tuple(
            ListedEnvironment(
                one.alias,
                one.key,
                one.slug,
                one.path,
                one.tool.value,
                one.workspace,
                wave[one.alias],
                one.needs,
                one.requires_approval,
                one.disabled,
                one.moved_from,
            )
            for one in workflow.environments
        ),
    )


def listing_at(repository: Repository, revision: str, folder: Path | None = None) -> tuple[ListedWorkflow, ...]:
    """The workflows of a commit, in the order of their files; `folder` is that of the cache (None: keep nothing).

    Raises UnknownRevision, and DefinitionError if the files have errors.
    """
    commit, cache = repository.described(revision), Cache(folder)
    kept = _kept(cache, LISTING + commit.tree, repository.origins)
    if kept is not None:
        return kept
    found = tuple(listed(one) for one in definitions_at(repository, commit.oid, folder).require().workflows)
    plain = [(one.file, one.name, [tuple(each) for each in one.environments]) for one in found]
    cache.save(LISTING + commit.tree, (repository.origins, plain))
    cache.keep_newest(LISTING, LISTINGS_KEPT)
    return found


def _kept(cache: Cache, name: str, origins: tuple[str, ...]) -> tuple[ListedWorkflow, ...] | None:
    """What was kept under a name, if it was read with the same origins."""
    kept: Any = cache.load(name)
    if not isinstance(kept, tuple) or len(kept) != 2 or kept[0] != origins:
        return None
    with no_garbage_collection():
        make = ListedEnvironment._make
        return tuple(ListedWorkflow(file, name, tuple(map(make, those))) for file, name, those in kept[1])
