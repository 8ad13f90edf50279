"""The files of a repository at one commit or in the work tree, and where a path leads once links are followed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

FOLDER, LINK, SUBMODULE = "040000", "120000", "160000"
MOST_LINKS = 40  # of one path, as Linux has it


def text_of(path: bytes) -> str:
    """A path of git as text; bytes that are no UTF-8 survive the way back."""
    return path.decode("utf-8", "surrogateescape")


def bytes_of(path: str) -> bytes:
    """The bytes of a path as git has it."""
    return path.encode("utf-8", "surrogateescape")


class Kind(StrEnum):
    """What a path leads to. A path into a submodule is a folder: what lies there is not known here."""

    FILE = "file"
    FOLDER = "folder"
    OUTSIDE = "outside"


class Entry(NamedTuple):
    """What lies at a path, links not followed: git's mode, and the object's id ("" in a work tree)."""

    mode: str
    oid: str


class Resolved(NamedTuple):
    """Where a path leads. `path` has no link left; `links` are the links on the way; kind None: nothing is there."""

    path: str
    kind: Kind | None
    links: tuple[str, ...] = ()


class Tree(ABC):
    """Files by path; paths have `/` between segments, none at the ends, and "" is the root."""

    identity: str  # changes whenever anything in the tree does

    def __init__(self) -> None:
        self._resolved: dict[str, Resolved] = {}

    @abstractmethod
    def entries(self, folder: str) -> Mapping[str, Entry]:
        """What lies directly in a folder, by name; nothing when it is no folder."""

    def read_ahead(self, folders: Iterable[str]) -> None:  # noqa: B027 (a tree may do nothing)
        """Be told what will be asked for, where reading together is cheaper."""

    def entry_in(self, folder: str, name: str) -> Entry | None:
        """What lies in a folder under a name, links not followed."""
        return self.entries(folder).get(name)

    @abstractmethod
    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of files, by path; of a link, its target. What is no file is left out."""

    @abstractmethod
    def all_paths(self) -> Iterable[tuple[str, Entry]]:
        """Every file, link and submodule."""

    def resolve(self, path: str) -> Resolved:
        """Follow a path from the root, as the operating system would."""
        found = self._resolved.get(path)
        if found is None:
            found = self._resolved[path] = self._follow(path)
        return found

    def kind(self, path: str) -> Kind | None:
        """What a path leads to."""
        return self.resolve(path).kind

    def links(self) -> dict[str, str]:
        """The targets of all links, as they are written, by path."""
        paths = [path for path, entry in self.all_paths() if entry.mode == LINK]
        return {path: text_of(target) for path, target in self.contents(paths).items()}

    def _follow(self, path: str) -> Resolved:
        if path.startswith("/"):
            return Resolved(path, Kind.OUTSIDE)
        done: list[str] = []
        todo = path.split("/")[::-1]
        links: list[str] = []
        while todo:
            segment = todo.pop()
            if segment in ("", "."):
                continue
            if segment == "..":
                if not done:
                    return Resolved(path, Kind.OUTSIDE, tuple(links))
                done.pop()
                continue
            entry = self.entry_in("/".join(done), segment)
            done.append(segment)
            if entry is not None and entry.mode == LINK:
                links.append("/".join(done))
                target = self._target(links[-1])
                if target.startswith("/"):
                    return Resolved(path, Kind.OUTSIDE, tuple(links))
                if len(links) > MOST_LINKS:
                    return Resolved(links[0], None, tuple(links))
                done.pop()
                todo.extend(target.split("/")[::-1])
            elif entry is None or entry.mode != FOLDER:
                return self._ended(entry, done, todo, links)
        return Resolved("/".join(done), Kind.FOLDER, tuple(links))

    def _ended(self, entry: Entry | None, done: list[str], todo: list[str], links: list[str]) -> Resolved:
        """The end of a path at something that holds no files in this tree."""
        rest = [segment for segment in reversed(todo) if segment not in ("", ".")]
        path = _lexical([*done, *rest])
        if path is None:
            return Resolved("/".join(done), Kind.OUTSIDE, tuple(links))
        if entry is not None and entry.mode == SUBMODULE:
            return Resolved(path, Kind.FOLDER, tuple(links))
        kind = Kind.FILE if entry is not None and not rest else None
        return Resolved(path, kind, tuple(links))

    def _target(self, link: str) -> str:
        return text_of(self.contents([link]).get(link, b""))


def joined(start: str, path: str) -> str | None:
    """The path that another names from a folder, by its text alone, as Terraform joins them; None if it leaves."""
    if path.startswith(("/", "~")):
        return None
    segments = f"{start}/{path}".split("/")
    return _lexical(segment for segment in segments if segment not in ("", "."))


def _lexical(segments: Iterable[str]) -> str | None:
    done: list[str] = []
    for segment in segments:
        if segment != "..":
            done.append(segment)
        elif done:
            done.pop()
        else:
            return None
    return "/".join(done)
