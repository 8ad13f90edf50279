"""`make demo KEEP=1`, as somebody runs it who sees it for the first time. The demo itself checks what it tells."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


@pytest.mark.timeout(900)
def test_the_demo_tells_its_story_stays_up_and_leaves_nothing_behind(tmp_path: Path) -> None:
    told: list[str] = []
    with subprocess.Popen(
        [sys.executable, DEMO, "--keep"],
        env={**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            told.append(line)
            if found := re.match(r"Still up, to play with: ((http://127\.0\.0\.1:\d+)/acme/shop)", line):
                _play(found[2], f"{found[1]}/pull/4")
                demo.send_signal(signal.SIGINT)
    assert demo.returncode in (0, 130), "".join(told)
    assert "That was all" in "".join(told)
    assert told[-1] == "Stopped; the demo's folder is removed.\n"
    assert [one for one in tmp_path.iterdir() if one.name != "home"] == []


def _play(origin: str, pull: str) -> None:
    """Write a command on the page, as it offers, and read the answer there."""
    form = {"who": "ada", "deed": "comment", "text": "/help deploy"}
    assert requests.post(pull, form, headers={"Origin": origin}, timeout=10).status_code == 200
    end = time.monotonic() + 30
    while "in dependency order" not in requests.get(pull, timeout=10).text.partition("/help deploy")[2]:
        assert time.monotonic() < end, "nobody answered /help"
        time.sleep(0.2)
