"""A deploy of 100 environments of known durations: makespan beside its critical path and beside waves, and its CPU.

Whole processes, all of them counted: the command, its runners, git and the scripts. `python -m tests.bench.deploying`.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from planner.graph import Graph
from planner.schedule import critical_path, wave_makespan

COUNT, LAYERS, JOBS = 100, 5, 100
SHORTEST, LONGEST = 4.0, 24.0  # seconds of an apply
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds; `cpu` is of all processes of the deploy, its plans included."""

    count: int
    critical: float
    waves: float
    makespan: float
    cpu: float
    tasks: int


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    count = int(arguments[0]) if arguments else COUNT
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        found = measured(Path(name), count)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; {found.count} environments of {LAYERS} layers")
    print(f"critical path             {found.critical:7.1f} s")
    print(f"Headwater's makespan      {found.makespan:7.1f} s   ratio {found.makespan / found.critical:.3f}")
    print(f"level waves, no overhead  {found.waves:7.1f} s   ratio {found.waves / found.critical:.3f}")
    print(
        f"CPU of all processes      {found.cpu:7.1f} s   {found.cpu / found.tasks:.3f} s a task ({found.tasks} tasks)"
    )


def measured(folder: Path, count: int) -> Figures:
    """Generate a repository, deploy it, and compare with what its graph allows."""
    graph, durations = generate(folder, count)
    _adopt_orphans()
    before = _cpu()
    _headwater(folder, "deploy", "--auto-approve", "--quiet", "--jobs", str(JOBS))
    _wait_for_orphans()
    cpu = _cpu() - before
    newest = json.loads(_headwater(folder, "history", "-n", "1", "--json"))["deployments"][0]
    assert newest["state"] == "succeeded", newest
    return Figures(
        count,
        critical_path(graph, durations)[0],
        wave_makespan(graph, durations, JOBS),
        _moment(newest["finishedAt"]) - _moment(newest["createdAt"]),
        cpu,
        2 * count,  # each is planned for review and then deployed
    )


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@dataclass(frozen=True, slots=True)
class Made:
    """The files of script environments whose applies sleep, their graph, and how many seconds each sleeps."""

    files: dict[str, str]
    graph: Graph
    durations: dict[str, float]


def environments(count: int) -> Made:
    """Layers of script environments, each of which needs two of the layer before; the same ones every time."""
    chance = random.Random(1)
    size = count // LAYERS
    needs: dict[str, tuple[str, ...]] = {}
    durations: dict[str, float] = {}
    files: dict[str, str] = {}
    for number in range(count):
        layer = number // size
        upstream = range((layer - 1) * size, layer * size)
        few = min(2, len(upstream))
        needs[f"e{number}"] = tuple(f"e{one}" for one in sorted(chance.sample(upstream, few))) if layer else ()
        durations[f"e{number}"] = round(chance.uniform(SHORTEST, LONGEST), 1)
        for step, text in (
            ("plan", "echo + 1; exit 2"),
            ("apply", f"exec sleep {durations[f'e{number}']}"),
            ("destroy", ""),
        ):
            files[f"envs/e{number}/{step}"] = f"#!/bin/sh\n{text}\n"
    return Made({**files, "headwater.yml": _workflow(needs)}, Graph(needs), durations)


def generate(folder: Path, count: int) -> tuple[Graph, dict[str, float]]:
    """A repository of such environments; its graph and how long each sleeps."""
    made = environments(count)
    for path, text in made.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        (folder / path).chmod(0o755 if "/" in path else 0o644)
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "bench")):
        subprocess.run(
            ["git", "-c", "user.name=b", "-c", "user.email=b@example.com", *arguments], cwd=folder, check=True
        )
    return made.graph, made.durations


def _workflow(needs: Mapping[str, Sequence[str]]) -> str:
    lines = ["name: bench", "environments:"]
    for alias, upstreams in needs.items():
        lines += [f"  {alias}:", f"    vcs: {{type: script, path: envs/{alias}}}"]
        lines += [f"    needs: [{', '.join(upstreams)}]"] if upstreams else []
    return "\n".join(lines) + "\n"


def _headwater(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-P", "-m", "bot.cli.main", "-C", str(folder), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def _adopt_orphans() -> None:
    """Have runners that outlive the command become children of ours, so that their CPU is counted (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait_for_orphans() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(sys.argv[1:])
