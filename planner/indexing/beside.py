"""Work on a second core: a forked child computes plain values while this process goes on.

Only where it is safe and worth it: with one thread (a fork keeps no others) and more than one core. Where not, or
where the child fails, the work is simply done here, when its result is asked for.
"""

from __future__ import annotations

import marshal
import os
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def beside(work: Callable[[], Result]) -> Callable[[], Result]:
    """Start work that gives plain values (what marshal takes); the answer waits for them and gives them, once."""
    if not has_second_core():
        return work
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _compute(work, reading, writing)
    os.close(writing)

    def result() -> Result:
        with os.fdopen(reading, "rb") as pipe:
            content = pipe.read()
        status = os.waitpid(child, 0)[1]
        if status:
            return work()
        found: Result = marshal.loads(content)  # noqa: S302 - of our own child
        return found

    return result


def has_second_core() -> bool:
    """Whether work can be done beside this process."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return False
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > 1


def _compute(work: Callable[[], object], reading: int, writing: int) -> None:
    """The child's whole life: no clean-up of the parent's things runs in it."""
    status = 1
    try:
        os.close(reading)
        content = marshal.dumps(work())  # type: ignore[arg-type]
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(content)
        status = 0
    finally:
        os._exit(status)
