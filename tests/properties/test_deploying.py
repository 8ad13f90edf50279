"""Deployments as a model: random graphs, fates, speeds, crashes and people, against a brute-force oracle.

The store and the driver are the real ones; runners are played (tests/bot/store/simulation.py), and check at each claim
that order holds and that nothing overlaps. At the end everything must have ended as the oracle says.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from bot import people
from bot.briefing import Settings
from bot.decide.facts import Stop
from bot.decide.transitions import ACTIVE, DEPLOYMENT_FINISHED, FINISHED, Code, DeploymentState, TaskState
from bot.drive import Driver
from bot.errors import NotAllowed
from bot.store import database, deployments, views
from bot.store.environments import environment_rows
from bot.store.tables import attempts, tasks
from bot.store.tables import deployments as deployment_rows
from bot.store.views import DeploymentView, TaskView
from planner.graph import Graph
from tests.bot.store.simulation import ADA, ALIASES, LIMITS, Fate, Killed, Peers
from tests.depth import examples
from tests.properties.examples_of_stores import remove_what_was_prepared, scene

S = TaskState
GOOD = (Fate.SUCCEEDS, Fate.CHANGES_NOTHING, Fate.ASKS, Fate.LATE)
ENDS = {
    **dict.fromkeys(GOOD, S.SUCCEEDED),
    Fate.TIMES_OUT: S.TIMED_OUT,
    **dict.fromkeys((Fate.FAILS, Fate.VANISHES, Fate.ORPHANS, Fate.NEVER_STARTS, Fate.CANNOT_START), S.FAILED),
}
BAD = (S.FAILED, S.TIMED_OUT, S.CANCELLED)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """A graph of up to eight environments, each needing some of those before it."""
    aliases = ALIASES[: draw(st.integers(1, len(ALIASES)))]
    return {
        alias: tuple(draw(st.lists(st.sampled_from(aliases[:place]), max_size=3, unique=True))) if place else ()
        for place, alias in enumerate(aliases)
    }


def oracle(
    needs: Mapping[str, tuple[str, ...]], fates: Mapping[str, Fate], given: Mapping[str, TaskState]
) -> dict[str, TaskState]:
    """How each environment must end. `given`: those that people, or a newer deployment, ended."""
    found: dict[str, TaskState] = {}
    for alias in Graph(needs).order:
        if any(found[upstream] is not S.SUCCEEDED for upstream in needs[alias]):
            found[alias] = given.get(alias, S.BLOCKED)
        else:
            found[alias] = given.get(alias, ENDS[fates[alias]])
    return found


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left() -> object:
    yield
    remove_what_was_prepared()


class Deploying(RuleBasedStateMachine):
    """One or two deployments of the same environments, two drivers that can be killed, and people."""

    def __init__(self) -> None:
        super().__init__()
        self.scene, self.file = scene("example")
        self.peers = Peers()
        self.now = 0.0
        self.numbers: list[int] = []
        self.cancelled = False
        self.drivers: list[Driver] = []
        self._before_commit = database.point
        database.point = lambda _name: self.peers.burn()

    @initialize(
        needs=graphs(),
        fates=st.lists(st.sampled_from([*GOOD * 2, *Fate]), min_size=len(ALIASES), max_size=len(ALIASES)),
        jobs=st.integers(1, 4),
    )
    def begin(self, needs: dict[str, tuple[str, ...]], fates: list[Fate], jobs: int) -> None:
        self.needs, self.jobs = needs, jobs
        self.peers.fates = dict(zip(ALIASES, fates, strict=True))
        self.drivers = [self.driver(), self.driver()]
        self.submit()

    def driver(self) -> Driver:
        return Driver(self.scene.project, LIMITS, Settings(), executor=self.peers, clock=lambda: self.now)

    def submit(self) -> None:
        number = self.scene.deploy(self.needs, jobs=self.jobs)
        self.peers.needs[number] = self.needs
        self.numbers.append(number)

    # -- what happens

    @rule(which=st.integers(0, 1))
    def step(self, which: int) -> None:
        for number in self.unfinished():
            self.drivers[which].step(number, due=True)

    @rule()
    def step_until_calm_and_once_more(self) -> None:
        """Twice is once: with no news, neither the same driver nor another one finds anything left to do."""
        drivers = [*self.drivers, self.driver()]  # a new one asks at once whether each runner lives
        for number in self.unfinished():
            calm = 0
            while calm < 2:  # the other one may only now have seen that an attempt was claimed
                calm = 0 if any([one.step(number, due=True) for one in drivers]) else calm + 1  # noqa: C419  (all take their step)
            before = self.rows()
            for driver in (*drivers, self.driver()):
                driver.step(number, due=True)
            assert self.rows() == before

    @rule(which=st.integers(0, 30))
    def report_twice(self, which: int) -> None:
        """A report that comes again, and says something else: the first one counts."""
        told = [one for one in self.peers.runners.values() if one.report is not None]
        if told:
            one = told[which % len(told)]
            before = self.rows()
            if not self.is_active(one.attempt):
                one.report = {**one.report, "result": "failed", "error": "said too late"}  # type: ignore[dict-item]
                self.step(0)
                assert all(row in self.rows() for row in before if row[0] == "attempt" and row[1] == one.attempt)

    @rule(which=st.integers(0, 1), fuse=st.integers(0, 25))
    def step_and_be_killed(self, which: int, fuse: int) -> None:
        self.peers.fuse = fuse
        with suppress(Killed):
            self.step(which)
        self.peers.fuse = None
        self.drivers[which] = self.driver()

    @rule(which=st.integers(0, 30), often=st.integers(1, 3))
    def advance(self, which: int, often: int) -> None:
        for _ in range(often):
            if alive := self.peers.alive:
                self.peers.advance(alive[which % len(alive)])

    @rule(seconds=st.sampled_from([1.0, 11.0, 21.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: len(self.numbers) < 2)
    @rule()
    def deploy_again(self) -> None:
        self.submit()

    @rule(alias=st.sampled_from(ALIASES), yes=st.booleans())
    def answer(self, alias: str, yes: bool) -> None:
        with suppress(NotAllowed):
            decide = people.approve if yes else people.reject
            decide(self.scene.project, self.row(alias), ADA)

    @precondition(lambda self: not self.cancelled and len(self.peers.runners) > 3)
    @rule(how=st.sampled_from(Stop), really=st.integers(0, 5))
    def cancel(self, how: Stop, really: int) -> None:
        if really == 0:
            self.cancelled = True
            people.cancel(self.scene.project, self.numbers, how, ADA)

    # -- what must hold

    @invariant()
    def what_the_store_says_was_done_was_done(self) -> None:
        for view in map(self.view, self.numbers):
            for task in view.tasks:
                if task.state is S.SUCCEEDED:
                    assert (view.id, task.alias) in self.peers.done
            assert (view.state in DEPLOYMENT_FINISHED) <= all(task.state in FINISHED for task in view.tasks)

    @invariant()
    def nothing_overlaps_and_what_is_blocked_has_a_broken_ancestor(self) -> None:
        query = select(attempts.c.environment_id).where(attempts.c.active, attempts.c.mutates)
        with self.scene.project.database.reading() as connection:
            at_work = list(connection.execute(query).scalars())
        assert len(at_work) == len(set(at_work))
        for view in map(self.view, self.numbers):
            states = {task.alias: task.state for task in view.tasks}
            for task in view.tasks:
                broken = any(states[one] in (*BAD, S.BLOCKED) for one in self.needs[task.alias])
                assert (task.state is S.BLOCKED) <= broken
                assert not (broken and task.state in (S.READY, *ACTIVE, S.SUCCEEDED))

    def teardown(self) -> None:
        try:
            if self.numbers:
                self.run_to_the_end()
                for view in map(self.view, self.numbers):
                    self.compare(view)
        finally:
            database.point = self._before_commit
            self.scene.project.database.engine.dispose()
            for file in self.file.parent.glob("example.db*"):
                file.unlink()

    def run_to_the_end(self) -> None:
        """Everybody goes on fairly, and everything that waits for approval gets it."""
        for _ in range(200):
            if not self.unfinished():
                return
            for alias in self.needs:
                with suppress(NotAllowed):
                    people.approve(self.scene.project, self.row(alias), ADA)
            for runner in self.peers.alive:
                self.peers.advance(runner)
            self.now += 6.0
            self.step(0)
        raise AssertionError(f"never ends: {[self.view(number) for number in self.numbers]}")

    def compare(self, view: DeploymentView) -> None:
        states = {task.alias: task.state for task in view.tasks}
        ended_by_others = (Code.SUPERSEDED, Code.REJECTED, Code.CANCELLED)
        given = {
            task.alias: task.state
            for task in view.tasks
            if task.code in ended_by_others or self.was_too_slow(view, task)
        }
        assert states == oracle(self.needs, self.peers.fates, given)
        for task in view.tasks:
            self.check(view, task, states)
        if not self.cancelled:
            assert not any(task.code is Code.CANCELLED for task in view.tasks)
            assert self.numbers[-1] != view.id or not any(task.code is Code.SUPERSEDED for task in view.tasks)
        assert view.state is self.end(view)

    def was_too_slow(self, view: DeploymentView, task: TaskView) -> bool:
        """Whether every runner of a task was revoked before it claimed, as often as is tried."""
        revoked = [one for one in self.peers.revoked if one.startswith(f"{view.id}-{task.id}-")]
        return task.code is Code.CANNOT_START and len(revoked) >= LIMITS.starts

    def check(self, view: DeploymentView, task: TaskView, states: Mapping[str, TaskState]) -> None:
        succeeded = (view.id, task.alias) in self.peers.done
        assert succeeded == (task.state is S.SUCCEEDED)
        if task.state is S.BLOCKED:
            ancestors = Graph(self.needs).ancestors([task.alias])
            roots = {alias for alias in ancestors if states[alias] in BAD}
            assert task.detail
            assert set(task.detail.split(", ")) <= roots
            assert not self.peers.claims[view.id, task.alias]
        if task.code is Code.SUPERSEDED and self.peers.fates[task.alias] is not Fate.ASKS:
            assert not self.peers.claims[view.id, task.alias], "what had started was superseded"

    def end(self, view: DeploymentView) -> DeploymentState:
        states = [task.state for task in view.tasks]
        codes = {task.code for task in view.tasks if task.state is S.CANCELLED}
        if S.FAILED in states or S.TIMED_OUT in states:
            return DeploymentState.FAILED
        if codes - {Code.SUPERSEDED}:
            return DeploymentState.CANCELLED
        return DeploymentState.SUPERSEDED if codes else DeploymentState.SUCCEEDED

    # -- looking

    def rows(self) -> list[tuple[object, ...]]:
        """All that the store says of tasks, attempts and deployments."""
        chosen = {
            "task": (tasks.c.id, tasks.c.state, tasks.c.code, tasks.c.attempts, tasks.c.plan_id),
            "attempt": (attempts.c.id, attempts.c.active, attempts.c.result, attempts.c.error),
            "deployment": (deployment_rows.c.id, deployment_rows.c.state),
        }
        with self.scene.project.database.reading() as connection:
            return [(kind, *row) for kind, columns in chosen.items() for row in connection.execute(select(*columns))]

    def is_active(self, attempt: str) -> bool:
        with self.scene.project.database.reading() as connection:
            return bool(connection.execute(select(attempts.c.active).where(attempts.c.id == attempt)).scalar())

    def unfinished(self) -> list[int]:
        with self.scene.project.database.reading() as connection:
            return deployments.unfinished_deployments(connection, self.scene.repository, self.scene.project.place)

    def view(self, number: int) -> DeploymentView:
        with self.scene.project.database.reading() as connection:
            found = views.deployment(connection, number)
        assert found is not None
        return found

    def row(self, alias: str) -> object:
        with self.scene.project.database.reading() as connection:
            return next(one for one in environment_rows(connection, self.scene.repository) if one.alias == alias)


TestDeploying = Deploying.TestCase
TestDeploying.settings = settings(
    max_examples=examples(20), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
