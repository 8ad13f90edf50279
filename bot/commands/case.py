"""A command as it is carried out: who wrote it where, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from bot.decide.comment import Command
from bot.decide.deeds import By
from bot.github.data import PullData
from bot.hosting.project import HostedProject
from bot.known import known
from bot.server import Server
from bot.store import conversation
from bot.store.conversation import CommandRow, CommandState, PullPlan
from bot.store.environments import EnvironmentRow
from bot.store.hosting import HostedRepository, PullRow
from bot.working.waiting import Proposal, WaitingTask, proposals, waiting_tasks


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command came to. `said`: lines for people; `answer`: Markdown of ours, for what only answers.

    `waits` goes on after "Waits"; then the command is carried out again when that may have changed. `moved` are the
    deployments of other commands that it let go on, or stopped: what stands below it in its comment waits for them.
    """

    state: CommandState
    said: tuple[str, ...] = ()
    waits: str = ""
    answer: str = ""
    moved: tuple[int, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What is read once for a command, so that nothing is done but what was judged."""

    server: Server
    project: HostedProject
    pull: PullRow

    @cached_property
    def rows(self) -> tuple[EnvironmentRow, ...]:
        """What the store knows of the repository's environments."""
        return known(self.project).rows

    @cached_property
    def waiting(self) -> Sequence[WaitingTask]:
        """What waits for approval there."""
        with self.server.database.reading() as connection:
            return waiting_tasks(connection, self.pull)

    @cached_property
    def proposals(self) -> Sequence[Proposal]:
        """What commands have shown there and ask for."""
        with self.server.database.reading() as connection:
            return proposals(connection, self.pull)

    @cached_property
    def plan(self) -> PullPlan | None:
        """The newest plans of the pull request."""
        with self.server.database.reading() as connection:
            return conversation.plan(connection, self.pull.plan)


@dataclass(frozen=True)
class Case:
    """One command on one pull request, now."""

    server: Server
    project: HostedProject
    pull: PullRow
    told: PullData
    row: CommandRow
    command: Command
    seen: Seen
    allowed: tuple[str, ...] = ()  # by which rules, once that is known

    @property
    def hosted(self) -> HostedRepository:
        """The repository."""
        return self.project.hosted

    @property
    def by(self) -> By:
        """Who wrote it, where, and what lets them."""
        number = self.pull.number
        return By(self.row.actor, f"#{number}", self.allowed, f"/{self.row.verb}", number)

    @property
    def rows(self) -> tuple[EnvironmentRow, ...]:
        """What the store knows of the repository's environments."""
        return self.seen.rows

    @property
    def waiting(self) -> Sequence[WaitingTask]:
        """What waits for approval here."""
        return self.seen.waiting

    @property
    def proposals(self) -> Sequence[Proposal]:
        """What commands have shown and ask for."""
        return self.seen.proposals

    @property
    def plan(self) -> PullPlan | None:
        """The newest plans of the pull request."""
        return self.seen.plan

    def record(self, connection: Connection, deployment: int) -> None:
        """Keep with a deployment that this command made it, so that neither is kept without the other."""
        row = conversation.command(connection, self.row.id)
        made = row.deployments if row is not None else ()
        conversation.set_command(connection, self.row.id, deployments=[*made, deployment])


Deed = Callable[[], Outcome]
"""What a command does: in the store alone, and in one transaction with what is kept of its outcome."""


def done(*said: str, moved: Sequence[int] = ()) -> Outcome:
    """Nothing is left to do."""
    return Outcome(CommandState.DONE, tuple(said), moved=tuple(moved))


def waits(why: str) -> Outcome:
    """It goes on by itself when something else has happened."""
    return Outcome(CommandState.WAITS, waits=why)


def refused(*said: str) -> Outcome:
    """It is not done, and why."""
    return Outcome(CommandState.REFUSED, tuple(said))


Answer = Mapping[str, Any]
