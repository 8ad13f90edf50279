"""What the files of one folder refer to, before anybody has looked where that leads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

MODULE, ROOT = "module", "root"
"""Where a relative path starts: the folder of the file that holds it, or the environment's own folder."""


class References(NamedTuple):
    """What a file, or all files of a folder, refer to. Only tuples and texts: it is cached as it is."""

    modules: tuple[str, ...] = ()  # folders that are read in turn, relative to this one
    paths: tuple[tuple[str, str], ...] = ()  # (MODULE or ROOT, path)
    filesets: tuple[tuple[str, str, str], ...] = ()  # (MODULE or ROOT, folder, glob)
    backend: bool = False  # whether the code says where its state is kept


class Source(NamedTuple):
    """What one tool reads of a folder: which files refer to others, and to what."""

    name: str
    is_read: Callable[[str], bool]  # by the file's name
    references: Callable[[str, bytes], References]  # by the file's name and content


NOTHING = References()


def merged(those: Iterable[References]) -> References:
    """All references of several files, each once, in a fixed order."""
    every = tuple(one for one in those if one != NOTHING)
    if not every:
        return NOTHING
    return References(
        tuple(sorted({one for each in every for one in each.modules})),
        tuple(sorted({one for each in every for one in each.paths})),
        tuple(sorted({one for each in every for one in each.filesets})),
        any(each.backend for each in every),
    )
