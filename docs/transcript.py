"""Runs the commands of a page and writes what they really print below them.

A ```` ```console ```` block holds commands (`$ …`) with their output; a block such as ```` ```hcl file=main.tf ````
is written to that file first. `python docs/transcript.py docs/tutorial.md` brings a page up to date; a test does the
same and compares, without what differs from day to day (commits, times, durations, ids).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(?P<kind>\w+)(?: file=(?P<file>\S+?))?\n(?P<body>.*?)^```$", re.S | re.M)
_ASKED = "[y/N]: y"
_BINARIES = Path(sys.executable).parent
IDENTITY = {"NAME": "You", "EMAIL": "you@example.com"}


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who follows the page, in an empty folder of their own."""

    folder: Path

    def follow(self, page: str) -> str:
        """Do all that the page says, in order; the page with the real output of its commands."""
        return _BLOCK.sub(self._do, page)

    def _do(self, block: re.Match[str]) -> str:
        if block["file"]:
            path = self.folder / block["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["body"])
        if block["kind"] != "console":
            return block[0]
        parts = [self._answered(command, said) for command, said in _commands(block["body"])]
        gaps = ["\n" if part.count("\n") > 1 else "" for part in parts[:-1]]  # below what was printed
        return f"```console\n{''.join(map(''.join, zip(parts, [*gaps, ''], strict=True)))}```"

    def _answered(self, command: str, said: str) -> str:
        yes = "y\n" if _ASKED in said else ""
        child = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self._environment(),
            input=yes,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        found = child.stdout.replace("[y/N]: ", f"{_ASKED}\n", 1) if yes else child.stdout
        return f"$ {command}\n" + "".join(f"{line.rstrip()}\n" for line in found.splitlines())

    def _environment(self) -> dict[str, str]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith(("HEADWATER_", "GIT_"))}
        return {
            **outer,
            **{f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in IDENTITY.items()},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": str(self.folder.parent),
            "PATH": os.pathsep.join([str(self._own_terraform()), str(_BINARIES), outer.get("PATH", os.defpath)]),
            "TZ": "UTC",
            "USER": "you",
            "LOGNAME": "you",
        }

    def _own_terraform(self) -> Path:
        """A folder with the Terraform of the extra: every machine has that one, and prints the same."""
        folder = self.folder.parent / "bin"
        if not folder.exists():
            folder.mkdir()
            (folder / "terraform").symlink_to(_BINARIES / "headwater-terraform")
        return folder


def _commands(body: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
        command, _, said = part.partition("\n")
        yield command, said.removesuffix("\n")


def main() -> None:
    """Bring pages up to date."""
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory(prefix="headwater-page-") as scratch:
            folder = Path(scratch).resolve() / "home" / "infrastructure"
            folder.mkdir(parents=True)
            page = Path(name)
            page.write_text(Reader(folder).follow(page.read_text()).replace(str(folder), "/home/you/infrastructure"))


if __name__ == "__main__":
    main()
