"""What every environment reads at a commit: its folder, local modules, files named in code, and where links lead."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from planner.globs import escaped, fixed_folder, matches
from planner.indexing.inputs import Reads
from planner.sources import source_of
from planner.sources.references import MODULE, References, Source, merged
from planner.trees.tree import LINK, SUBMODULE, Kind, Resolved, Tree, joined

Scans = dict[tuple[str, str], References]
"""What the files of a folder refer to, by source and folder."""


class Reader(NamedTuple):
    """As much of an environment as says what it reads."""

    path: str
    tool: str
    watch: tuple[str, ...]
    pinned: bool  # read elsewhere: nothing of this commit


@dataclass
class ReadsAt:
    """Finds what environments read in one tree. `scans` are kept from one to the next, and may be given."""

    tree: Tree
    links: Mapping[str, str]
    scans: Scans = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._links = sorted(self.links)

    def all(self, readers: Sequence[Reader]) -> list[Reads]:
        """What each of them reads, in order."""
        self._scan(readers)
        return [Reads() if one.pinned else self._reads(one) for one in readers]

    def has_backend(self, path: str, tool: str = "opentofu") -> bool:
        """Whether the code in a folder says where its state is kept."""
        source, folder = source_of(tool), self.tree.resolve(path).path
        self.scan_folders({(source.name, folder): source})
        return self.scans[source.name, folder].backend

    def _scan(self, readers: Iterable[Reader]) -> None:
        """Look into all folders that the readers' code is in, level by level, each level's files read at once."""
        waiting: dict[tuple[str, str], tuple[Source, str]] = {}
        for one in readers:
            if not one.pinned:
                source, folder = source_of(one.tool), self.tree.resolve(one.path).path
                waiting[source.name, folder] = (source, folder)
        seen: set[tuple[str, str]] = set()
        while waiting:
            self.scan_folders({(name, self._real(folder)): source for (name, _), (source, folder) in waiting.items()})
            seen |= waiting.keys()
            following: dict[tuple[str, str], tuple[Source, str]] = {}
            for (name, _), (source, folder) in waiting.items():
                for module in self.scans[name, self._real(folder)].modules:
                    there = joined(folder, module)
                    if there is not None and (name, there) not in seen:
                        following[name, there] = (source, there)
            waiting = following

    def _real(self, folder: str) -> str:
        return self.tree.resolve(folder).path

    def scan_folders(self, folders: Mapping[tuple[str, str], Source]) -> None:
        """Note what the files of these folders refer to, unless that is known."""
        files: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.tree.read_ahead(folder for name, folder in folders if (name, folder) not in self.scans)
        for key, source in folders.items():
            if key not in self.scans:
                before = f"{key[1]}/" if key[1] else ""
                files[key] = [
                    (name, self._real(before + name) if entry.mode == LINK else before + name)
                    for name, entry in self.tree.entries(key[1]).items()
                    if source.is_read(name)
                ]
        contents = self.tree.contents({path for those in files.values() for _, path in those})
        for key, those in files.items():
            found = (folders[key].references(name, contents[path]) for name, path in those if path in contents)
            self.scans[key] = merged(found)

    def _reads(self, reader: Reader) -> Reads:
        root = self.tree.resolve(reader.path)
        own = _Paths({reader.path, root.path, *root.links})
        elsewhere, filesets = _Paths(()), set[str]()
        source = source_of(reader.tool).name
        waiting, seen = [root.path], {root.path}
        while waiting:
            folder = waiting.pop()
            scan = self.scans[source, self._real(folder)]
            for module in scan.modules:
                there = self._note(elsewhere, folder, module)
                if there is not None and there not in seen:
                    seen.add(there)
                    waiting.append(there)
            for start, path in scan.paths:
                self._note(elsewhere, folder if start == MODULE else root.path, path)
            for start, path, glob in scan.filesets:
                filesets |= self._globs(folder if start == MODULE else root.path, path, glob)
        globs = {glob for glob in filesets if not own.cover(fixed_folder(glob))}
        self._follow_links([*own, *elsewhere, *map(fixed_folder, globs)], elsewhere)
        return Reads(
            own.least(),
            tuple(path for path in elsewhere.least() if not own.cover(path)),
            tuple(sorted(globs)),
            tuple(sorted(self._watched(reader.watch))),
        )

    def _note(self, paths: _Paths, start: str, path: str) -> str | None:
        """Add what a path leads to, and the links on the way; gives the path itself if it lies in the repository."""
        there = joined(start, path)
        if there is None:
            return None
        self._add(paths, there, self.tree.resolve(there))
        return there

    @staticmethod
    def _add(paths: _Paths, path: str, leads_to: Resolved) -> None:
        paths.update(leads_to.links)
        if leads_to.kind is not Kind.OUTSIDE:
            paths.update((path, leads_to.path))

    def _globs(self, start: str, path: str, glob: str) -> set[str]:
        there = joined(start, path)
        if there is None:
            return set()
        folder = self.tree.resolve(there)
        found = set()
        for base in {there, folder.path}:
            pattern = joined(escaped(base), glob)
            if pattern is not None:
                found.add(pattern)
        return found if folder.kind is not Kind.OUTSIDE else set()

    def _follow_links(self, starts: Iterable[str], elsewhere: _Paths) -> None:
        """Add where the links beneath these paths lead, and the links beneath that."""
        if not self._links:
            return
        waiting, seen = list(starts), set[str]()
        while waiting:
            for link in self._links_beneath(waiting.pop()):
                if link not in seen:
                    seen.add(link)
                    target = self.tree.resolve(link)
                    self._add(elsewhere, link, target)
                    waiting.append(target.path)

    def _links_beneath(self, path: str) -> Iterator[str]:
        start = f"{path}/" if path else ""
        for place in range(bisect_left(self._links, start), len(self._links)):
            if not self._links[place].startswith(start):
                return
            yield self._links[place]

    def _watched(self, globs: Iterable[str]) -> Iterator[str]:
        """The globs, and the same where the folder that they start from, or what they match, is a link."""
        for glob in globs:
            yield glob
            folder = fixed_folder(glob)
            target = self.tree.resolve(folder)
            if target.links and target.kind is not Kind.OUTSIDE:
                yield "/".join(part for part in (escaped(target.path), glob[len(folder) :].strip("/")) if part)
                yield from map(escaped, target.links)
            for link in self._links_beneath(target.path):
                leads_to = self.tree.resolve(link)
                if matches(glob, link) and leads_to.kind is not Kind.OUTSIDE:
                    yield escaped(leads_to.path)
                    yield f"{escaped(leads_to.path)}/**"


class _Paths(set[str]):
    """Paths, each standing for all that lies beneath it."""

    def cover(self, path: str) -> bool:
        """Whether a path is one of them or lies beneath one."""
        while path not in self:
            if not path:
                return False
            path = path.rpartition("/")[0]
        return True

    def least(self) -> tuple[str, ...]:
        """Those that lie beneath no other, sorted."""
        return tuple(sorted(path for path in self if not path or not self.cover(path.rpartition("/")[0])))


def scans_of(tree: Tree, source: Source, folders: Iterable[str]) -> Scans:
    """What the files of these folders (none of them a link) refer to."""
    found = ReadsAt(tree, {})
    found.scan_folders({(source.name, folder): source for folder in folders})
    return found.scans


def changes_links(old_mode: str, new_mode: str) -> bool:
    """Whether such a change may lead paths elsewhere, so that all reads have to be found anew."""
    return LINK in (old_mode, new_mode) or (old_mode != new_mode and SUBMODULE in (old_mode, new_mode))
