"""Tools whose files refer to nothing that Headwater could find: their folder, and `watch`."""

from __future__ import annotations

from planner.sources.references import References, Source


def _never(_name: str) -> bool:
    return False


def _nothing(_name: str, _content: bytes) -> References:
    return References()


FOLDER_ONLY = Source("folder", _never, _nothing)
