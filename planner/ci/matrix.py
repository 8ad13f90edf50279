"""Environments as job matrices of a CI: one entry a wave, or more where a wave is larger than a matrix may be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from planner.definition import Environment, Json, Workflow
from planner.graph import Graph

MATRIX_LIMIT = 256
"""The most jobs that GitHub Actions makes of one matrix."""


@dataclass(frozen=True, slots=True)
class MatrixEntry:
    """One environment as one job of a matrix. `workflow` is told only where several workflows share a matrix."""

    environment: str
    slug: str
    path: str
    tool: str
    workspace: str | None
    wave: int
    workflow: str | None = None

    def leg(self) -> dict[str, Json]:
        """The entry as JSON: the keys of `include`."""
        found: dict[str, Json] = {
            "environment": self.environment,
            "slug": self.slug,
            "path": self.path,
            "tool": self.tool,
            "workspace": self.workspace,
            "wave": self.wave,
        }
        return found if self.workflow is None else {**found, "workflow": self.workflow}


def matrix_entries(
    workflow: Workflow, affected: Collection[str] | None = None, *, named: bool = False
) -> tuple[MatrixEntry, ...]:
    """The entries of a workflow's environments, upstreams first; None means all, disabled ones are left out.

    `affected` holds aliases, `wave` is the place in the whole graph, and `named` tells the workflow in each entry.
    """
    graph = Graph.of(workflow)
    by_alias = {one.alias: one for one in workflow.environments}
    return tuple(
        _entry(by_alias[alias], graph.wave[alias], workflow.name if named else None)
        for alias in graph.order
        if by_alias[alias].disabled is not True and (affected is None or alias in affected)
    )


def _entry(environment: Environment, wave: int, workflow: str | None) -> MatrixEntry:
    return MatrixEntry(
        environment=environment.alias,
        slug=environment.slug,
        path=environment.path,
        tool=environment.tool.value,
        workspace=environment.workspace,
        wave=wave,
        workflow=workflow,
    )


def matrix(entries: Sequence[MatrixEntry], limit: int = MATRIX_LIMIT) -> dict[str, Json]:
    """`{"waves": [{"include": […]}]}`: waves in order, entries of a wave in the given order, none empty.

    No `include` has more than `limit` entries: a larger wave spans several, one after the other.
    """
    return {"waves": [{"include": [entry.leg() for entry in part]} for part in _parts(entries, limit)]}


def shards(size: int, limit: int = MATRIX_LIMIT) -> int:
    """How many matrices that many environments take."""
    return -(-size // limit)


def _parts(entries: Sequence[MatrixEntry], limit: int) -> Iterator[tuple[MatrixEntry, ...]]:
    for _, members in groupby(sorted(entries, key=attrgetter("wave")), key=attrgetter("wave")):
        wave = tuple(members)
        yield from (wave[start : start + limit] for start in range(0, len(wave), limit))
