"""`lint`, `graph --format json` and `status` at 10,000 environments beside a warm `affected`, and `--help` beside Python.

Whole processes, in turn, on the same tree. `python -m tests.bench.large [COUNT]`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.affected import medians, timed
from tests.bench.generate import generate
from tests.bench.stored import store_as_deployed

COUNT, RUNS = 10_000, 9
_PROGRAM = [sys.executable, "-c", "from bot.cli.main import main; main()"]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    count = int(arguments[0]) if arguments else COUNT
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; medians of {RUNS} runs, {count:,} environments,")
    print(f"seconds by the clock, and in brackets of the processors; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        folder = Path(name)
        generate(folder, count)
        at = [*_PROGRAM, "-C", str(folder)]
        first = [*at, "affected", "--base", "HEAD~1", "--json"]
        _compare(
            folder,
            first,
            {
                "lint": [*at, "lint"],
                "graph --format json": [*at, "graph", "--format", "json"],
                "status --json": [*at, "status", "--json"],
            },
        )
        store_as_deployed(folder)
        _compare(folder, first, {"status, all deployed": [*at, "status", "--json"]})
        _compare(folder, [sys.executable, "-c", "pass"], {"--help": [*_PROGRAM, "--help"]})


def _compare(folder: Path, first: Sequence[str], others: dict[str, list[str]]) -> None:
    """Time each command in turn with the first one, and print the ratios of the medians."""
    commands = [first, *others.values()]
    for command in commands:
        timed(command, folder)  # fills caches
    times = [[timed(command, folder) for command in commands] for _ in range(RUNS)]
    base, *found = (medians(column) for column in zip(*times, strict=True))
    label = "python -c pass" if first[-1] == "pass" else "affected, warm"
    print(f"{label:22} {base}")
    for name, one in zip(others, found, strict=True):
        print(f"{name:22} {one}   ratio {one.over(base)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
