"""The container files: linted by the linters of their field (they cannot be built where there is no engine)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BINARIES = Path(sys.executable).parent


def lint(*argv: str) -> str:
    done = subprocess.run([str(BINARIES / argv[0]), *argv[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_dockerfile_passes_hadolint() -> None:
    assert lint("hadolint", "--ignore", "DL3008", "Dockerfile") == ""  # versions of Debian's packages are Debian's


def test_the_compose_file_is_one() -> None:
    assert lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml") == ""
