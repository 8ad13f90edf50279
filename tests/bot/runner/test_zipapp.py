"""The runner as one file: the same bytes everywhere, and nothing in it but the runner."""

from __future__ import annotations

import ast
import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bot.zipapp import build

ROOT = Path(__file__).parents[3]


def names() -> list[str]:
    return zipfile.ZipFile(io.BytesIO(build().data)).namelist()


def test_it_is_named_by_its_digest() -> None:
    made = build()
    assert made.digest == hashlib.sha256(made.data).hexdigest()
    assert made.name == f"headwater-{made.digest}.pyz"


def test_it_holds_the_runner_and_nothing_else() -> None:
    found = names()
    assert {"__main__.py", "bot/__init__.py", "bot/runner/actions.py", "bot/runner/tools/terraform.py"} <= set(found)
    assert all(one.startswith("bot/runner/") for one in found if one not in ("__main__.py", "bot/__init__.py"))
    assert found == sorted(found)


def test_the_same_sources_give_the_same_bytes_from_another_place_at_another_time(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bot", tmp_path / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    for file in tmp_path.rglob("*.py"):
        os.utime(file, (1, 1))
        file.chmod(0o600)
    script = "import sys; from bot.zipapp import build; sys.stdout.buffer.write(build().data)"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(tmp_path), "TZ": "Asia/Tokyo"}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=True
        )
        assert done.stdout == build().data


def test_another_line_gives_another_digest(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bot", tmp_path / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "bot" / "runner" / "plan.py").open("a") as file:
        file.write("# more\n")
    script = "from bot.zipapp import build; print(build().digest)"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() != build().digest


def test_its_first_file_can_be_read_by_an_old_python() -> None:
    text = zipfile.ZipFile(io.BytesIO(build().data)).read("__main__.py").decode()
    ast.parse(text, feature_version=(3, 4))


def test_a_python_that_is_too_old_is_told_what_to_do(tmp_path: Path) -> None:
    old = next((found for minor in range(6, 11) if (found := shutil.which(f"python3.{minor}"))), None)
    if old is None:
        pytest.skip("this machine has no Python before 3.11")
    (tmp_path / "headwater.pyz").write_bytes(build().data)
    done = subprocess.run(
        [old, "-I", "headwater.pyz", "actions"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    if "pyenv" in done.stderr:
        pytest.skip("that Python is not enabled here")
    assert (done.returncode, "needs Python 3.11 or newer" in done.stdout) == (2, True)


@pytest.mark.parametrize("isolated", [True, False])
def test_it_runs_alone(tmp_path: Path, isolated: bool) -> None:
    """Without anything installed: neither this project nor what it depends on."""
    (tmp_path / "headwater.pyz").write_bytes(build().data)
    argv = [
        sys.executable,
        *(["-I"] if isolated else []),
        "-S",
        "headwater.pyz",
        "actions",
        "--attempt",
        "a",
        "--key",
        "k",
    ]
    done = subprocess.run(argv, cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "it lacks HEADWATER_URL" in done.stdout


def test_the_local_runner_brings_no_http() -> None:
    """A runner is forked by the dozen on a laptop: what only CI needs must not be imported there."""
    script = "import sys, bot.runner.__main__; print([one for one in ('http.client', 'ssl', 'urllib.request') if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
