"""A deployment of 10,000 environments whose runners answer at once: what the driver itself takes.

Store, driver and decisions are those of the product; runners are played in this process, so that its CPU and memory
are the driver's own. `python -m tests.bench.steps [COUNT] [--profile]`.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.briefing import Settings
from bot.decide.deeds import By
from bot.decide.facts import Limits, TaskAction
from bot.decide.identity import Identities
from bot.decide.transitions import DEPLOYMENT_FINISHED, DeploymentState
from bot.drive import Driver
from bot.executors.base import Life, Seen
from bot.project import Project
from bot.store import deployments, new_deployments
from bot.store.declared import environment_ids, repository_id, workflow_id
from bot.store.new_deployments import NewDeployment, NewTask
from bot.store.reports import COUNTS
from planner.repository import Repository
from tests.bench.deploying import generate

COUNT, JOBS = 10_000, 100


class AtOnce:
    """An executor whose runners claim at the first look, and have succeeded at the next."""

    def __init__(self) -> None:
        self._looks: dict[str, int] = {}

    def offer(self, connection: object, attempt: str, spec: object) -> None:
        """Nothing to write down."""

    def start(self, attempt: str, spec: dict[str, Any]) -> str | None:
        """It waits for its first look."""
        self._looks[attempt] = 0
        return None

    def look(self, attempts: Sequence[str]) -> dict[str, Seen]:
        """One look further, each."""
        for one in attempts:
            self._looks[one] += 1
        return {one: Seen(claimed=True, beat=self._looks[one], reported=self._looks[one] > 1) for one in attempts}

    def report(self, attempt: str, seal_key: bytes) -> dict[str, Any] | None:
        """It has applied one change."""
        counts = dict.fromkeys(COUNTS, 0) | {"add": 1}
        plan = {"digest": "d" * 64, "leaves": {"x": "1"}, "unseen": [], "text": "a plan", "changes": [], **counts}
        outputs = {"id": {"value": attempt, "sensitive": False}}
        return {"result": "succeeded", "applied": True, "duration": 1.0, "plan": plan, "outputs": outputs}

    def look_up(self, attempt: str) -> Life:
        """It lives."""
        return Life.RUNNER

    def revoke(self, attempt: str) -> None:
        """Nothing here is ever revoked."""

    def halt(self, attempt: str, how: object) -> None:
        """Nothing here is ever stopped."""

    def settle(self, connection: object, attempt: str, sensitive: object) -> None:
        """It is forgotten."""
        del self._looks[attempt]

    def said(self, attempt: str) -> str:
        """Nothing."""
        return ""


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    count = next((int(one) for one in arguments if one.isdigit()), COUNT)
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        folder = Path(name) / "repository"
        folder.mkdir()
        generate(folder, count)
        with Repository(folder) as repository:
            project = Project(repository, Path(name) / "state", None, secrets={})
            number = _deployment(project, repository.commit("HEAD"))
            driver = Driver(project, Limits(), Settings(), executor=AtOnce())
            profile = cProfile.Profile() if "--profile" in arguments else None
            took, cpu = _driven(project, driver, number, profile)
            assert _state(project, number) is DeploymentState.SUCCEEDED
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tenth = max(len(took) // 10, 1)
    early, late = (statistics.median(part) * 1000 for part in (took[:tenth], took[-tenth:]))
    took.sort()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; {count} environments, {JOBS} at once")
    print(f"steps                     {len(took):7}   median {statistics.median(took) * 1000:.1f} ms, "
          f"p99 {took[int(len(took) * 0.99)] * 1000:.1f} ms, longest {took[-1] * 1000:.1f} ms")  # fmt: skip
    print(
        f"median of a tenth         first {early:.1f} ms, last {late:.1f} ms; about {count / len(took):.0f} tasks each"
    )
    print(f"CPU                       {cpu / count * 1000:7.1f} ms an environment")
    print(f"memory                    {memory:7.0f} MiB")
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
        pstats.Stats(profile).sort_stats("cumulative").print_stats(90)


def _deployment(project: Project, commit: str) -> int:
    declared = project.workflow(commit, "headwater.yml", "bench")
    nobody = Identities({}, {}, (), frozenset())
    with project.database.writing() as connection:
        workflow = workflow_id(connection, repository_id(connection, project.key), declared)
        ids = environment_ids(connection, nobody, declared, workflow, declared.environments)
        tasks = tuple(
            NewTask(
                environment=ids[one.alias],
                alias=one.alias,
                action=TaskAction.DEPLOY,
                commit=commit,
                source_commit=commit,
                needs=tuple(ids[upstream] for upstream in one.needs),
                upstreams=tuple(ids[upstream] for upstream in one.needs),
            )
            for one in declared.environments
        )
        new = NewDeployment(
            workflow=workflow, action=TaskAction.DEPLOY, commit=commit, by=By("bench", "bench", ()),
            place=project.place, jobs=JOBS, tasks=tasks, auto_approve=True,
        )  # fmt: skip
        return new_deployments.create(connection, new, time.time())


def _state(project: Project, number: int) -> DeploymentState:
    with project.database.reading() as connection:
        told = deployments.flags(connection, number)
    assert told is not None
    return told.state


def _driven(
    project: Project, driver: Driver, number: int, profile: cProfile.Profile | None
) -> tuple[list[float], float]:
    """How long each step took, and the CPU of all; a step that only looked counts too."""
    took: list[float] = []
    before = time.process_time()
    if profile is not None:
        profile.enable()
    while True:
        start = time.perf_counter()
        moved = driver.step(number, due=True)
        took.append(time.perf_counter() - start)
        if not moved and _state(project, number) in DEPLOYMENT_FINISHED:
            break
    if profile is not None:
        profile.disable()
    return took, time.process_time() - before


if __name__ == "__main__":
    main(sys.argv[1:])
