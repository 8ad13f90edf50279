"""Where a tool works: its folder, its environment, and the calls that it may make."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.runner.failure import RunnerError
from bot.runner.process import ended
from bot.runner.spec import Spec
from bot.runner.supervise import Supervisor


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gave: its exit code and what it wrote to its standard output."""

    code: int
    stdout: bytes


@dataclass(frozen=True, slots=True)
class Workplace:
    """One environment at one commit: `folder` lies in the worktree, `scratch` beside it and is removed at the end."""

    spec: Spec
    folder: Path
    scratch: Path
    environment: Mapping[str, str]
    supervisor: Supervisor

    def call(self, argv: Sequence[str], env: Mapping[str, str], what: str, good: Sequence[int] = (0,)) -> int:
        """Run a step whose output is log; an exit code that is not good is a RunnerError that names the step."""
        code = self.supervisor.call(argv, cwd=self.folder, env=env)
        self._check(code, what, good)
        return code

    def capture(
        self, argv: Sequence[str], env: Mapping[str, str], what: str, good: Sequence[int] = (0,), *, words: bool = False
    ) -> Answer:
        """Run a step whose standard output is data, which never has a name on disk: it may hold secrets.

        `words`: it is for people, and belongs to the log where the step fails.
        """
        path = self.scratch / "stdout"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        path.unlink()
        try:
            code = self.supervisor.call(argv, cwd=self.folder, env=env, stdout=descriptor)
            os.lseek(descriptor, 0, os.SEEK_SET)
            with os.fdopen(os.dup(descriptor), "rb") as file:
                found = file.read()
            if words and found and code not in good:
                self.supervisor.show(found)  # whole: half a secret would not be known as one
            self._check(code, what, good)
            return Answer(code, found)
        finally:
            os.close(descriptor)

    @staticmethod
    def _check(code: int, what: str, good: Sequence[int]) -> None:
        if code not in good:
            raise RunnerError(f"{what} failed ({ended(code)}).")
