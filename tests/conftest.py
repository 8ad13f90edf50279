"""What the whole suite says at its end, also when it ran on several cores."""

from __future__ import annotations

import signal

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background of a script: jobs would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many crash points each story has: workers of a parallel run cannot print for themselves."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.getreports(kind)]
    said = [text for one in reports for name, text in one.user_properties if name == "crash points"]
    if said:
        terminalreporter.section("crash points")
        for text in sorted(said):
            terminalreporter.write_line(str(text))
