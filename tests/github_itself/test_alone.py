"""`python -m tests.github` as a person starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from github import Auth, GithubIntegration

ROOT = Path(__file__).parents[2]


def test_it_starts_alone_and_tells_what_one_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.github", "--folder", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        told = dict(line.strip().split(": ", 1) for line in (running.stdout.readline() for _ in range(9)))
        told = {name: text.strip() for name, text in told.items()}
        auth = Auth.AppAuth(int(told["App id"]), Path(told["Key file"]).read_text())
        client = GithubIntegration(auth=auth, base_url=told["API"])
        assert client.get_repo_installation("acme", "shop").app_slug == "headwater"
        assert Path(told["Key file"]).stat().st_mode & 0o777 == 0o600
        clone = subprocess.run(
            [*told["Clone (as ada)"].split(), str(tmp_path / "clone")], capture_output=True, text=True, check=False
        )
        assert (clone.returncode, (tmp_path / "clone/headwater.yml").exists()) == (0, True), clone.stderr
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0
