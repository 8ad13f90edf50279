"""What the planner knows of one commit, in a form that is compared, cached and read back fast.

Environments are numbers, in the order of their files; an environment's facts are read only when they are asked for.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from planner.indexing.inputs import Inputs

Identity = tuple[str, str]
"""A workflow's file and an alias without case: what an environment is known by within a repository."""


class EnvironmentFacts(NamedTuple):
    """An environment as far as it matters for what changed, with every `${VAR}` filled in that has a value.

    `definition` is what its tool is given, as (what, value); `variables` what reaches it, as (name, JSON);
    `place` is what a move leaves as it is; `pinned` is where it is read when that is not the event's commit.
    """

    file: str
    alias: str
    slug: str
    path: str
    needs: tuple[str, ...]
    disabled: bool
    definition: tuple[tuple[str, str], ...]
    variables: tuple[tuple[str, str], ...]
    place: tuple[str, str, str, str]
    watch: tuple[str, ...]
    moved_from: str | None
    pinned: tuple[str, str] | None


class WorkflowFacts(NamedTuple):
    """A workflow, whose environments are the numbers from `first` to before `end`."""

    file: str
    name: str
    first: int
    end: int


@dataclass(frozen=True)
class Snapshot:
    """The definitions of one commit, and what their environments read. Equal keys: equal definitions."""

    key: str
    workflows: Sequence[WorkflowFacts]
    records: Sequence[bytes]
    aliases: Sequence[str]  # without case
    waves: Sequence[int]
    downstream: Sequence[tuple[int, ...]]
    inputs: Inputs

    def environment(self, number: int) -> EnvironmentFacts:
        """The facts of one environment."""
        return EnvironmentFacts._make(marshal.loads(self.records[number]))  # noqa: S302 - made or checked by us

    @cached_property
    def numbers(self) -> Mapping[Identity, int]:
        """Every environment's number."""
        return {
            (workflow.file, self.aliases[number]): number
            for workflow in self.workflows
            for number in range(workflow.first, workflow.end)
        }

    @cached_property
    def pinned(self) -> tuple[tuple[str, str], ...]:
        """Where environments are read that are not read at the event's commit: (repository or "", revision or "").

        Disabled ones are not read at all.
        """
        found = {facts.pinned for facts in map(self.environment, range(len(self.records))) if not facts.disabled}
        return tuple(sorted(one for one in found if one is not None))


def record(facts: EnvironmentFacts) -> bytes:
    """The facts as a snapshot keeps them."""
    return marshal.dumps(tuple(facts), 2)  # version 2: equal facts, equal bytes
