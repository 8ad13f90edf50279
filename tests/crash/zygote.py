"""Commands of Headwater without waiting for Python: forked from a process that has imported everything already.

Each is a process of its own all the same, and dies as one. Started as a program, this is that process: it reads orders
on its standard input, one JSON object a line, and answers each with the exit code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.stories.world import Answer, World

_OF_THREAD = threading.local()


@dataclass
class QuickWorld(World):
    """A world whose commands start at once."""

    _calls: int = field(default=0)

    def headwater(
        self, *arguments: str, input: str | None = None, env: Mapping[str, str] | None = None, seconds: float = 60
    ) -> Answer:
        """Run a command to its end, in a fork of this thread's own zygote."""
        assert input is None, "nobody types here"
        self._calls += 1
        out, err = (self.folder / f"{kind}-{self._calls}" for kind in ("out", "err"))
        order = {
            "argv": arguments,
            "cwd": str(self.repository),
            "env": self._environment(env or {}),
            "out": str(out),
            "err": str(err),
        }
        code = _zygote().obey(order, seconds)
        return Answer(code, out.read_text(), err.read_text())


class Zygote:
    """The process that forks."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def obey(self, order: Mapping[str, object], seconds: float) -> int:
        """Have one order done; the exit code, negative for a signal as of `subprocess`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        too_long = threading.Timer(seconds, self._process.kill)
        too_long.start()
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        too_long.cancel()
        if not answer:
            del _OF_THREAD.zygote
        assert answer, f"it took longer than {seconds:g} s: headwater {' '.join(order['argv'])}"  # type: ignore[arg-type]
        return int(answer)


def _zygote() -> Zygote:
    if not hasattr(_OF_THREAD, "zygote"):
        _OF_THREAD.zygote = Zygote()
    return _OF_THREAD.zygote  # type: ignore[no-any-return]


def serve() -> None:
    """Import all that commands need, then fork for each order."""
    import importlib  # noqa: PLC0415 (this half only)

    from bot.cli.commands import COMMANDS  # noqa: PLC0415

    for name in ("status", "deploy", "destroy", "retry", "cancel", "approve"):
        importlib.import_module(COMMANDS[name].module)
    for name in ("alembic.command", "sqlalchemy.dialects.sqlite", "cryptography.hazmat.primitives.ciphers.aead", "git"):
        importlib.import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _be(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be(order: dict[str, object]) -> None:
    """Be that command."""
    from bot.cli.main import main  # noqa: PLC0415 (this half only)

    os.setpgid(0, 0)
    os.chdir(str(order["cwd"]))
    os.environ.clear()
    os.environ.update(order["env"])  # type: ignore[call-overload]
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    for number, kind in ((1, "out"), (2, "err")):
        descriptor = os.open(Path(str(order[kind])), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, number)
        os.close(descriptor)
    code = 1
    try:
        code = int(main(list(order["argv"])))  # type: ignore[call-overload]
        sys.stdout.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
