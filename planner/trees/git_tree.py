"""The files of a commit, read from git's objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from planner.problems import PlannerError
from planner.trees.tree import FOLDER, Entry, Tree, text_of


class MissingObject(PlannerError):  # noqa: N818 - what is wrong, in the words of the design
    """An object that the repository should have."""


class Found(NamedTuple):
    """An object as git gave it."""

    oid: str
    kind: str
    content: bytes


class Objects(Protocol):
    """What a tree needs of its repository."""

    def listing(self, tree: str) -> bytes:
        """All entries of a tree, folders included, as `ls-tree -z` gives them."""

    def read_all(self, names: Sequence[str]) -> Iterator[Found | None]:
        """The objects of names, in their order."""


class GitTree(Tree):
    """The tree of a commit. Folders are read one by one, unless `load` reads them all at once."""

    def __init__(self, objects: Objects, oid: str) -> None:
        super().__init__()
        self.identity = oid
        self._objects = objects
        self._folders: dict[str, Mapping[str, Entry]] = {}
        self._known: dict[str, bytes] = {}
        self._whole = False

    def load(self) -> None:
        """Read all folders at once: cheaper than one by one when most will be asked for."""
        if self._whole:
            return
        folders: dict[str, dict[str, Entry]] = {"": {}}
        for item in text_of(self._objects.listing(self.identity)).split("\0"):
            if item:
                facts, _, path = item.partition("\t")
                mode, _, oid = facts.split(" ")
                parent, _, name = path.rpartition("/")
                folders[parent][name] = Entry(mode, oid)
                if mode == FOLDER:
                    folders[path] = {}
        self._folders, self._whole = dict(folders), True

    def read_ahead(self, folders: Iterable[str]) -> None:
        """Read folders together that will be asked for, rather than one by one."""
        missing = [] if self._whole else [one for one in dict.fromkeys(folders) if one and one not in self._folders]
        found = [(one, entry.oid) for one in missing if (entry := self.entry(one)) and entry.mode == FOLDER]
        trees = self._objects.read_all([oid for _, oid in found])
        for (folder, oid), tree in zip(found, trees, strict=True):
            self._folders[folder] = dict(_tree_entries(_content(tree), len(oid) // 2))

    def read_by(self, objects: Objects) -> GitTree:
        """The same tree, with what is known of its folders, read by another process: one is not shared by two."""
        other = GitTree(objects, self.identity)
        other._folders, other._whole = dict(self._folders), self._whole
        return other

    def entries(self, folder: str) -> Mapping[str, Entry]:
        found = self._folders.get(folder)
        if found is None and not self._whole:
            found = self._folders[folder] = self._read_folder(folder)
        return found or {}

    def entry(self, path: str) -> Entry | None:
        """What lies at a path, links not followed."""
        parent, _, name = path.rpartition("/")
        return self.entries(parent).get(name)

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        wanted = {path: entry.oid for path in paths if (entry := self.entry(path)) and entry.mode[:2] in ("10", "12")}
        missing = list(dict.fromkeys(oid for oid in wanted.values() if oid not in self._known))
        blobs = dict(zip(missing, self._objects.read_all(missing), strict=True))
        lost = next((oid for oid, blob in blobs.items() if blob is None), None)
        if lost is not None:
            raise MissingObject(f"the object {lost} is missing from this repository: run `git fsck`, or fetch it again")
        return {path: self._known[oid] if oid in self._known else _content(blobs[oid]) for path, oid in wanted.items()}

    def all_paths(self) -> Iterator[tuple[str, Entry]]:
        self.load()
        for folder, entries in self._folders.items():
            before = f"{folder}/" if folder else ""
            for name, entry in entries.items():
                if entry.mode != FOLDER:
                    yield before + name, entry

    def _target(self, link: str) -> str:
        found = self.contents([link]).get(link, b"")
        entry = self.entry(link)
        if entry is not None:
            self._known[entry.oid] = found
        return text_of(found)

    def _read_folder(self, folder: str) -> dict[str, Entry]:
        if not folder:
            oid = self.identity
        else:
            entry = self.entry(folder)
            if entry is None or entry.mode != FOLDER:
                return {}
            oid = entry.oid
        return dict(_tree_entries(_content(next(self._objects.read_all([oid]))), len(oid) // 2))


def _content(found: Found | None) -> bytes:
    return b"" if found is None else found.content


def _tree_entries(content: bytes, length: int) -> Iterator[tuple[str, Entry]]:
    """The entries of a tree object: mode, space, name, NUL, binary id."""
    place = 0
    while place < len(content):
        space = content.index(b" ", place)
        end = content.index(b"\0", space)
        mode = content[place:space].decode("ascii").zfill(6)
        yield text_of(content[space + 1 : end]), Entry(mode, content[end + 1 : end + 1 + length].hex())
        place = end + 1 + length
