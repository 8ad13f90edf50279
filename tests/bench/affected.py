"""`headwater affected` beside `turbo ls --affected`: whole processes, on the same tree, in the same run, in turn.

Needs npm, once, to install turbo into a temporary folder. Run it with `python -m tests.bench.affected [COUNT…]`.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from planner.changes import Base, affected
from planner.index import cache_folder, index_at
from planner.indexing.cache import Cache
from planner.repository import Repository
from tests.bench.generate import Layout, generate

COUNTS = (100, 1_000, 10_000)
RUNS, COLD_RUNS = 11, 3


@dataclass(frozen=True, slots=True)
class Taken:
    """What a process and all that it started took, in seconds: by the clock, and of the processors.

    On a machine that does other things as well, only the second says something about the program.
    """

    wall: float
    cpu: float

    def over(self, other: Taken) -> str:
        """The ratios to another one."""
        return f"{self.wall / other.wall:5.2f} ({self.cpu / other.cpu:5.2f})"

    def __str__(self) -> str:
        return f"{self.wall:6.3f} ({self.cpu:6.3f})"


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians, in seconds, and the most memory that any of Headwater's runs took, in MiB."""

    count: int
    layout: Layout
    warm: Taken
    cold: Taken
    turbo: Taken
    in_process: float
    memory: float


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    counts = [int(one) for one in arguments] or COUNTS
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        folder = Path(name)
        turbo = install_turbo(folder / "turbo")
        version = subprocess.run([turbo, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, turbo {version}; medians of {RUNS} runs,")
        print(f"seconds by the clock, and in brackets of the processors; load {os.getloadavg()[0]:.1f}")
        print(
            "  count layout       headwater         cold              turbo             warm/turbo    cold/turbo"
            "     in process   memory"
        )
        for count in counts:
            for layout in Layout:
                print(row(measured(folder / f"{layout}-{count}", count, layout, turbo)), flush=True)


def row(one: Figures) -> str:
    """A line of the table."""
    return (
        f"{one.count:7,} {one.layout:12} {one.warm}   {one.cold}   {one.turbo}   {one.warm.over(one.turbo)}"
        f" {one.cold.over(one.turbo)} {one.in_process * 1000:10.2f} ms {one.memory:6.0f} MiB"
    )


def measured(folder: Path, count: int, layout: Layout, turbo: Path) -> Figures:
    """Generate a repository and measure both programs on it."""
    folder.mkdir()
    generate(folder, count, layout)
    headwater = [sys.executable, "-c", "from bot.cli.main import main; main()", "-C", str(folder)]
    command = [*headwater, "affected", "--base", "HEAD~1", "--json"]
    cache = folder / ".git/headwater/cache"
    cold: list[Taken] = []
    for _ in range(COLD_RUNS):
        shutil.rmtree(cache, ignore_errors=True)
        cold.append(timed(command, folder))
    warm: list[Taken] = []
    other: list[Taken] = []
    for _ in range(RUNS):
        warm.append(timed(command, folder))
        other.append(timed([str(turbo), "ls", "--affected"], folder))
    figures = Figures(
        count,
        layout,
        medians(warm),
        medians(cold),
        medians(other),
        in_process(folder),
        peak_memory(command, folder),
    )
    shutil.rmtree(folder)
    return figures


def in_process(folder: Path) -> float:
    """The question alone, with the definitions of both commits known."""
    with Repository(folder) as repository:
        cache = Cache(cache_folder(repository))
        head, base = repository.described("HEAD"), repository.described("HEAD~1")
        now, then = index_at(repository, head, cache), index_at(repository, base, cache)
        compared = Base(then.snapshot, repository.changed_paths(base.tree, head.tree))

        def question() -> float:
            begin = time.perf_counter()
            affected(compared, now.snapshot)
            return time.perf_counter() - begin

        return statistics.median(question() for _ in range(10 * RUNS))


def medians(runs: Sequence[Taken]) -> Taken:
    """The median of several runs, of each figure for itself."""
    return Taken(statistics.median(one.wall for one in runs), statistics.median(one.cpu for one in runs))


def timed(command: Sequence[str], folder: Path) -> Taken:
    """What a process takes; its failure ends the measurement."""
    settings = {"TURBO_SCM_BASE": "HEAD~1", "TURBO_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"}
    begin, before = time.perf_counter(), _cpu_of_children()
    subprocess.run(command, cwd=folder, env=os.environ | settings, capture_output=True, check=True)
    return Taken(time.perf_counter() - begin, _cpu_of_children() - before)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_memory(command: Sequence[str], folder: Path) -> float:
    """The most memory of a run without a cache, in MiB (Linux counts in KiB)."""
    shutil.rmtree(folder / ".git/headwater/cache", ignore_errors=True)
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / 1024


def install_turbo(folder: Path) -> Path:
    """The command that npm installs."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed to install turbo: install Node.js, or leave this benchmark out")
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "bench", "private": true}\n')
    subprocess.run([npm, "install", "--no-audit", "--no-fund", "--silent", "turbo"], cwd=folder, check=True)
    return folder / "node_modules/.bin/turbo"


if __name__ == "__main__":
    main(sys.argv[1:])
