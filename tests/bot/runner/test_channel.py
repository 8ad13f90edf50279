"""What a runner leaves in an attempt folder for those who look after it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from bot.runner.channel import LocalChannel, read_tool, signal_tool
from bot.runner.failure import RunnerError
from bot.runner.files import create
from bot.runner.log import Log
from bot.runner.process import PIPE, start, started_at
from bot.runner.supervise import Supervisor
from tests.waiting import until


def test_who_a_tool_is_is_kept_before_it_begins(tmp_path: Path) -> None:
    """A runner that is killed right after it started a tool leaves one that `headwater cancel` can still interrupt."""
    with start(
        ["sh", "-c", "cat tool; read _"],
        cwd=tmp_path,
        stdin=PIPE,
        stdout=PIPE,
        own_group=True,
        first=LocalChannel(tmp_path).keep_tool,
    ) as tool:
        assert tool.stdin and tool.stdout
        found = read_tool(tmp_path)
        assert found is not None and found.pid == tool.pid and found.alive
        tool.stdin.write(b"\n")
        tool.stdin.close()
        assert json.loads(tool.stdout.read())["pid"] == tool.pid
    assert not found.alive


def test_what_goes_wrong_before_a_tool_begins_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match="sh cannot be started"):
        start(["sh"], cwd=tmp_path, first=lambda: json.loads(""))


def test_a_kill_that_was_only_marked_is_sent(tmp_path: Path) -> None:
    """Whoever sends a signal may die before it does; a SIGINT is then lost, and a SIGKILL is asked for again."""
    with start(["sleep", "60"], own_group=True, first=LocalChannel(tmp_path).keep_tool) as tool:
        for number in (signal.SIGINT, signal.SIGKILL):
            create(tmp_path / f"sent-{number.name}", b"")
        assert not signal_tool(tmp_path, signal.SIGINT)
        assert signal_tool(tmp_path, signal.SIGKILL)
        assert tool.wait(10) == -signal.SIGKILL


def test_what_a_killed_tool_leaves_at_work_is_killed_too(tmp_path: Path) -> None:
    channel = LocalChannel(tmp_path)
    assert channel.claim()
    supervisor = Supervisor(channel, Log(tmp_path, ()), timeout=None, grace=1, beat_every=1)
    code = supervisor.call(["sh", "-c", "sleep 60 & echo $! > child; kill -9 $$"], cwd=tmp_path, env={**os.environ})
    assert code == -signal.SIGKILL
    until(lambda: started_at(int((tmp_path / "child").read_text())) is None, "the child is dead")
