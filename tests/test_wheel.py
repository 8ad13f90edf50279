"""The wheel, alone in an empty virtual environment, does what the checkout does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_alone_deploys_the_example(tmp_path: Path) -> None:
    """Templates, migrations and the runner travel with it, and its dependencies are all that it needs."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True
    )
    (wheel,) = tmp_path.glob("headwater-*.whl")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)

    shop = shutil.copytree(ROOT / "examples" / "shop", tmp_path / "shop")
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "The shop")):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments], cwd=shop, check=True)

    def headwater(*arguments: str) -> str:
        command = [tmp_path / "venv" / "bin" / "headwater", *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
        answer = subprocess.run(command, cwd=shop, env=environment, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer
        return answer.stdout

    assert "jobs:" in headwater("ci", "github-actions")
    headwater(
        "deploy",
        "notification",
        "--only",
        "--assume-upstreams",
        "--auto-approve",
        "-v",
        "CLUSTER=c",
        "-v",
        "DATABASE=d",
    )
    assert "Active (partial)" in headwater("status")
