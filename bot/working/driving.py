"""Driving deployments: every process that has the store drives all of them, and none minds another doing it too."""

from __future__ import annotations

import time

import structlog
from sqlalchemy import Connection, select

from bot.decide.transitions import DEPLOYMENT_FINISHED, FINISHED
from bot.drive import Driver
from bot.errors import HeadwaterError, StoreError
from bot.hosting.project import HostedProject
from bot.server import Server
from bot.store import conversation, deployments, hosting, publications, work
from bot.store.hosted_tables import github_repositories
from bot.store.tables import deployments as deployment_table
from bot.store.tables import tasks, workflows
from planner.problems import PlannerError

_SHORTEST = 0.05
"""Seconds between two whole steps of one deployment, whoever wakes us."""

_DIRTY = (
    select(tasks.c.id)
    .where(tasks.c.deployment_id == deployment_table.c.id, tasks.c.dirty.is_(True))
    .where(tasks.c.state.not_in([state.value for state in FINISHED]))
    .exists()
    .label("dirty")
)

_log = structlog.get_logger("headwater.drive")


class Driving:
    """Takes steps of all unfinished deployments; for one thread."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stepped: dict[int, float] = {}  # when each was last looked at whole, by our own clock
        self._drivers: dict[int, tuple[HostedProject, Driver]] = {}

    def round(self) -> bool:
        """One step of each; whether anything moved."""
        moved = False
        for repository, numbers in self._unfinished().items():
            driver = self._driver(repository)
            if driver is None:
                continue
            for number, dirty in numbers:
                moved |= self._step(driver, number, dirty=dirty)
        return moved

    def _step(self, driver: Driver, number: int, *, dirty: bool) -> bool:
        """Take a step: a whole one where something is to be decided, or none was taken for a while."""
        now = time.monotonic()
        since = now - self._stepped.get(number, float("-inf"))
        due = since >= self._server.settings.poll_seconds or (dirty and since >= _SHORTEST)
        if due:
            self._stepped[number] = now
        try:
            return driver.step(number, due=due)
        except StoreError:
            raise
        except (HeadwaterError, PlannerError) as error:
            _log.warning("a deployment could not be moved on", deployment=number, error=str(error))
            return False

    def _unfinished(self) -> dict[int, list[tuple[int, bool]]]:
        """The unfinished deployments of each repository, and whether any of their tasks is to be looked at."""
        finished = [state.value for state in DEPLOYMENT_FINISHED]
        query = (
            select(deployment_table.c.id, workflows.c.repository_id, _DIRTY)
            .join(workflows, deployment_table.c.workflow_id == workflows.c.id)
            .join(github_repositories, workflows.c.repository_id == github_repositories.c.repository_id)
            .where(deployment_table.c.state.not_in(finished))
            .order_by(deployment_table.c.id)
        )
        found: dict[int, list[tuple[int, bool]]] = {}
        with self._server.database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row.repository_id, []).append((row.id, row.dirty))
        return found

    def _driver(self, repository: int) -> Driver | None:
        with self._server.database.reading() as connection:
            hosted = hosting.repository(connection, repository)
        if hosted is None or hosted.trouble:
            return None
        project = self._server.project(hosted)
        kept = self._drivers.get(repository)
        if kept is None or kept[0] is not project:
            driver = Driver(
                project,
                self._server.limits,
                self._server.attempt_settings(project),
                moved=_moved,
                budget=self._server.settings.jobs,
            )
            self._drivers[repository] = kept = (project, driver)
        return kept[1]


def _moved(connection: Connection, number: int) -> None:
    """A deployment moved on: what shows it is brought up to date, and what waits for its end is looked at."""
    now = time.time()
    publications.refresh(connection, number, now)
    told = deployments.flags(connection, number)
    if told is None or told.state not in DEPLOYMENT_FINISHED:
        return
    if told.continuous and deployments.was_locked_out(connection, number):
        _look_again(connection, told.workflow, now)  # what it waited for may have become free meanwhile
    if told.pull is None:
        return
    pull = hosting.pull_by_id(connection, told.pull)
    hosted = hosting.repository(connection, pull.repository) if pull is not None else None
    if pull is not None and hosted is not None:
        work.request(connection, "commands", f"{hosted.github_id}:{pull.number}", now, now)


def _look_again(connection: Connection, workflow: int, now: float) -> None:
    """Have the branches looked at that are deployed from."""
    repository = connection.execute(select(workflows.c.repository_id).where(workflows.c.id == workflow)).scalar_one()
    hosted = hosting.repository(connection, repository)
    for branch in conversation.branches_with_stories(connection, repository):
        if hosted is not None:
            work.request(connection, "push", f"{hosted.github_id}:{branch}"[:255], now, now)
