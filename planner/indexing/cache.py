"""Files of what was once found out. Any of them may vanish, be cut or be foreign at any time: it is then made anew.

A file is a line with the version, a digest, and marshalled plain values; it is read only if both fit, and it comes
to its place by a rename. Nothing of it is executed, and a folder that cannot be written is no error.
"""

from __future__ import annotations

import gc
import marshal
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

DIGEST = 20


class Cache:
    """A folder of such files; `folder` None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, name: str) -> Any:  # noqa: ANN401 - plain values, as they were saved
        """What was saved under a name, or None."""
        if self._folder is None:
            return None
        try:
            content = (self._folder / name).read_bytes()
        except OSError:
            return None
        version = _version()
        if not content.startswith(version):
            return None
        body = memoryview(content)[len(version) + DIGEST :]
        if _digest(body) != content[len(version) : len(version) + DIGEST]:
            return None
        with suppress(ValueError, EOFError, TypeError), no_garbage_collection():
            return marshal.loads(body)  # noqa: S302 - written by us: the digest is right
        return None

    def save(self, name: str, value: Any) -> None:  # noqa: ANN401 - plain values
        """Keep plain values under a name."""
        if self._folder is None:
            return
        body = marshal.dumps(value)
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            _replace(self._folder / name, _version() + _digest(body) + body)

    def newest(self, prefix: str) -> list[str]:
        """The names that begin so, those used last first."""
        if self._folder is None:
            return []
        found: list[tuple[int, str]] = []
        with suppress(OSError):
            those = [entry for entry in os.scandir(self._folder) if entry.name.startswith(prefix)]
            found = [(-entry.stat().st_mtime_ns, entry.name) for entry in those]
        return [name for _, name in sorted(found)]

    def keep_newest(self, prefix: str, count: int) -> None:
        """Delete all but so many of the names that begin so."""
        for name in self.newest(prefix)[count:]:
            if self._folder is not None:
                with suppress(OSError):
                    (self._folder / name).unlink()


@lru_cache(maxsize=1)
def _version() -> bytes:
    """Another interpreter, and another release of the planner, read and write other files."""
    code = sorted(
        (entry.name, entry.stat().st_size, entry.stat().st_mtime_ns)
        for entry in os.scandir(Path(__file__).parent)
        if entry.name.endswith(".py")
    )
    digest = blake2b(repr(code).encode(), digest_size=8).hexdigest()
    return f"headwater cache {sys.implementation.cache_tag} {marshal.version} {digest}\n".encode()


def _digest(body: bytes | memoryview) -> bytes:
    return blake2b(body, digest_size=DIGEST).digest()


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(f".new-{os.getpid()}-{threading.get_ident()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """A million new values, none of them in a cycle, would else be searched for cycles again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
