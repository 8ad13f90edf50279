"""A process that has everything imported and forks a runner for each attempt: that costs a tenth of starting one anew.

It reads its orders from standard input (`write_order` writes them) and ends when that closes. Runners are sessions of
their own and go on without it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

Attempt = Callable[[Path, bytes], int]


def write_order(stream: IO[bytes], folder: Path, spec: bytes) -> None:
    """Order a runner for the attempt in this folder; a spec that is not whole starts nothing."""
    place = os.fsencode(folder)
    stream.write(b"%d %d\n" % (len(place), len(spec)) + place + spec)
    stream.flush()


def serve(attempt: Attempt) -> int:
    """Fork a runner for each order until there are no more; the exit code."""
    gc.freeze()  # what is shared with the runners stays shared
    orders = sys.stdin.buffer
    while header := orders.readline():
        sizes = [int(size) for size in header.split()]
        place, spec = (orders.read(size) for size in sizes)
        if len(spec) < sizes[1]:
            break  # the one who ordered it died in the middle
        _bury()
        if os.fork() == 0:
            _be_runner(attempt, Path(os.fsdecode(place)), spec)
    return 0


def _be_runner(attempt: Attempt, folder: Path, spec: bytes) -> NoReturn:
    """The child: a session of its own, with nothing of the nursery's input or output, in the attempt's folder."""
    code = 1
    try:
        os.setsid()
        said = os.open(folder / "runner", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for number, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), said, said)):
            os.dup2(descriptor, number)
        os.chdir(folder)
        code = attempt(folder, spec)
    except BaseException:  # noqa: BLE001  the outermost edge of this process: told where the driver looks for it
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def _bury() -> None:
    """Take notice of runners that have ended, so that they are gone from the list of processes."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
