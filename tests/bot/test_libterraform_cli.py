"""Terraform out of the Python package, called as the binary is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WRAPPER = Path(sys.executable).with_name("headwater-terraform")
HANGS = 'resource "terraform_data" "a" {\n provisioner "local-exec" { command = "sleep 60" }\n}\n'


def environment(folder: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return {**own, "TF_DATA_DIR": str(folder / "data"), "CHECKPOINT_DISABLE": "1"}


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [WRAPPER, *arguments], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )


def test_exit_codes_streams_and_folder_are_those_of_terraform(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('output "o" { value = "é" }\n')
    assert call(tmp_path, "init", "-no-color").returncode == 0
    plan = call(tmp_path, "plan", "-no-color", "-detailed-exitcode", "-out=plan")
    assert (plan.returncode, plan.stderr) == (2, "")
    assert '+ o = "é"' in plan.stdout
    assert call(tmp_path, "apply", "-no-color", "plan").returncode == 0
    assert call(tmp_path, "plan", "-detailed-exitcode").returncode == 0
    broken = call(tmp_path, "apply", "-no-color", "nowhere")
    assert broken.returncode == 1
    assert "Error:" in broken.stderr
    assert call(tmp_path, "no-such-command").returncode not in (0, 2)


@pytest.mark.parametrize("delay", [0.06, 0.1, 0.14, 0.2, 0.5])
def test_a_signal_at_any_moment_ends_it(tmp_path: Path, delay: float) -> None:
    (tmp_path / "main.tf").write_text(HANGS)
    argv = [WRAPPER, "apply", "-auto-approve", "-input=false"]
    with subprocess.Popen(
        argv, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        time.sleep(delay)
        before = time.monotonic()
        running.send_signal(signal.SIGINT)
        assert running.wait(30) != 0
        assert time.monotonic() - before < 20
