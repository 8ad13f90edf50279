"""Readings and parsed files, kept: a file that did not change is not parsed again."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping

from planner.format.parsed import ParsedFile
from planner.indexing.beside import beside
from planner.indexing.cache import Cache
from planner.indexing.encoding import decoded, encoded, shape
from planner.reading import Reading, parse_file

READING, READINGS_KEPT = "reading-", 6
PARSED, MOST_PARSED = "parsed", 16 << 20  # bytes
WORTH_A_SECOND_CORE = 500  # files


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
    fresh, as_kept = _parsed(contents(missing))
    if as_kept:
        used = {name: kept[name] for name in names.values() if name in kept}
        used |= {names[path]: content for path, content in as_kept.items()}
        cache.save(PARSED, (shape(), _with_older(used, kept)))
    known_here = {path: kept[name] for path, name in names.items() if name in kept} | as_kept
    found = [fresh[path] if path in fresh else _decoded(known_here[path]) for path in names if path in known_here]
    return [one for one in found if one is not None]


def _parsed(contents: Mapping[str, bytes]) -> tuple[dict[str, ParsedFile], dict[str, bytes]]:
    """The parsed files as far as they are at hand, and all of them as they are kept; many are parsed on two cores."""
    paths = list(contents)
    middle = len(paths) // 2 if len(paths) >= WORTH_A_SECOND_CORE else len(paths)
    later = paths[middle:]
    others = beside(lambda: {path: _as_kept(parse_file(path, contents[path])) for path in later}) if later else None
    fresh = {path: parse_file(path, contents[path]) for path in paths[:middle]}
    as_kept = {path: _as_kept(one) for path, one in fresh.items()}
    return fresh, as_kept | others() if others is not None else as_kept


def _as_kept(one: ParsedFile) -> bytes:
    return marshal.dumps(encoded(one))


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
