"""Two drivers on one database at the same time: each task is handed on once, and nobody's news is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bot import people
from bot.briefing import Settings
from bot.decide.transitions import DEPLOYMENT_FINISHED, TaskState
from bot.drive import Driver
from bot.errors import NotAllowed
from bot.project import Project
from bot.store import deployments, views
from bot.store.database import Database
from bot.store.declared import repository_id, workflow_id
from bot.store.environments import environment_rows
from planner.repository import Repository
from tests.bot.store.simulation import ADA, LIMITS, Fate, Peers, Scene

DIAMOND = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


class Together:
    """Threads over one database, each with connections and a driver of its own."""

    def __init__(self, scene: Scene, peers: Peers) -> None:
        self.scene, self.peers = scene, peers
        self.over = threading.Event()
        self.failures: list[BaseException] = []
        self.threads: list[threading.Thread] = []

    def another(self) -> Project:
        mine = self.scene.project
        project = Project(mine.repository, mine.state, mine.database.url, secrets={})
        project._readings = mine._readings
        return project

    def do(self, work: Callable[[], None]) -> None:
        """Do something again and again until all is over."""

        def again() -> None:
            try:
                while not self.over.is_set():
                    work()
                    time.sleep(0.002)
            except BaseException as error:  # noqa: BLE001  (the test fails with it)
                self.failures.append(error)
                self.over.set()

        self.threads.append(threading.Thread(target=again, daemon=True))

    def drive(self) -> None:
        project = self.another()
        driver = Driver(project, LIMITS, Settings(), executor=self.peers)

        def work() -> None:
            with project.database.reading() as connection:
                numbers = deployments.unfinished_deployments(connection, self.scene.repository, project.place)
            for number in numbers:
                driver.step(number, due=True)

        self.do(work)

    def play(self) -> None:
        def work() -> None:
            for runner in list(self.peers.alive):
                self.peers.advance(runner)

        self.do(work)

    def approve(self, aliases: str) -> None:
        project = self.another()

        def work() -> None:
            with project.database.reading() as connection:
                rows = environment_rows(connection, self.scene.repository)
            for row in rows:
                if row.alias in aliases and row.facts.state is TaskState.NEEDS_APPROVAL:
                    with suppress(NotAllowed):  # somebody was faster
                        people.approve(project, row, ADA)

        self.do(work)

    def until_finished(self, *numbers: int) -> list[views.DeploymentView]:
        for thread in self.threads:
            thread.start()
        deadline = time.monotonic() + 90
        while not self.over.is_set() and time.monotonic() < deadline:
            found = [self.view(number) for number in numbers]
            if all(view.state in DEPLOYMENT_FINISHED for view in found):
                break
            time.sleep(0.02)
        self.over.set()
        for thread in self.threads:
            thread.join(30)
        assert self.failures == []
        return [self.view(number) for number in numbers]

    def view(self, number: int) -> views.DeploymentView:
        with self.scene.project.database.reading() as connection:
            found = views.deployment(connection, number)
        assert found is not None
        return found


@pytest.fixture
def together(scene: Scene) -> Together:
    return Together(scene, Peers(fates={"b": Fate.ASKS}))


def test_two_drivers_hand_each_task_on_once(together: Together) -> None:
    number = together.scene.deploy(DIAMOND)
    together.peers.needs[number] = DIAMOND
    together.drive()
    together.drive()
    together.play()
    together.approve("b")
    (view,) = together.until_finished(number)
    assert {task.alias: task.state for task in view.tasks} == dict.fromkeys("abcd", TaskState.SUCCEEDED)
    assert together.peers.claims == {(number, "a"): 1, (number, "b"): 2, (number, "c"): 1, (number, "d"): 1}
    assert len(together.peers.runners) == 5


def test_deployments_of_the_same_environments_queue_though_many_drive_them(together: Together) -> None:
    """Nobody waits for ever behind a deployment whose end another driver saw."""
    needs = {"a": (), "c": ("a",)}
    numbers = []
    for _ in range(4):
        numbers.append(together.scene.deploy(needs))
        together.peers.needs[numbers[-1]] = needs
        Driver(together.scene.project, LIMITS, Settings(), executor=together.peers).step(numbers[-1], due=True)
    for _ in range(3):
        together.drive()
    together.play()
    found = together.until_finished(*numbers)
    first, *others, last = found
    assert {task.state for task in last.tasks} == {TaskState.SUCCEEDED}
    assert first.tasks[0].state is TaskState.SUCCEEDED
    assert {task.state for view in others for task in view.tasks} <= {TaskState.CANCELLED, TaskState.BLOCKED}


def test_those_who_come_first_to_a_database_make_one_repository_and_one_workflow(
    database: Database, one_repository: tuple[Repository, str], tmp_path: Path
) -> None:
    repository, commit = one_repository
    reader = Project(repository, tmp_path / "state", database.url, secrets={})
    declared = reader.workflow(commit, "headwater.yml", "a")
    found, failures, gate = [], [], threading.Barrier(4)

    def come() -> None:
        try:
            gate.wait(30)
            with database.writing() as connection:
                key = repository_id(connection, "shop")
                found.append((key, workflow_id(connection, key, declared)))
        except BaseException as error:  # noqa: BLE001  (the test fails with it)
            failures.append(error)

    assert database.engine
    threads = [threading.Thread(target=come, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(found) == 4
    assert len(set(found)) == 1
