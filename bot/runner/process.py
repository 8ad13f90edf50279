"""The one place that starts processes: argv only, never a shell."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import IO, TypeAlias

from bot.runner.crash import point
from bot.runner.failure import RunnerError

Process: TypeAlias = "subprocess.Popen[bytes]"
Stream: TypeAlias = "int | IO[bytes] | None"

NOTHING = subprocess.DEVNULL
PIPE = subprocess.PIPE


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended; `code` is negative for the signal that killed it."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.code == 0

    @property
    def how(self) -> str:
        """How it ended, in words."""
        return ended(self.code)


def start(
    argv: Sequence[str],
    *,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: Stream = NOTHING,
    stdout: Stream = NOTHING,
    stderr: Stream = NOTHING,
    new_session: bool = False,
    own_group: bool = False,
    pass_fds: Collection[int] = (),
    first: Callable[[], None] | None = None,
) -> Process:
    """Start a process and return at once; raises RunnerError if that is impossible.

    `first` is called in the new process before the program begins: only where this process has a single thread.
    """
    point(f"start {os.path.basename(argv[0])}")  # noqa: PTH119
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=new_session,
            process_group=0 if own_group and not new_session else None,
            pass_fds=tuple(pass_fds),
            preexec_fn=first,  # noqa: PLW1509
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise RunnerError(f"{argv[0]} cannot be started in {cwd or Path.cwd()}: {error}") from error


def run(
    argv: Sequence[str],
    *,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
) -> Finished:
    """Run a short command to its end and return what it wrote; past `timeout` seconds it is killed: a RunnerError."""
    running = start(
        argv, cwd=cwd, env=env, stdin=NOTHING if stdin is None else PIPE, stdout=PIPE, stderr=PIPE, own_group=True
    )
    with running:
        try:
            stdout, stderr = running.communicate(stdin, timeout)
        except subprocess.TimeoutExpired as error:
            running.kill()
            raise RunnerError(f"{argv[0]} did not end within {timeout:g} seconds") from error
        except BaseException:
            running.kill()
            raise
    return Finished(tuple(argv), running.returncode, stdout, stderr)


def wait(running: Process, seconds: float) -> int | None:
    """The exit code, as soon as there is one; None if it still runs after that many seconds."""
    if (code := running.poll()) is not None:
        return code
    try:
        descriptor = os.pidfd_open(running.pid)
    except (AttributeError, OSError):  # not Linux, or a kernel before 5.3: sleep in small steps
        try:
            return running.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(seconds * 1000)
    finally:
        os.close(descriptor)
    return running.poll()


def ended(code: int) -> str:
    """An exit code in words: `exit code 1`, `killed by SIGTERM`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def started_at(pid: int) -> str | None:
    """A text that tells this process from any other that has had the same number; None if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    fields = stat[stat.rindex(")") + 2 :].split()  # the name before may hold spaces and brackets
    return None if fields[0] in "ZX" else fields[19]


def _started_by_ps(pid: int) -> str | None:
    return run(["ps", "-o", "lstart=", "-p", str(pid)]).stdout.decode(errors="replace").strip() or None
