"""Files that are there whole or not at all, seen from another process that looks all the time."""

from __future__ import annotations

import os
from pathlib import Path

from bot.runner.files import create


def test_a_file_that_is_made_is_never_seen_in_part(tmp_path: Path) -> None:
    paths = [tmp_path / f"claim-{number}" for number in range(200)]
    if (maker := os.fork()) == 0:
        for path in paths:
            create(path, b"whole")
        os._exit(0)
    seen = set()
    for path in paths:
        while True:
            try:
                seen.add(path.read_bytes())
                break
            except FileNotFoundError:
                continue
    os.waitpid(maker, 0)
    assert seen == {b"whole"}
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_a_file_is_made_once(tmp_path: Path) -> None:
    assert create(tmp_path / "claim", b"first")
    assert not create(tmp_path / "claim", b"second")
    assert (tmp_path / "claim").read_bytes() == b"first"
    assert len(list(tmp_path.iterdir())) == 1
