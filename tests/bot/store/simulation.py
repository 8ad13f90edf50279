"""A project whose runners are played: the store, the driver and all decisions are the real ones.

A `Peers` stands where runner processes would be. Each attempt has a fate by its environment, and goes on by one small
step when `advance` is called, so that a test decides who is fast and who is slow. When a runner claims its attempt,
the two promises are checked against what the peers themselves have seen, never against the store.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from bot.decide.deeds import By
from bot.decide.facts import Limits, Stop, TaskAction
from bot.decide.identity import Identities
from bot.executors.base import Life, Seen
from bot.project import Project
from bot.store import new_deployments
from bot.store.declared import environment_ids, repository_id, workflow_id
from bot.store.new_deployments import NewDeployment, NewTask
from bot.store.reports import COUNTS
from planner.repository import Repository

ALIASES = tuple("abcdefgh")
LIMITS = Limits(silence=10.0, claim=20.0, starts=3)
ADA = By("ada", "test", ("local user",))


class Killed(BaseException):
    """The driver's process ends here, as by kill -9."""


class Fate(StrEnum):
    """What becomes of every attempt at one environment."""

    SUCCEEDS = "succeeds"
    CHANGES_NOTHING = "changes nothing"
    ASKS = "asks until approved"
    FAILS = "fails"
    TIMES_OUT = "times out"
    VANISHES = "runner and tool die"
    ORPHANS = "the runner dies, the tool works on"
    LATE = "silent for long, then done"
    NEVER_STARTS = "nobody claims it"
    CANNOT_START = "the executor refuses"


@dataclass
class Runner:
    """One attempt, as its peer lives it."""

    attempt: str
    deployment: int
    alias: str
    fate: Fate
    accept: Mapping[str, Any]
    mutates: bool = True
    steps: int = 0
    claimed: bool = False
    beats: int = 0
    life: Life = Life.RUNNER
    report: dict[str, Any] | None = None
    stop: Stop | None = None

    @property
    def at_work(self) -> bool:
        """Whether it may still touch its environment."""
        return self.claimed and self.report is None and self.life is not Life.ENDED


@dataclass
class Peers:
    """All runners there ever were; an executor, for the driver."""

    fates: dict[str, Fate] = field(default_factory=dict)
    needs: dict[int, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    runners: dict[str, Runner] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    settled: Counter[str] = field(default_factory=Counter)
    claims: Counter[tuple[int, str]] = field(default_factory=Counter)
    done: list[tuple[int, str]] = field(default_factory=list)
    fuse: int | None = None  # the driver is killed at this many more calls

    def burn(self) -> None:
        """One more call by the driver: is it killed before it?"""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.fuse = None
                raise Killed

    # -- what the driver asks

    def start(self, attempt: str, spec: dict[str, Any]) -> str | None:
        self.burn()
        deployment = int(attempt.split("-", maxsplit=1)[0])
        fate = self.fates.get(spec["alias"], Fate.SUCCEEDS)
        if fate is Fate.CANNOT_START:
            return "no machine is free"
        assert attempt not in self.runners, "an attempt was started twice"
        self.runners[attempt] = Runner(
            attempt, deployment, spec["alias"], fate, spec["accept"], not spec["kind"].endswith("plan")
        )
        self.burn()
        return None

    def offer(self, connection: Connection, attempt: str, spec: dict[str, Any]) -> None:
        pass

    def look(self, attempts: Sequence[str]) -> dict[str, Seen]:
        return {one: self.seen(one) for one in attempts}

    def seen(self, attempt: str) -> Seen:
        self.burn()
        runner = self.runners.get(attempt)
        if runner is None or not runner.claimed:
            return Seen(revoked=attempt in self.revoked)
        return Seen(claimed=True, beat=runner.beats, reported=runner.report is not None)

    def report(self, attempt: str, seal_key: bytes) -> dict[str, Any] | None:
        self.burn()
        return self.runners[attempt].report

    def look_up(self, attempt: str) -> Life:
        self.burn()
        runner = self.runners.get(attempt)
        return runner.life if runner is not None and runner.claimed else Life.UNKNOWN

    def revoke(self, attempt: str) -> None:
        self.burn()
        if attempt not in self.runners or not self.runners[attempt].claimed:
            self.revoked.add(attempt)
        self.burn()

    def halt(self, attempt: str, how: Stop) -> None:
        self.burn()
        self.runners[attempt].stop = how

    def settle(self, connection: Connection, attempt: str, sensitive: Sequence[object]) -> None:
        self.burn()
        self.settled[attempt] += 1

    def said(self, attempt: str) -> str:
        return ""

    # -- what runners do

    @property
    def alive(self) -> list[Runner]:
        """Those that may still do something."""
        return [
            one
            for one in self.runners.values()
            if one.report is None and one.life is not Life.ENDED and (one.claimed or one.attempt not in self.revoked)
        ]

    def advance(self, runner: Runner) -> None:
        """One small step of one runner."""
        if not runner.claimed:
            if runner.attempt in self.revoked or runner.fate is Fate.NEVER_STARTS:
                return
            self._claim(runner)
            return
        runner.steps += 1
        quiet = runner.fate in (Fate.LATE, Fate.VANISHES, Fate.ORPHANS)
        if runner.stop is not None and not quiet:
            self._end(runner, "cancelled")
        elif runner.fate is Fate.ORPHANS:
            runner.life = Life.TOOL if runner.steps < 3 else Life.ENDED
        elif runner.fate is Fate.VANISHES:
            runner.life = Life.ENDED
        elif runner.fate is Fate.LATE:
            if runner.steps > 4:
                self._end(runner, "succeeded")
        elif runner.steps < 2:
            runner.beats += 1
        else:
            self._end(runner, self._result(runner))

    def _claim(self, runner: Runner) -> None:
        for upstream in self.needs[runner.deployment].get(runner.alias, ()):
            assert (runner.deployment, upstream) in self.done, f"{runner.alias} started before {upstream}"
        at_work = [one for one in self.runners.values() if one.alias == runner.alias and one.at_work and one.mutates]
        busy = [one.attempt for one in at_work]
        assert not (busy and runner.mutates), f"{runner.attempt} overlaps with {busy}"
        assert (runner.deployment, runner.alias) not in self.done, f"{runner.attempt}: that was done already"
        runner.claimed = True
        self.claims[runner.deployment, runner.alias] += 1

    def _result(self, runner: Runner) -> str:
        match runner.fate:
            case Fate.FAILS:
                return "failed"
            case Fate.TIMES_OUT:
                return "timed out"
            case Fate.CHANGES_NOTHING:
                return "no changes"
            case Fate.ASKS:
                return "succeeded" if runner.accept["shown"] == LEAVES else "needs approval"
            case _:
                return "succeeded"

    def _end(self, runner: Runner, result: str) -> None:
        if result in ("succeeded", "no changes"):
            self.done.append((runner.deployment, runner.alias))
        runner.report = {
            "attempt": runner.attempt,
            "result": result,
            "error": "it broke" if result == "failed" else "",
            "applied": result in ("succeeded", "failed", "timed out"),
            "duration": 1.5,
            "plan": PLAN,
            "outputs": {"id": {"value": f"{runner.alias}-{runner.deployment}", "sensitive": False}}
            if result == "succeeded"
            else None,
        }
        runner.life = Life.ENDED


LEAVES = {"x": "1"}
PLAN = {
    **dict.fromkeys(COUNTS, 0), "add": 1, "digest": "d" * 64, "leaves": LEAVES, "text": "a plan", "changes": [], "unseen": [],
}  # fmt: skip


def make_repository(folder: Path) -> tuple[Repository, str]:
    """A git repository with one workflow of eight environments that need nobody, and its commit."""
    folder.mkdir()
    for alias in ALIASES:
        (folder / alias).mkdir()
        (folder / alias / "plan").write_text("#!/bin/sh\n")
    lines = [f"  {alias}: {{vcs: {{type: script, path: {alias}}}}}" for alias in ALIASES]
    (folder / "headwater.yml").write_text("\n".join(["name: w", "environments:", *lines, ""]))
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    repository = Repository(folder)
    return repository, repository.commit("HEAD")


@dataclass
class Scene:
    """A project with the rows of its workflow, ready for deployments."""

    project: Project
    commit: str
    repository: int = 0
    workflow: int = 0
    ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        declared = self.project.workflow(self.commit, "headwater.yml", "a")
        nobody = Identities({}, {}, (), frozenset())
        with self.project.database.writing() as connection:
            self.repository = repository_id(connection, self.project.key)
            self.workflow = workflow_id(connection, self.repository, declared)
            self.ids = environment_ids(connection, nobody, declared, self.workflow, declared.environments)

    def task(self, alias: str, action: TaskAction = TaskAction.DEPLOY, **more: Any) -> NewTask:
        """A task to be, of that environment."""
        more.setdefault("upstreams", tuple(more.get("needs", ())))
        return NewTask(
            environment=self.ids[alias],
            alias=alias,
            action=action,
            commit=self.commit,
            source_commit=self.commit,
            **more,
        )

    def deploy(
        self,
        needs: Mapping[str, Sequence[str]],
        *,
        jobs: int = 4,
        action: TaskAction = TaskAction.DEPLOY,
        also: Callable[[Connection, int], None] = lambda _connection, _number: None,
        elsewhere: Mapping[str, Sequence[str]] = MappingProxyType({}),
        **more: Any,
    ) -> int:
        """A deployment of these environments, each after what it needs; its number. `also` is kept with it or not.

        `elsewhere`: what they need besides, and this deployment has not.
        """
        new = NewDeployment(
            workflow=self.workflow,
            action=action,
            commit=self.commit,
            by=ADA,
            place=self.project.place,
            jobs=jobs,
            tasks=tuple(
                self.task(
                    alias,
                    action,
                    needs=tuple(self.ids[one] for one in upstreams),
                    upstreams=tuple(self.ids[one] for one in (*upstreams, *elsewhere.get(alias, ()))),
                )
                for alias, upstreams in needs.items()
            ),
            **more,
        )
        with self.project.database.writing() as connection:
            number = new_deployments.create(connection, new, time.time())
            also(connection, number)
            return number
