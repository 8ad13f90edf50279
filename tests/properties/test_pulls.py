"""Locks and supersession as a model: pull requests that plan, deploy, merge, close and unlock, against brute force.

The store and the driver are the real ones, runners are played. Beside them stands a model of a few lines: who owns what,
and which plans are of a head that was pushed over.
"""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection, select

from bot import people
from bot.briefing import Settings
from bot.decide.facts import TaskAction
from bot.decide.transitions import ACTIVE, DEPLOYMENT_FINISHED, Code, DeploymentState, TaskState
from bot.drive import Driver
from bot.errors import NotAllowed
from bot.store import conversation, deployments, hosting, locks
from bot.store.environments import environment_rows
from bot.store.tables import deployments as deployment_rows
from bot.store.tables import tasks
from bot.working import superseding
from tests.bot.store.simulation import ADA, LIMITS, Fate, Peers
from tests.depth import examples
from tests.properties.examples_of_stores import remove_what_was_prepared, scene

S = TaskState
NEEDS = {"a": (), "b": ("a",), "c": (), "d": ("b", "c")}
PULLS = (1, 2, 3)
NOT_STARTED = (S.WAITING, S.READY, S.NEEDS_APPROVAL)
some = st.sets(st.sampled_from(sorted(NEEDS)), min_size=1)


class Locked(Exception):  # noqa: N818  (reads as what it says)
    """Another pull request holds some of it: nothing is kept."""


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left() -> object:
    yield
    remove_what_was_prepared()


class Pulls(RuleBasedStateMachine):
    """Three pull requests and the branch that they are merged to, on four environments."""

    def __init__(self) -> None:
        super().__init__()
        self.scene, self.file = scene("pulls")
        self.peers = Peers()
        self.now = 0.0
        self.driver = Driver(self.scene.project, LIMITS, Settings(), executor=self.peers, clock=lambda: self.now)
        self.owner: dict[str, int] = {}  # the model: environment -> number of the pull request that it belongs to
        self.plans: dict[int, list[int]] = {number: [] for number in PULLS}  # the model: its plans, oldest first
        self.heads = dict.fromkeys(PULLS, 0)

    @initialize(fates=st.lists(st.sampled_from([Fate.SUCCEEDS, Fate.FAILS, Fate.ASKS]), min_size=4, max_size=4))
    def begin(self, fates: list[Fate]) -> None:
        self.peers.fates = dict(zip(sorted(NEEDS), fates, strict=True))
        self.pulls = {number: self.keep(number, "open").id for number in PULLS}

    def keep(self, number: int, state: str) -> hosting.PullRow:
        head = f"{number}{self.heads[number]:039}"
        known = {"author": "ada", "head": head, "head_ref": f"b{number}", "base_ref": "main", "html_url": ""}
        with self.scene.project.database.writing() as connection:
            return hosting.keep_pull(connection, self.scene.repository, number, {**known, "state": state})

    # -- what happens

    @rule(pull=st.sampled_from(PULLS), chosen=some)
    def deploy(self, pull: int, chosen: set[str]) -> None:
        in_the_way = {alias for alias in chosen if self.owner.get(alias, pull) != pull}
        before = self.tasks()

        def take(connection: Connection, number: int) -> None:
            ids = [self.scene.ids[alias] for alias in chosen]
            if others := locks.take(connection, ids, self.pulls[pull], number, time.time()):
                raise Locked({one.alias for one in others.values()})

        try:
            number = self.submit(chosen, also=take, pull=self.pulls[pull])
        except Locked as locked:
            assert locked.args == (in_the_way,)
            assert self.tasks() == before, "what is refused leaves nothing behind"
            return
        assert not in_the_way
        self.owner |= dict.fromkeys(chosen, pull)
        self.check_superseded(before, number, chosen, chosen)

    @rule(chosen=some)
    def push_to_the_branch(self, chosen: set[str]) -> None:
        before = self.tasks()
        number = self.submit(chosen, continuous=True)
        self.check_superseded(before, number, chosen, set())

    @rule(pull=st.sampled_from(PULLS))
    def push(self, pull: int) -> None:
        """A newer head: it is planned, and the plans of the one before it are stopped."""
        self.heads[pull] += 1
        row = self.keep(pull, "open")

        def remember(connection: Connection, number: int) -> None:
            values = {"commit": row.head, "base": row.head, "deployments": [number], "created_at": self.now}
            conversation.add_plan(connection, row.id, values)
            superseding.stop_former(connection, row, time.time())

        number = self.scene.deploy(dict.fromkeys(NEEDS, ()), action=TaskAction.PLAN, pull=row.id, also=remember)
        self.peers.needs[number] = {}
        self.plans[pull].append(number)

    @rule(pull=st.sampled_from(PULLS))
    def merge(self, pull: int) -> None:
        with self.scene.project.database.writing() as connection:
            freed = locks.release(connection, self.pulls[pull], ADA, self.now)
        assert freed == sum(owner == pull for owner in self.owner.values())
        self.owner = {alias: owner for alias, owner in self.owner.items() if owner != pull}

    @rule(pull=st.sampled_from(PULLS))
    def close(self, pull: int) -> None:
        """Closed unmerged: what it holds stays its own."""
        self.keep(pull, "closed")

    @rule(alias=st.sampled_from(sorted(NEEDS)), pull=st.sampled_from(PULLS))
    def unlock_or_restore(self, alias: str, pull: int) -> None:
        """Of one environment; what belongs to somebody else stays theirs."""
        with self.scene.project.database.writing() as connection:
            freed = locks.release(connection, self.pulls[pull], ADA, self.now, [self.scene.ids[alias]])
        assert bool(freed) is (self.owner.get(alias) == pull)
        if freed:
            del self.owner[alias]

    @rule(alias=st.sampled_from(sorted(NEEDS)), yes=st.booleans())
    def answer(self, alias: str, yes: bool) -> None:
        with suppress(NotAllowed):
            (people.approve if yes else people.reject)(self.scene.project, self.row(alias), ADA)

    @rule()
    def step(self) -> None:
        for number in self.unfinished():
            before = self.tasks()
            self.driver.step(number, due=True)
            self.check_locked(before)

    @rule(which=st.integers(0, 9), often=st.integers(1, 4))
    def advance(self, which: int, often: int) -> None:
        for _ in range(often):
            if alive := self.peers.alive:
                self.peers.advance(alive[which % len(alive)])

    # -- what must hold

    @invariant()
    def everything_belongs_to_whom_it_should(self) -> None:
        with self.scene.project.database.reading() as connection:
            held = locks.of_repository(connection, self.scene.repository)
        assert {one.alias: one.number for one in held} == self.owner
        assert len({one.environment for one in held}) == len(held)

    @invariant()
    def a_push_stops_plans_of_former_heads_and_nothing_else(self) -> None:
        with self.scene.project.database.reading() as connection:
            rows = connection.execute(select(deployment_rows)).all()
        newest = {plans[-1] for plans in self.plans.values() if plans}
        for row in rows:
            ended = DeploymentState(row.state) in DEPLOYMENT_FINISHED
            if row.action == TaskAction.PLAN.value and row.id not in newest:
                assert ended or row.stop is not None
            else:
                assert row.stop is None, "a running deploy, or the plans of the head, were stopped"

    def check_superseded(
        self, before: dict[int, tuple[object, ...]], number: int, chosen: set[str], of_a_pull: set[str]
    ) -> None:
        """What a new deployment took the place of: by a look at every task that there was."""
        after = self.tasks()
        for task, (state, _code, deployment, alias, action, pull, _detail) in before.items():
            gives_way = alias in chosen and action != TaskAction.PLAN.value and state in NOT_STARTED
            if gives_way and not of_a_pull and pull is not None:  # a push leaves alone what a pull request asked for
                gives_way = state is S.NEEDS_APPROVAL and alias not in self.owner
            if gives_way:
                assert after[task][:2] == (S.CANCELLED, Code.SUPERSEDED)
                assert after[task][6] == f"#{number}"
            else:
                assert after[task] == before[task], (task, deployment)

    def check_locked(self, before: dict[int, tuple[object, ...]]) -> None:
        """What is blocked by a lock belongs to another; what goes on does not."""
        for task, (state, code, _deployment, alias, action, pull, _detail) in self.tasks().items():
            if task not in before or before[task][0] is not S.WAITING or state is S.WAITING:
                continue
            owner = self.owner.get(str(alias))
            another = owner is not None and self.pulls[owner] != pull and action != TaskAction.PLAN.value
            assert (code is Code.LOCKED) <= another
            assert not (another and state in (*ACTIVE, S.READY, S.SUCCEEDED)), "it went on with what is another's"

    def teardown(self) -> None:
        try:
            if self.unfinished():
                self.run_to_the_end()
        finally:
            self.scene.project.database.engine.dispose()
            for file in self.file.parent.glob("pulls.db*"):
                file.unlink()

    def run_to_the_end(self) -> None:
        for _ in range(150):
            if not self.unfinished():
                return
            for alias in NEEDS:
                with suppress(NotAllowed):
                    people.approve(self.scene.project, self.row(alias), ADA)
            for runner in self.peers.alive:
                self.peers.advance(runner)
            self.now += 6.0
            self.step()
        raise AssertionError(f"never ends: {self.tasks()}")

    # -- looking

    def submit(self, chosen: set[str], **more: object) -> int:
        needs = {alias: tuple(one for one in NEEDS[alias] if one in chosen) for alias in sorted(chosen)}
        number = self.scene.deploy(needs, **more)  # type: ignore[arg-type]
        self.peers.needs[number] = needs
        return number

    def tasks(self) -> dict[int, tuple[object, ...]]:
        """Every task: state, code, deployment, alias, action, the row of its pull request, detail."""
        query = select(tasks, deployment_rows.c.pull_id).join(
            deployment_rows, tasks.c.deployment_id == deployment_rows.c.id
        )
        with self.scene.project.database.reading() as connection:
            rows = connection.execute(query).all()
        return {
            row.id: (S(row.state), Code(row.code), row.deployment_id, row.alias, row.action, row.pull_id, row.detail)
            for row in rows
        }

    def unfinished(self) -> list[int]:
        with self.scene.project.database.reading() as connection:
            return deployments.unfinished_deployments(connection, self.scene.repository, self.scene.project.place)

    def row(self, alias: str) -> object:
        with self.scene.project.database.reading() as connection:
            return next(one for one in environment_rows(connection, self.scene.repository) if one.alias == alias)


TestPulls = Pulls.TestCase
TestPulls.settings = settings(
    max_examples=examples(12), stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
