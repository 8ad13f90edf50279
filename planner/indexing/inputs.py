"""What environments read, turned round: from a changed path to the environments that read it.

A question costs by the number of changed paths and of the environments found, not by the size of the repository.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from planner.globs import fixed_folder, matches
from planner.trees.tree import LINK, SUBMODULE
from planner.workflow_files import is_workflow_file


class ChangedPath(NamedTuple):
    """A path that differs between two commits. Mode "000000": it does not exist on that side."""

    path: str
    old_mode: str
    new_mode: str

    @property
    def indirect(self) -> bool:
        """Whether it is or was a link or a submodule: then what lies beneath the path is concerned as well."""
        return bool({self.old_mode, self.new_mode} & {LINK, SUBMODULE})


class Reads(NamedTuple):
    """What one environment reads. A path stands for the file there and for all that lies beneath it."""

    own: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    filesets: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()


class Touch(IntEnum):
    """How an environment reads a path; where several fit, the least counts."""

    OWN = 0
    ELSEWHERE = 1
    WATCH = 2


Numbers = tuple[int, ...]


class Inputs(NamedTuple):
    """The reads of all environments of one commit; environments are numbers. Globs stand under their fixed folder."""

    own: dict[str, Numbers]
    elsewhere: dict[str, Numbers]
    filesets: dict[str, dict[str, Numbers]]
    watch: dict[str, dict[str, Numbers]]

    @classmethod
    def of(cls, reads: Sequence[Reads]) -> Inputs:
        """The reads of environments 0, 1, 2, …"""
        return cls(
            _inverted(one.own for one in reads),
            _inverted(one.elsewhere for one in reads),
            _by_folder(_inverted(one.filesets for one in reads)),
            _by_folder(_inverted(one.watch for one in reads)),
        )

    def touched(self, changed: Iterable[ChangedPath]) -> dict[int, dict[str, Touch]]:
        """The environments that read any of the changed paths: how, by path. Workflow files never count."""
        found: dict[int, dict[str, Touch]] = {}
        for change in changed:
            if is_workflow_file(change.path):
                continue
            for touch, numbers in self._readers(change):
                for number in numbers:
                    paths = found.setdefault(number, {})
                    paths[change.path] = min(touch, paths.get(change.path, touch))
        return found

    def _readers(self, change: ChangedPath) -> Iterator[tuple[Touch, Numbers]]:
        for folder in _folders(change.path):
            if folder in self.own:
                yield Touch.OWN, self.own[folder]
            if folder in self.elsewhere:
                yield Touch.ELSEWHERE, self.elsewhere[folder]
            for glob, numbers in self.filesets.get(folder, {}).items():
                if matches(glob, change.path):
                    yield Touch.ELSEWHERE, numbers
            for glob, numbers in self.watch.get(folder, {}).items():
                if matches(glob, change.path):
                    yield Touch.WATCH, numbers
        if change.indirect:
            yield from self._readers_beneath(change.path + "/")

    def _readers_beneath(self, start: str) -> Iterator[tuple[Touch, Numbers]]:
        """Those that read through a link or a submodule: rare, so every path is looked at."""
        for touch, table in ((Touch.OWN, self.own), (Touch.ELSEWHERE, self.elsewhere)):
            for path, numbers in table.items():
                if path.startswith(start):
                    yield touch, numbers
        for touch, globs in ((Touch.ELSEWHERE, self.filesets), (Touch.WATCH, self.watch)):
            for folder, those in globs.items():
                if (folder + "/").startswith(start):
                    for numbers in those.values():
                        yield touch, numbers


def _folders(path: str) -> Iterator[str]:
    """The path itself and every folder above it, the root last."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def _inverted(reads: Iterable[tuple[str, ...]]) -> dict[str, Numbers]:
    found: dict[str, list[int]] = {}
    for number, paths in enumerate(reads):
        for path in paths:
            found.setdefault(path, []).append(number)
    return {path: tuple(numbers) for path, numbers in found.items()}


def _by_folder(globs: dict[str, Numbers]) -> dict[str, dict[str, Numbers]]:
    found: dict[str, dict[str, Numbers]] = {}
    for glob, numbers in globs.items():
        found.setdefault(fixed_folder(glob), {})[glob] = numbers
    return found
