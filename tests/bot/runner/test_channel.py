"""What a runner leaves in an attempt folder for those who look after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.runner.channel import LocalChannel, read_tool
from bot.runner.failure import RunnerError
from bot.runner.process import PIPE, start


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
