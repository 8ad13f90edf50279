"""`python -m tests.github` as a person starts it."""

from __future__ import annotations

import shlex
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
        lines = [running.stdout.readline().strip() for _ in range(13)]
        told = {name: text.strip() for name, _, text in (line.partition(": ") for line in lines)}
        exports = (line.removeprefix("export ") for line in lines if line.startswith("export "))
        settings = dict(shlex.split(line)[0].split("=", 1) for line in exports)
        key = Path(settings["HEADWATER_GITHUB_PRIVATE_KEY_FILE"])
        auth = Auth.AppAuth(int(settings["HEADWATER_GITHUB_APP_ID"]), key.read_text())
        client = GithubIntegration(auth=auth, base_url=settings["HEADWATER_GITHUB_API_URL"])
        assert client.get_repo_installation("acme", "shop").app_slug == "headwater"
        assert key.stat().st_mode & 0o777 == 0o600
        assert {"HEADWATER_WEBHOOK_SECRET", "HEADWATER_OIDC_ISSUER"} < set(settings)
        clone = subprocess.run(
            [*told["Clone (as ada)"].split(), str(tmp_path / "clone")], capture_output=True, text=True, check=False
        )
        assert (clone.returncode, (tmp_path / "clone/headwater.yml").exists()) == (0, True), clone.stderr
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0
