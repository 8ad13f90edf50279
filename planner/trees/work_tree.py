"""The files as they lie in a work tree: what git knows there, and what it would add."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from planner.trees.tree import FOLDER, LINK, SUBMODULE, Entry, Tree, bytes_of, text_of


class WorkTree(Tree):
    """The files in a work tree that git knows or would add."""

    identity = "work tree"

    def __init__(self, top: Path, listing: bytes) -> None:
        super().__init__()
        self._top = top
        self._folders: dict[str, dict[str, None]] = {"": {}}  # the names in each, in git's order
        self._seen: dict[str, Entry | None] = {}  # looked up once: a folder of a thousand stacks is asked for often
        for path in text_of(listing).split("\0"):
            if path:
                self._add(path.rstrip("/"))

    def _add(self, path: str) -> None:
        parent, _, name = path.rpartition("/")
        if parent not in self._folders:
            self._folders[parent] = {}
            self._add(parent)
        self._folders[parent][name] = None

    def entries(self, folder: str) -> Mapping[str, Entry]:
        found = {name: self.entry_in(folder, name) for name in self._folders.get(folder, ())}
        return {name: entry for name, entry in found.items() if entry is not None}

    def entry_in(self, folder: str, name: str) -> Entry | None:
        if name not in self._folders.get(folder, ()):
            return None
        path = f"{folder}/{name}" if folder else name
        if path not in self._seen:
            self._seen[path] = self._looked_up(path)
        return self._seen[path]

    def listed_paths(self) -> Iterator[str]:
        """Every path that git knows or would add, folders too; what is deleted in the work tree is still among them."""
        for folder, names in self._folders.items():
            before = f"{folder}/" if folder else ""
            for name in names:
                yield before + name

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for path in paths:
            parent, _, name = path.rpartition("/")
            entry = self.entry_in(parent, name)
            if entry is None or entry.mode[:2] not in ("10", "12"):
                continue
            place = os.fsencode(self._top) + b"/" + bytes_of(path)
            found[path] = os.readlink(place) if entry.mode == LINK else _read(place)  # noqa: PTH115 - bytes
        return found

    def all_paths(self) -> Iterator[tuple[str, Entry]]:
        for folder in self._folders:
            before = f"{folder}/" if folder else ""
            for name, entry in self.entries(folder).items():
                if entry.mode != FOLDER:
                    yield before + name, entry

    def _looked_up(self, path: str) -> Entry | None:
        try:
            mode = os.lstat(os.fsencode(self._top) + b"/" + bytes_of(path)).st_mode
        except OSError:
            return None
        if stat.S_ISLNK(mode):
            return Entry(LINK, "")
        if stat.S_ISDIR(mode):
            return self._folder(path)
        return Entry("100755" if mode & stat.S_IXUSR else "100644", "") if stat.S_ISREG(mode) else None

    def _folder(self, path: str) -> Entry | None:
        """A folder is there as long as anything is left in it; one of which git lists nothing is a submodule."""
        names = self._folders.get(path)
        if names is None:
            return Entry(SUBMODULE, "")
        is_left = any(self.entry_in(path, name) is not None for name in names)
        return Entry(FOLDER, "") if is_left else None


def _read(place: bytes) -> bytes:
    with open(place, "rb") as file:  # noqa: PTH123 - a path that may be no UTF-8
        return file.read()
