"""Readings and parsed files, kept: a file that did not change is not parsed again."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping

from planner.cache import Cache
from planner.encoding import decoded, encoded, shape
from planner.parsed import ParsedFile
from planner.reading import Reading, parse_file

READING, READINGS_KEPT = "reading-", 6
PARSED, MOST_PARSED = "parsed", 16 << 20  # bytes


def kept_reading(cache: Cache, key: str) -> Reading | None:
    """The reading that was kept under a key."""
    kept = cache.load(READING + key)
    if not _is_current(kept):
        return None
    found = decoded(kept[1])
    return found if isinstance(found, Reading) else None


def keep_reading(cache: Cache, key: str, reading: Reading) -> None:
    """Keep a reading; only the newest few stay."""
    cache.save(READING + key, (shape(), encoded(reading)))
    cache.keep_newest(READING, READINGS_KEPT)


def parsed_files(
    cache: Cache, files: Mapping[str, str], contents: Callable[[list[str]], Mapping[str, bytes]]
) -> list[ParsedFile]:
    """The parsed files of these paths; `files` gives the ids of their contents, which are read only if need be."""
    known = cache.load(PARSED)
    kept: dict[str, bytes] = known[1] if _is_current(known) else {}
    names = {path: f"{oid} {path}" for path, oid in files.items()}
    missing = [path for path, name in names.items() if name not in kept]
    fresh = {path: parse_file(path, content) for path, content in contents(missing).items()}
    if fresh:
        used = {name: kept[name] for name in names.values() if name in kept}
        used |= {names[path]: marshal.dumps(encoded(one)) for path, one in fresh.items()}
        cache.save(PARSED, (shape(), _with_older(used, kept)))
    found = [fresh[path] if path in fresh else _decoded(kept[name]) for path, name in names.items()]
    return [one for one in found if one is not None]


def _is_current(kept: object) -> bool:
    return isinstance(kept, tuple) and len(kept) == 2 and kept[0] == shape()


def _decoded(kept: bytes) -> ParsedFile | None:
    found = decoded(marshal.loads(kept))  # noqa: S302 - its digest was right
    return found if isinstance(found, ParsedFile) else None


def _with_older(used: dict[str, bytes], kept: Mapping[str, bytes]) -> dict[str, bytes]:
    """What is used, and as much of the rest as there is room for: one often goes back and forth between branches."""
    room = MOST_PARSED - sum(map(len, used.values()))
    older: dict[str, bytes] = {}
    for name, content in kept.items():
        room -= len(content)
        if room < 0:
            break
        older[name] = content
    return used | older
