"""What the commands that act share: opening the project, driving, showing, asking, and the exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from bot import people
from bot.briefing import Settings
from bot.cli.beside_bot import refuse, say_so
from bot.cli.completing import environment_aliases
from bot.cli.definitions import repository_of
from bot.cli.exit_codes import ExitCode
from bot.cli.expiring import expire
from bot.cli.global_options import Globals
from bot.cli.here import by, open_project, refusals_kept
from bot.cli.interrupts import Interrupts
from bot.cli.live import Display, Pace, display_for
from bot.cli.output import say
from bot.decide.deeds import Deed
from bot.decide.facts import Limits, Stop
from bot.decide.transitions import DeploymentState, TaskState
from bot.drive import Driver
from bot.errors import NotAllowed, WrongUse
from bot.known import known
from bot.request import Aim, Request
from bot.store import views
from bot.store.declared import repository_id
from bot.store.deployments import unfinished_deployments
from bot.store.environments import EnvironmentRow, known_repository
from bot.store.expiring import is_expired
from bot.store.restoring import heed_backup
from bot.store.views import DeploymentView
from planner.nearest import nearest

_OPTIONS = (
    click.argument("environments", nargs=-1, metavar="[ENV]...", shell_complete=environment_aliases),
    click.option("--only", is_flag=True, help="These alone, without what lies downstream."),
    click.option(
        "--from",
        "from_",
        metavar="ALIAS",
        multiple=True,
        shell_complete=environment_aliases,
        help="This, and all that lies downstream.",
    ),
    click.option("--since-deployed", is_flag=True, help="Only what has changed since it was last deployed."),
    click.option("--base", metavar="REV", help="Only what has changed since the merge base with REV."),
    click.option("-v", "given", metavar="KEY=VALUE", multiple=True, help="A variable; kept once applied."),
    click.option("--forget", metavar="KEY", multiple=True, help="Drop a kept variable."),
    click.option("--jobs", type=click.IntRange(1, 500), default=4, show_default=True, help="How many at once."),
    click.option("--fail-fast", is_flag=True, help="Stop the rest when one fails."),
    click.option("--work-tree", is_flag=True, help="The files as they lie there, not the last commit."),
    click.option(
        "--assume-upstreams",
        is_flag=True,
        help="With --only: upstreams that this store never saw were deployed elsewhere (a CI job before this one).",
    ),
)

_BESIDE_BOT = click.option("--beside-bot", is_flag=True, help="Even where a bot deploys this repository.")

brief_option = click.option("--brief", is_flag=True, help="Of each plan, only what it does to which resource.")
"""For the commands that show plans before they act."""


def asks_for(aim: Aim, *, plan_only: bool = False) -> Callable[[Callable[..., ExitCode]], Callable[..., ExitCode]]:
    """Give a command the options that choose environments; its function gets them as one frozen request."""

    def decorate(function: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
        @click.pass_obj
        @wraps(function)
        def with_request(settings: Globals, /, environments: tuple[str, ...], **options: Any) -> ExitCode:  # noqa: ANN401
            deed = Deed.PLAN if plan_only else Deed(aim.value)
            beside_bot = plan_only or options.pop("beside_bot")
            request = Request(
                aim=aim,
                by=by(deed.value),
                patterns=environments,
                workflow=settings.workflow,
                given=given_values(options.pop("given")),
                plan_only=plan_only,
                **{name: options.pop(name) for name in _PLAIN},
            )
            with refusals_kept(settings, deed, (*environments, *request.from_)):
                if not beside_bot:
                    refuse(repository_of(settings), deed.value)
                return function(settings, request, **options)

        decorated: Callable[..., Any] = with_request
        for option in reversed(_OPTIONS if plan_only else (*_OPTIONS, _BESIDE_BOT)):
            decorated = option(decorated)
        return decorated

    return decorate


_PLAIN = ("only", "from_", "since_deployed", "base", "forget", "jobs", "fail_fast", "work_tree", "assume_upstreams")


def given_values(given: Sequence[str]) -> dict[str, str]:
    """The values of `-v KEY=VALUE`."""
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise WrongUse(f"-v {one.partition('=')[0]}: not KEY=VALUE", "for example: -v REGION=eu-west-1")
        found[name] = value
    return found


class Session:
    """One acting command at work: the project, its driver, and what is shown."""

    def __init__(self, settings: Globals, *, brief: bool = False) -> None:
        self.settings = settings
        self.brief = brief
        self.project = open_project(settings)
        say_so(settings, self.project.repository)

    def driver(self) -> Driver:
        """What drives deployments."""
        if self.project.has_store:
            heed_backup(self.project.database, time.time())
        beat = _beat_seconds(os.environ.get("HEADWATER_BEAT_SECONDS", "1"))
        limits = Limits(silence=10 * beat, claim=20 * beat)
        return Driver(
            self.project, limits, Settings(beat_every=beat, refuse_no_backend=bool(os.environ.get("GITHUB_ACTIONS")))
        )

    def repository(self) -> int:
        """The id of our repository in the store."""
        with self.project.database.writing() as connection:
            return repository_id(connection, self.project.key)

    def run(self, numbers: Sequence[int], *, plans: bool = False) -> list[DeploymentView]:
        """Drive these deployments to their end, showing how they go; Ctrl-C cancels, twice kills."""
        driver, repository = self.driver(), self.repository()
        over = frozenset(task.id for number in numbers for task in self.view(number).tasks if task.finished)
        with display_for(self.settings, plans=plans, over=over) as display, Interrupts() as interrupts:
            pace = Pace()

            def watch(moved: bool) -> None:  # noqa: FBT001 (the driver's own signature)
                self._pass_on(interrupts.new(), numbers, display)
                if pace.allows(moved=moved) and display.wants(moved=pace.behind):
                    with pace.shown():
                        display.show([self.view(number) for number in numbers])

            try:
                driver.run(repository, numbers, watch)
            finally:
                self.project.local.close()
            found = [self.view(number, texts=plans) for number in numbers]
            display.show(found)
        return found

    def view(self, number: int, *, texts: bool = False) -> DeploymentView:
        """A deployment as it stands."""
        with self.project.database.reading() as connection:
            found = views.deployment(connection, number, texts=texts)
            expired = found is None and is_expired(connection, number)
        if expired:
            raise WrongUse(
                f"deployment #{number} has expired: what has ended is kept for HEADWATER_KEEP_HISTORY_DAYS",
                "'headwater history' lists those that are still kept",
            )
        if found is None:
            raise WrongUse(f"there is no deployment #{number}", "'headwater history' lists them")
        return found

    def collect(self) -> None:
        """Take in what attempts left behind, so that what is shown is true."""
        if (repository := self._known_repository()) is not None:
            self.driver().collect(repository)
            expire(self.project, time.time())

    def unfinished(self) -> list[int]:
        """The numbers of the unfinished deployments; of the `--workflow`, if one is named."""
        if (repository := self._known_repository()) is None:
            return []
        with self.project.database.reading() as connection:
            numbers = unfinished_deployments(connection, repository, self.project.place)
        return [one for one in numbers if self.settings.workflow is None or self._is_meant(self.view(one))]

    def rows(self) -> list[EnvironmentRow]:
        """The stored environments; of the `--workflow`, if one is named."""
        return [row for row in known(self.project).rows if self._is_meant(row)]

    def _known_repository(self) -> int | None:
        """The id of our repository, if anything was ever stored of it: asking takes no lock."""
        if not self.project.has_store:
            return None
        with self.project.database.reading() as connection:
            return known_repository(connection, self.project.key)

    def environment(self, alias: str) -> EnvironmentRow:
        """The stored environment of that alias."""
        rows = self.rows()
        found = [row for row in rows if row.key == alias.casefold()]
        if len(found) > 1:
            files = ", ".join(row.file for row in found)
            raise WrongUse(f"{alias!r} is in several workflows: {files}", "say which with --workflow NAME")
        if not found:
            near = nearest(alias, [row.alias for row in rows])
            hint = f"did you mean {near!r}?" if near else "'headwater status' lists those that it knows"
            raise WrongUse(f"Headwater knows no environment called {alias!r} here", hint)
        return found[0]

    def _is_meant(self, one: EnvironmentRow | DeploymentView) -> bool:
        wanted = self.settings.workflow
        return wanted is None or wanted in (one.workflow, one.file)

    def _pass_on(self, stops: Sequence[Stop], numbers: Sequence[int], display: Display) -> None:
        for how in stops:
            people.cancel(self.project, list(numbers), how, by("cancel"))
            said = (
                "stopping gracefully; press Ctrl-C again to kill"
                if how is Stop.GRACEFULLY
                else "killing; Ctrl-C once more leaves at once"
            )
            display.remark(said)


def _beat_seconds(text: str) -> float:
    """Seconds between two signs of life of a runner; the waits are multiples of it."""
    try:
        beat = float(text)
    except ValueError:
        beat = 0.0
    if not 0.01 <= beat <= 3600:
        raise WrongUse(f"HEADWATER_BEAT_SECONDS is {text!r}", "it must be a number of seconds from 0.01 to 3600")
    return beat


def answer(settings: Globals, text: str) -> None:
    """Say something that only people are to read: machines get events, and here there were none."""
    if not settings.json:
        say(text)


def exit_code(found: Sequence[DeploymentView]) -> ExitCode:
    """What the command's exit code says of these deployments."""
    states = {view.state for view in found}
    tasks = [task.state for view in found for task in view.tasks]
    if any(state in (TaskState.FAILED, TaskState.TIMED_OUT) for state in tasks) or DeploymentState.FAILED in states:
        return ExitCode.FAILED
    if states & {DeploymentState.CANCELLED, DeploymentState.SUPERSEDED}:
        return ExitCode.CANCELLED
    if TaskState.NEEDS_APPROVAL in tasks:
        return ExitCode.WAITS
    return ExitCode.DONE


def ask(question: str) -> bool:
    """Ask on the terminal (on stderr, so that a pipe gets only the answer); no answer to be had is wrong use."""
    try:
        return click.confirm(question, default=False, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)  # the question's line is not over
        raise NotAllowed("nobody is there to be asked", "--auto-approve goes on without asking") from None
