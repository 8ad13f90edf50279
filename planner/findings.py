"""What is wrong with the workflow files in a work tree, without reading them again where they say what HEAD's do.

The definitions follow from the workflow files' contents, from which of the paths that they name are folders, and from
nothing else where no link, submodule or declared backend plays a part. So if every workflow file has the content that
it has in HEAD, and git tells of no change that can make, remove or replace a workflow file or a folder, then what was
found in HEAD holds here. Anything that is not known to be harmless has everything read as it lies there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha1, sha256
from typing import Any, NamedTuple

from planner.index import cache_folder, definitions_in_work_tree
from planner.indexing.cache import Cache
from planner.indexing.kept import PREFIX, kept_index
from planner.problems import Place, Problem, Severity
from planner.repository import Commit, Repository
from planner.trees.tree import bytes_of
from planner.workflow_files import is_workflow_file

FINDINGS, FINDINGS_KEPT = "findings-", 6

_CONTENT_CHANGED = (" M", "M ", "MM")
_ADDED = ("??", "A ", "AM")
_HARMLESS = frozenset(_CONTENT_CHANGED + _ADDED)
"""What git's status may say of a file that is no workflow file without changing what any folder is."""


class Findings(NamedTuple):
    """All problems, in file order, and how many workflows there are."""

    problems: tuple[Problem, ...]
    workflows: int


class _OfCommit(NamedTuple):
    """The findings in a commit. `files`: the ids of its workflow files' contents, by path; None: never to be reused."""

    findings: Findings
    files: Mapping[str, str] | None


def findings_in_work_tree(repository: Repository) -> Findings:
    """All problems of the workflow files as they lie in the work tree, new ones included. Raises GitError if bare."""
    if repository.top is None or repository.is_empty():
        return _read(repository)
    head = repository.described("HEAD")
    cache = Cache(cache_folder(repository))
    known = _kept(cache, head, repository.origins) or _found_in(repository, head, cache)
    if known.files is None or not _is_harmless(repository) or not _are_there(repository, known.files):
        return _read(repository)
    return known.findings


def _read(repository: Repository) -> Findings:
    reading = definitions_in_work_tree(repository)
    return Findings(reading.problems, len(reading.definitions.workflows))


def _is_harmless(repository: Repository) -> bool:
    """Whether no change in the work tree can concern the definitions, but for contents of the known workflow files."""
    changes = repository.work_tree_changes()
    return changes is not None and all(
        state in _HARMLESS and not path.endswith("/") and not is_workflow_file(path) for state, path in changes
    )


def _are_there(repository: Repository, files: Mapping[str, str]) -> bool:
    """Whether each file has the content of that id: whatever filters, line endings and file times make git say."""
    top = os.fsencode(repository.top or "") + b"/"
    return all(_content_id(top + bytes_of(path), len(oid)) == oid for path, oid in files.items())


def _content_id(place: bytes, length: int) -> str | None:
    try:
        with open(place, "rb", buffering=0) as file:  # noqa: PTH123 - a path that may be no UTF-8
            content = file.read()
    except OSError:
        return None
    digest = sha1(usedforsecurity=False) if length == 40 else sha256()
    digest.update(b"blob %d\0" % len(content))
    digest.update(content)
    return digest.hexdigest()


def _found_in(repository: Repository, commit: Commit, cache: Cache) -> _OfCommit:
    """The findings in a commit, made and kept."""
    from planner.indexing.building import Background, has_submodule, reading_at  # noqa: PLC0415 - not on the way to what is kept

    reading = reading_at(repository, commit, cache)
    findings = Findings(reading.problems, len(reading.definitions.workflows))
    index = kept_index(cache, PREFIX + commit.tree, repository.origins)
    background = None if index is None else Background.of(index)
    reusable = (
        background is not None
        and not background.links
        and not background.backends
        and all(kind == "folder" for kind in background.kinds.values())
        and not has_submodule(repository, commit)
    )
    found = _OfCommit(findings, background.files if background is not None and reusable else None)
    cache.save(FINDINGS + commit.tree, _plain(found, repository.origins))
    cache.keep_newest(FINDINGS, FINDINGS_KEPT)
    return found


def _plain(found: _OfCommit, origins: tuple[str, ...]) -> tuple[object, ...]:
    problems = [
        (one.place.file, one.place.line, one.place.column, one.message, one.severity.value)
        for one in found.findings.problems
    ]
    return origins, problems, found.findings.workflows, found.files


def _kept(cache: Cache, commit: Commit, origins: tuple[str, ...]) -> _OfCommit | None:
    kept: Any = cache.load(FINDINGS + commit.tree)
    if not isinstance(kept, tuple) or len(kept) != 4 or kept[0] != origins:
        return None
    problems = (
        Problem(Place(file, line, column), text, Severity(severity)) for file, line, column, text, severity in kept[1]
    )
    return _OfCommit(Findings(tuple(problems), kept[2]), kept[3])
