"""One id for all that follows from one cause: a webhook, a command line, a sweep. Carried along, never decided by."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CURRENT: ContextVar[str] = ContextVar("correlation", default="")


def current() -> str:
    """The id of what is being done in this thread; "" where nothing has one."""
    return _CURRENT.get()


def fresh(cause: str) -> str:
    """An id that nothing had before, for what no webhook caused: `cli-1f6e…`, `sweep-09c3…`."""
    return f"{cause}-{os.urandom(12).hex()}"


@contextmanager
def bound(name: str) -> Iterator[None]:
    """Have this id while the block is done; what is logged and written down meanwhile bears it."""
    before = _CURRENT.set(name)
    try:
        yield
    finally:
        _CURRENT.reset(before)
