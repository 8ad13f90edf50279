"""Driving deployments: every process that has the store drives all of them, and none minds another doing it too."""

from __future__ import annotations

import time

import structlog
from sqlalchemy import Connection, select

from bot import correlation
from bot.decide.deeds import ITSELF, By
from bot.decide.transitions import DEPLOYMENT_FINISHED
from bot.drive import Driver
from bot.errors import HeadwaterError, StoreError
from bot.hosting.project import HostedProject
from bot.server import Server
from bot.store import conversation, deployments, hosting, locks, publications, work
from bot.store.driving import Unfinished, commits, unfinished
from bot.store.hosting import HostedRepository, PullRow
from bot.store.tables import workflows
from bot.working import before_merge
from bot.working.ending import freed
from bot.working.permitting import may_begin
from planner.problems import PlannerError

_SHORTEST = 0.05
"""Seconds between two whole steps of one deployment, whoever wakes us."""
_LOOKS_IN_SILENCE = 20
"""How often a deployment is looked at whole in the time after which a silent job counts as lost."""

_log = structlog.get_logger("headwater.drive")


class Driving:
    """Takes steps of all unfinished deployments; for one thread."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stepped: dict[int, float] = {}  # when each was last looked at whole, by our own clock
        self._drivers: dict[int, tuple[HostedProject, Driver]] = {}
        self._had: set[int] = set()  # deployments whose commits are here: another process may have made them

    def round(self) -> float:
        """One step of each; after how many seconds to look again, if nobody says so earlier."""
        with self._server.database.reading() as connection:
            found = unfinished(connection)
        self._had &= {one.number for one in found}
        return min((self._step(one) for one in found), default=self._server.settings.poll_seconds)

    def _step(self, one: Unfinished) -> float:
        """Take a step: a whole one where something is to be decided, or none was taken for a while."""
        poll = self._server.settings.poll_seconds
        if one.hosted.trouble:
            return poll
        apart = _SHORTEST if one.dirty else poll if one.waits else self._longest
        wait = self._stepped.get(one.number, float("-inf")) + apart - time.monotonic()
        if wait <= 0:
            self._stepped[one.number] = time.monotonic()
        try:
            driver = self._driver(one.hosted)
            self._have_commits(one)
            with correlation.bound(one.correlation):
                moved = driver.step(one.number, due=wait <= 0)
        except StoreError:
            raise
        except (HeadwaterError, PlannerError) as error:
            told = {"deployment": one.number, "correlation": one.correlation}
            _log.warning("a deployment could not be moved on", error=str(error), **told)
            return poll
        except Exception:  # noqa: BLE001  (the outermost edge: no deployment keeps the others from going on)
            _log.exception("a fault in moving a deployment on", deployment=one.number)
            return poll
        return _SHORTEST if moved else poll if wait <= 0 else min(wait, poll)

    def _have_commits(self, one: Unfinished) -> None:
        """Raises HeadwaterError where GitHub does not give them now; what is to end needs none."""
        if one.number not in self._had and not one.stops:
            with self._server.database.reading() as connection:
                needed = commits(connection, one.number)
            self._server.project(one.hosted).have(needed)
            self._had.add(one.number)

    @property
    def _longest(self) -> float:
        settings = self._server.settings
        return max(settings.poll_seconds, settings.silence_seconds / _LOOKS_IN_SILENCE)

    def _driver(self, hosted: HostedRepository) -> Driver:
        project = self._server.project(hosted)
        kept = self._drivers.get(hosted.id)
        if kept is None or kept[0] is not project:
            driver = Driver(
                project,
                self._server.limits,
                self._server.attempt_settings(project),
                moved=_moved,
                may_begin=may_begin(self._server, hosted),
                budget=self._server.settings.jobs,
                took=lambda one: self._server.metrics.took(one.tool, one.job, one.result, one.seconds),
            )
            self._drivers[hosted.id] = kept = (project, driver)
        return kept[1]


def _moved(connection: Connection, number: int) -> None:
    """A deployment moved on: what shows it is brought up to date, and what waits for its end is looked at."""
    now = time.time()
    publications.refresh(connection, number, now)
    told = deployments.flags(connection, number)
    if told is None or told.state not in DEPLOYMENT_FINISHED:
        return
    for younger in deployments.behind(connection, number):
        publications.refresh(connection, younger, now)  # it says what it queues behind
    if told.action.mutates:
        publications.refresh_plans_of_the_same(connection, number, now)
    if told.continuous and deployments.was_held_back(connection, told):
        _look_again(connection, told.workflow, now)  # what it waited for may have become free meanwhile
    if told.pull is None:
        return
    pull = hosting.pull_by_id(connection, told.pull)
    hosted = hosting.repository(connection, pull.repository) if pull is not None else None
    if pull is not None and hosted is not None:
        if told.action.mutates:
            before_merge.refresh_all(connection, hosted)
        _give_back(connection, hosted, pull, now)
        work.request(connection, "commands", f"{hosted.github_id}:{pull.number}", now, now)


def _give_back(connection: Connection, hosted: HostedRepository, pull: PullRow, now: float) -> None:
    """What was called off before it began belongs to its pull request no more."""
    unused = [one.environment for one in locks.unused(connection, pull.id)]
    if unused:
        called_off = By(ITSELF, f"#{pull.number}", ("its deploy was called off before it began",), pull=pull.number)
        locks.release(connection, pull.id, called_off, now, unused)
        freed(connection, hosted, [pull.number], now)


def _look_again(connection: Connection, workflow: int, now: float) -> None:
    """Have the branches looked at that are deployed from."""
    repository = connection.execute(select(workflows.c.repository_id).where(workflows.c.id == workflow)).scalar_one()
    hosted = hosting.repository(connection, repository)
    for branch in conversation.branches_with_stories(connection, repository):
        if hosted is not None:
            work.request(connection, "push", f"{hosted.github_id}:{branch}"[:255], now, now)
