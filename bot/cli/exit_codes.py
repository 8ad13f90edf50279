"""What the shell is told at the end. A contract: docs/command-line.md lists the same numbers."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAILED = 1
    WRONG = 2  # wrong use, or a definition with errors
    WAITS = 3  # something waits for approval
    CANCELLED = 130  # by Ctrl-C or `headwater cancel`
