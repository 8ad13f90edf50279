"""Rows of what GitHub told last: its repositories and their pull requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from bot.store.declared import repository_id
from bot.store.hosted_tables import github_repositories, pulls, remote_attempts


@dataclass(frozen=True, slots=True)
class HostedRepository:
    """A repository on GitHub where the App is installed. `trouble`: why nothing can be done there now."""

    id: int
    github_id: int
    installation_id: int
    full_name: str
    default_branch: str
    clone_url: str
    html_url: str
    private: bool = True
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class PullRow:
    """A pull request as it was last seen."""

    id: int
    repository: int
    number: int
    state: str
    draft: bool
    fork: bool
    title: str
    author: str
    last_pusher: str
    head: str
    head_ref: str
    base_ref: str
    merge_commit: str | None
    html_url: str
    may_run: str | None
    given: bytes | None
    forget: tuple[str, ...]
    plan: int | None

    @property
    def open(self) -> bool:
        """Whether it is neither merged nor closed."""
        return self.state == "open"


def key_of(github_id: int) -> str:
    """What the store calls a repository on GitHub: a rename or transfer does not change it."""
    return f"github:{github_id}"


def keep_repository(connection: Connection, github_id: int, values: Mapping[str, Any]) -> HostedRepository:
    """Write down what is known of a repository now."""
    kept = repository_of(connection, github_id)
    if kept is not None and all(getattr(kept, name) == value for name, value in values.items()):
        return kept
    number = repository_id(connection, key_of(github_id))
    of_it = github_repositories.c.repository_id == number
    if not connection.execute(update(github_repositories).where(of_it).values(**values)).rowcount:
        connection.execute(insert(github_repositories).values(repository_id=number, github_id=github_id, **values))
    found = repository(connection, number)
    assert found is not None  # noqa: S101 (it was just written)
    return found


def repository(connection: Connection, number: int) -> HostedRepository | None:
    """The repository of that id of ours."""
    query = select(github_repositories).where(github_repositories.c.repository_id == number)
    row = connection.execute(query).first()
    return None if row is None else repository_in(row)


def repository_of(connection: Connection, github_id: int) -> HostedRepository | None:
    """The repository of that id of GitHub's."""
    query = select(github_repositories).where(github_repositories.c.github_id == github_id)
    row = connection.execute(query).first()
    return None if row is None else repository_in(row)


_THESE = select(github_repositories).where(github_repositories.c.github_id.in_(bindparam("github_ids", expanding=True)))


def repositories_of(connection: Connection, github_ids: Collection[int]) -> dict[int, HostedRepository]:
    """Those repositories that are known, by GitHub's ids of them."""
    rows = connection.execute(_THESE, {"github_ids": list(github_ids)})
    return {row.github_id: repository_in(row) for row in rows}


def repository_of_attempt(connection: Connection, attempt: str) -> HostedRepository | None:
    """The repository that an attempt belongs to."""
    query = (
        select(github_repositories)
        .join(remote_attempts, remote_attempts.c.repository_id == github_repositories.c.repository_id)
        .where(remote_attempts.c.attempt_id == attempt)
    )
    row = connection.execute(query).first()
    return None if row is None else repository_in(row)


def repositories(connection: Connection) -> list[HostedRepository]:
    """All repositories, also those in trouble."""
    query = select(github_repositories).order_by(github_repositories.c.repository_id)
    return [repository_in(row) for row in connection.execute(query)]


SUSPENDED = "the App was suspended"
"""The one trouble that passes: what is to be done there waits."""


def mark_trouble(
    connection: Connection, *, trouble: str, installation: int | None = None, github_id: int | None = None
) -> None:
    """Write down why nothing can be done in a repository, or in all of an installation ("" where it can again)."""
    of_it = (
        github_repositories.c.installation_id == installation
        if installation is not None
        else github_repositories.c.github_id == github_id
    )
    connection.execute(update(github_repositories).where(of_it).values(trouble=trouble))


def repository_in(row: Row[Any]) -> HostedRepository:
    """The repository in a row that has its columns."""
    return HostedRepository(
        row.repository_id,
        row.github_id,
        row.installation_id,
        row.full_name,
        row.default_branch,
        row.clone_url,
        row.html_url,
        row.private,
        row.trouble,
    )


UNKNOWN_PUSHER = "?"
"""Who pushed the head, where that was not heard of; nobody is called that."""


def keep_pull(connection: Connection, repository: int, number: int, values: Mapping[str, Any]) -> PullRow:
    """Write down what is known of a pull request now."""
    of_it = (pulls.c.repository_id == repository) & (pulls.c.number == number)
    if not connection.execute(update(pulls).where(of_it).values(**values)).rowcount:
        connection.execute(insert(pulls).values(repository_id=repository, number=number, **values))
    found = pull(connection, repository, number)
    assert found is not None  # noqa: S101 (it was just written)
    return found


def pushed(connection: Connection, repository: int, number: int, *, before: str, head: str, by: str) -> None:
    """Somebody moved the head of a pull request; a word that comes late, of a push before the last, changes nothing."""
    row = pull(connection, repository, number)
    if row is not None and row.head in (before, head):
        keep_pull(connection, repository, number, {"head": head, "last_pusher": by})


def pull(connection: Connection, repository: int, number: int) -> PullRow | None:
    """The pull request of that number."""
    query = select(pulls).where(pulls.c.repository_id == repository, pulls.c.number == number)
    row = connection.execute(query).first()
    return None if row is None else _pull(row)


def pull_by_id(connection: Connection, number: int) -> PullRow | None:
    """The pull request of that id of ours."""
    row = connection.execute(select(pulls).where(pulls.c.id == number)).first()
    return None if row is None else _pull(row)


def open_pulls(connection: Connection, repository: int) -> list[PullRow]:
    """The pull requests that were open when last seen."""
    query = select(pulls).where(pulls.c.repository_id == repository, pulls.c.state == "open").order_by(pulls.c.number)
    return [_pull(row) for row in connection.execute(query)]


def is_base(connection: Connection, repository: int, branch: str) -> bool:
    """Whether any pull request is or was to be merged into this branch."""
    mine = (pulls.c.repository_id == repository) & (pulls.c.base_ref == branch)
    return connection.execute(select(pulls.c.id).where(mine).limit(1)).first() is not None


def merged_as(connection: Connection, repository: int, commits: list[str]) -> list[PullRow]:
    """The pull requests that became one of these commits, in the order of their numbers."""
    query = (
        select(pulls)
        .where(pulls.c.repository_id == repository, pulls.c.state == "merged", pulls.c.merge_commit.in_(commits))
        .order_by(pulls.c.number)
    )
    return [_pull(row) for row in connection.execute(query)]


def _pull(row: Row[Any]) -> PullRow:
    return PullRow(
        row.id,
        row.repository_id,
        row.number,
        row.state,
        row.draft,
        row.fork,
        row.title,
        row.author,
        row.last_pusher,
        row.head,
        row.head_ref,
        row.base_ref,
        row.merge_commit,
        row.html_url,
        row.may_run,
        row.given,
        tuple(row.forget),
        row.plan_id,
    )
