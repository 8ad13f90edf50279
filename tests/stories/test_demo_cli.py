"""`make demo-cli`, run as it is: the story on examples/shop with real Terraform."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def start(folder: Path, examples: Path = EXAMPLES) -> subprocess.Popen[str]:
    """The demo, piped, with its temporary files below `folder`."""
    return subprocess.Popen(
        [sys.executable, str(examples / "demo_cli.py")],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_demo_tells_its_story_to_the_end_and_leaves_nothing_behind(tmp_path: Path) -> None:
    said, _ = start(tmp_path).communicate(timeout=280)

    assert re.findall(r"^── \d (.*?) ─", said, re.MULTILINE) == [
        "A repository with six stacks",
        "See what a deploy would do",
        "Deploy it",
        "Change one thing",
        "Break it",
        "Mend it",
        "Take it all down",
    ]
    assert re.findall(r"^[✓✗] shop: (.*) · [\d.]+ s$", said, re.MULTILINE) == [
        "Deployed 6 of 6",
        "Deployed 4 of 4 (1 unchanged)",
        "Deployed 1 of 5 · failed: eks · blocked: billing, configuration, notification",
        "Deployed 4 of 4 (3 unchanged)",
        "Destroyed 6 of 6",
    ]
    assert re.findall(r"^shop  (Active|Failed|Inactive)$", said, re.MULTILINE) == [
        "Active",
        "Failed",
        "Active",
        "Inactive",
    ]
    assert "The account's quota is 5 nodes, 8 were asked for." in said
    assert "not-a-real-password" not in said
    assert "\x1b" not in said
    assert said.splitlines()[-1].startswith("✓ That was all")
    assert not list(tmp_path.iterdir())


def test_a_demo_that_is_stopped_ends_its_tools_and_cleans_up(tmp_path: Path) -> None:
    demo = start(tmp_path)
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("network: deploying"):
            break
    demo.send_signal(signal.SIGTERM)
    said, _ = demo.communicate(timeout=120)

    assert demo.returncode == 130
    assert said.splitlines()[-1] == "Stopped; the demo's folder is removed."
    assert not list(tmp_path.iterdir())
    everything = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in everything


def test_a_demo_that_does_not_go_as_told_says_so(tmp_path: Path) -> None:
    copy, scratch = tmp_path / "examples", tmp_path / "tmp"
    scratch.mkdir()
    shutil.copytree(EXAMPLES, copy)
    network = copy / "shop/infra/network/main.tf"
    network.write_text(network.read_text().replace("type = string", "type = strong"))

    demo = start(scratch, copy)
    said, _ = demo.communicate(timeout=120)

    assert demo.returncode == 1
    assert "The demo did not go as told: `headwater plan --brief` ended with exit code 1, the story says 0" in said
    assert not list(scratch.iterdir())
