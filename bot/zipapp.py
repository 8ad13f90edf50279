"""The runner as one file that Python can run: what CI jobs download. The same sources give the same bytes anywhere."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

_ENTRY = """\
import sys

if sys.version_info < (3, 11):
    version = sys.version.split()[0]
    print("::error title=Headwater::The runner needs Python 3.11 or newer; python3 of this job is " + version
          + ". Put a newer one on its PATH in .github/actions/headwater-setup (actions/setup-python).")
    sys.exit(2)

from bot.runner.__main__ import main

sys.exit(main(sys.argv[1:]))
"""
"""Every Python 3 can read this, so that an old one can be told."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_FILE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Zipapp:
    """The bytes, and their SHA-256, which names them."""

    data: bytes
    digest: str

    @property
    def name(self) -> str:
        """What it is called below `/runner/v1/`."""
        return f"headwater-{self.digest}.pyz"


def build() -> Zipapp:
    """Pack the installed runner; it takes some milliseconds, so keep what comes of it.

    Nothing is compressed: what zlib makes of a text differs from build to build, and replicas must agree on a digest.
    """
    runner = resources.files("bot") / "runner"
    files = {"__main__.py": _ENTRY.encode(), "bot/__init__.py": b"", **dict(_modules(runner, "bot/runner"))}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _LONG_AGO)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = _FILE
            archive.writestr(entry, files[path])
    data = stream.getvalue()
    return Zipapp(data, hashlib.sha256(data).hexdigest())


def _modules(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for one in folder.iterdir():
        inner = f"{path}/{one.name}"
        if one.is_dir() and one.name != "__pycache__":
            yield from _modules(one, inner)
        elif one.name.endswith(".py"):
            yield inner, one.read_bytes()
