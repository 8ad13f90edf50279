"""The one way to start a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.runner import process
from bot.runner.failure import RunnerError


def test_a_short_command_gives_what_it_wrote() -> None:
    found = process.run(["sh", "-c", "cat; echo oops >&2; exit 3"], stdin=b"hello")
    assert (found.stdout, found.stderr, found.code, found.ok) == (b"hello", b"oops\n", 3, False)
    assert found.how == "exit code 3"


def test_text_of_any_kind_stays_one_argument() -> None:
    text = "$(touch x); `id` 'a' \"b\" é\n"
    assert process.run([sys.executable, "-c", "import sys; print(ascii(sys.argv[1]))", text]).stdout.decode() == (
        ascii(text) + "\n"
    )


def test_what_cannot_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match="nowhere cannot be started"):
        process.run(["nowhere"], cwd=tmp_path)
    with pytest.raises(RunnerError, match="cannot be started"):
        process.run(["true\0"])


def test_a_command_past_its_time_is_killed() -> None:
    before = time.monotonic()
    with pytest.raises(RunnerError, match=r"did not end within 0\.2 seconds"):
        process.run(["sleep", "30"], timeout=0.2)
    assert time.monotonic() - before < 10


def test_waiting_ends_as_soon_as_the_process_does() -> None:
    running = process.start(["sleep", "0.2"])
    assert process.wait(running, 0.01) is None
    assert process.wait(running, 20) == 0


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this is how other systems wait anyway")
def test_waiting_works_without_pidfd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    running = process.start(["sleep", "0.2"])
    assert process.wait(running, 0.01) is None
    assert process.wait(running, 20) == 0


def test_a_process_is_told_from_others_of_its_number() -> None:
    running = process.start(["sleep", "30"])
    try:
        assert process.started_at(running.pid) == process.started_at(running.pid)
        assert process.started_at(running.pid) is not None
    finally:
        running.kill()
        running.wait()
    assert process.started_at(running.pid) is None


def test_ends_are_told_in_words() -> None:
    assert [process.ended(code) for code in (0, 2, -9, -64)] == [
        "exit code 0",
        "exit code 2",
        "killed by SIGKILL",
        "killed by SIGRTMAX" if sys.platform == "linux" else "killed by signal 64",
    ]


def test_the_runner_starts_with_the_standard_library_alone() -> None:
    code = "import sys, bot.runner.__main__, bot.runner.tools.terraform; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, check=True, text=True
    ).stdout.split()
    heavy = {
        "git",
        "networkx",
        "pydantic",
        "rich",
        "sqlalchemy",
        "click",
        "yaml",
        "planner",
        "shutil",
        "tempfile",
        "ssl",
    }
    assert heavy.isdisjoint(loaded)
    packages = {one.partition(".")[0] for one in loaded if not one.startswith(("_", "sitecustomize", "usercustomize"))}
    assert packages <= {*sys.stdlib_module_names, "bot"} | {one for one in packages if one.startswith("distutils")}
