"""Rows of what is said on pull requests: commands, the plans of each head, the stories of merges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.hosted_tables import commands, pull_plans, pulls, stories


class CommandState(StrEnum):
    """Where a command stands. `asked`: what it would do is shown, and waits for `/approve`."""

    NEW = "new"
    WAITS = "waits"
    ASKED = "asked"
    GOING = "going"
    DONE = "done"
    REFUSED = "refused"


UNFINISHED = (CommandState.NEW, CommandState.WAITS)
UNDER_WAY = (*UNFINISHED, CommandState.GOING)
LOUD = "! "
"""How a line of a story begins in its row that nobody should miss."""


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command that somebody wrote, and what became of it."""

    id: int
    repository: int
    number: int
    comment: int
    line: int
    actor: str
    verb: str
    command: Mapping[str, Any]
    seen: str | None
    state: CommandState
    waits: str
    answer: Mapping[str, Any]
    deployments: tuple[int, ...]
    created_at: float
    correlation: str


@dataclass(frozen=True, slots=True)
class PullPlan:
    """The plans of one head of a pull request.

    `cautions`: lines to be told, by deployment. `held`: the aliases whose plans wait for the workflow file.
    """

    id: int
    pull: int
    commit: str
    base: str
    deployments: tuple[int, ...]
    problems: tuple[str, ...]
    after_merge: tuple[str, ...]
    notices: tuple[str, ...]
    cautions: Mapping[str, Sequence[str]]
    held: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What a push to a branch deployed. `said` and `loud` are lines for people: `loud` what nobody should miss."""

    id: int
    repository: int
    branch: str
    commit: str
    number: int | None
    actor: str
    deployments: tuple[int, ...]
    said: tuple[str, ...]
    loud: tuple[str, ...]
    problems: tuple[str, ...]


def keep_command(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Write a command down once; False if it was there."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(commands).values(**values).on_conflict_do_nothing().returning(commands.c.id)
    return connection.execute(new).first() is not None  # (PostgreSQL's driver does not tell how many rows there are)


def set_command(connection: Connection, number: int, **values: object) -> None:
    """Write down what became of a command."""
    if isinstance(state := values.get("state"), CommandState):
        values["state"] = state.value
    connection.execute(update(commands).where(commands.c.id == number).values(**values))


def command(connection: Connection, number: int, *, lock: bool = False) -> CommandRow | None:
    """The command of that id; with `lock`, nobody else writes it down until the transaction ends."""
    query = select(commands).where(commands.c.id == number)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else from_row(row)


def commands_of(
    connection: Connection, repository: int, number: int, states: Sequence[CommandState] | None = None
) -> list[CommandRow]:
    """The commands of a pull request, in the order in which they were written."""
    query = select(commands).where(commands.c.repository_id == repository, commands.c.number == number)
    if states is not None:
        query = query.where(commands.c.state.in_([one.value for one in states]))
    return [from_row(row) for row in connection.execute(query.order_by(commands.c.comment_id, commands.c.line))]


def cancelled_since(connection: Connection, row: CommandRow) -> bool:
    """Whether a `/cancel` that was written after a command, and would have called it off, has been carried out."""
    ended = (CommandState.DONE, CommandState.REFUSED)
    return any(
        one.verb == "cancel"
        and (one.comment, one.line) > (row.comment, row.line)
        and "refusals" not in one.answer
        and one.command.get("workflow") in (None, row.command.get("workflow"))
        for one in commands_of(connection, row.repository, row.number, ended)
    )


def pulls_with(connection: Connection, repository: int, states: Sequence[CommandState]) -> list[int]:
    """The numbers of pull requests that have a command in one of these states."""
    of_it = (commands.c.repository_id == repository) & commands.c.state.in_([one.value for one in states])
    return sorted(connection.execute(select(commands.c.number).where(of_it).distinct()).scalars())


def from_row(row: Row[Any]) -> CommandRow:
    """A row of its table, as it is read."""
    return CommandRow(
        row.id,
        row.repository_id,
        row.number,
        row.comment_id,
        row.line,
        row.actor,
        row.verb,
        row.command,
        row.seen,
        CommandState(row.state),
        row.waits,
        row.answer,
        tuple(row.deployments),
        row.created_at,
        row.correlation,
    )


def add_plan(connection: Connection, pull: int, values: Mapping[str, Any]) -> int:
    """Write down the plans of a head; they are the pull request's newest."""
    key = connection.execute(insert(pull_plans).values(pull_id=pull, **values)).inserted_primary_key
    assert key is not None  # noqa: S101
    connection.execute(update(pulls).where(pulls.c.id == pull).values(plan_id=key[0]))
    number: int = key[0]
    return number


def plan(connection: Connection, number: int | None) -> PullPlan | None:
    """The plans of that id."""
    if number is None:
        return None
    row = connection.execute(select(pull_plans).where(pull_plans.c.id == number)).first()
    return None if row is None else _plan(row)


def plans_of(connection: Connection, pull: int) -> list[PullPlan]:
    """All plans of a pull request, newest first."""
    query = select(pull_plans).where(pull_plans.c.pull_id == pull).order_by(pull_plans.c.id.desc())
    return [_plan(row) for row in connection.execute(query)]


def was_planned(connection: Connection, pull: int, commit: str) -> bool:
    """Whether there is a plan of this commit of a pull request."""
    query = select(pull_plans.c.id).where(pull_plans.c.pull_id == pull, pull_plans.c.commit == commit)
    return connection.execute(query.limit(1)).first() is not None


def pulls_held(connection: Connection, repository: int) -> list[int]:
    """The numbers of open pull requests whose newest plans wait for the workflow file."""
    query = (
        select(pulls.c.number, pull_plans.c.held)
        .join(pull_plans, pull_plans.c.id == pulls.c.plan_id)
        .where(pulls.c.repository_id == repository, pulls.c.state == "open")
    )
    return sorted(row.number for row in connection.execute(query) if row.held)


def _plan(row: Row[Any]) -> PullPlan:
    return PullPlan(
        row.id,
        row.pull_id,
        row.commit,
        row.base,
        tuple(row.deployments),
        tuple(row.problems),
        tuple(row.after_merge),
        tuple(row.notices),
        row.cautions,
        tuple(row.held or ()),
    )


def keep_story(connection: Connection, repository: int, branch: str, commit: str, values: Mapping[str, Any]) -> Story:
    """Write down what a push deployed."""
    of_it = (stories.c.repository_id == repository) & (stories.c.branch == branch) & (stories.c.commit == commit)
    if not connection.execute(update(stories).where(of_it).values(**values)).rowcount:
        connection.execute(insert(stories).values(repository_id=repository, branch=branch, commit=commit, **values))
    return _story(connection.execute(select(stories).where(of_it)).one())


def story(connection: Connection, number: int) -> Story | None:
    """The story of that id."""
    row = connection.execute(select(stories).where(stories.c.id == number)).first()
    return None if row is None else _story(row)


def story_at(connection: Connection, repository: int, branch: str, commit: str, *, lock: bool = False) -> Story | None:
    """The story of a branch at a commit; with `lock`, nobody else writes it down until the transaction ends."""
    of_branch = (stories.c.repository_id == repository) & (stories.c.branch == branch)
    query = select(stories).where(of_branch, stories.c.commit == commit)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _story(row)


def story_before(connection: Connection, repository: int, branch: str, commit: str) -> Story | None:
    """The newest story of a branch at another commit than this one, of those that came before it."""
    of_branch = (stories.c.repository_id == repository) & (stories.c.branch == branch)
    here = select(stories.c.id).where(of_branch, stories.c.commit == commit).scalar_subquery()
    query = (
        select(stories)
        .where(of_branch, stories.c.commit != commit, here.is_(None) | (stories.c.id < here))
        .order_by(stories.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else _story(row)


def story_with(connection: Connection, repository: int, number: int, deployment: int) -> Story | None:
    """The story on a pull request that tells this deployment."""
    told = stories_of(connection, repository, number)
    return next((one for one in told if deployment in one.deployments), None)


def add_to_story(connection: Connection, story: Story, deployment: int) -> None:
    """Have a story tell one more deployment, beside all that it tells by now."""
    told = select(stories.c.deployments).where(stories.c.id == story.id).with_for_update()
    numbers = sorted({*connection.execute(told).scalar_one(), deployment})
    connection.execute(update(stories).where(stories.c.id == story.id).values(deployments=numbers))


def branches_with_stories(connection: Connection, repository: int) -> list[str]:
    """The branches that were deployed from."""
    query = select(stories.c.branch).where(stories.c.repository_id == repository).distinct()
    return sorted(connection.execute(query).scalars())


def stories_of(connection: Connection, repository: int, number: int) -> list[Story]:
    """The stories that are told on a pull request."""
    query = select(stories).where(stories.c.repository_id == repository, stories.c.number == number)
    return [_story(row) for row in connection.execute(query.order_by(stories.c.id))]


def _story(row: Row[Any]) -> Story:
    return Story(
        row.id,
        row.repository_id,
        row.branch,
        row.commit,
        row.number,
        row.actor,
        tuple(row.deployments),
        tuple(one for one in row.said if not one.startswith(LOUD)),
        tuple(one.removeprefix(LOUD) for one in row.said if one.startswith(LOUD)),
        tuple(row.problems),
    )
