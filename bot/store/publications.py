"""Rows of what is posted on GitHub: comments and checks, each made once and edited in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, false, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.decide.transitions import ACTIVE, TaskState
from bot.store import work
from bot.store.hosted_tables import publications, pulls, shows
from bot.store.tables import restores, tasks

KIND = "publish"
_LONGEST_FIRST_WAIT = 60.0


class Kind(StrEnum):
    """What is posted. The key of each says of what: a pull request, a command, a story, a deployment."""

    PLAN = "plan"  # the plan comment of a pull request
    COMMAND = "command"
    STORY = "story"
    LAST_WORD = "last-word"  # of a push, where the App may write on a commit and may not edit that: written once
    OFF_MAIN = "off-main"  # what a pull request closed unmerged still holds
    HEAD_CHECK = "head-check"  # the one that is always there
    PLAN_CHECK = "plan-check"
    DEPLOY_CHECK = "deploy-check"
    STORY_CHECK = "story-check"
    DEPLOYED_CHECK = "deployed-check"  # of all workflows, where the base branch demands it before a merge
    MERGE_GROUP = "merge-group"
    MERGE_GROUP_DEPLOYED = "merge-group-deployed"


@dataclass(frozen=True, slots=True)
class Publication:
    """Something that is posted, or is to be.

    `trying`: it may have been made without our hearing of it. `digest`: of what is posted; "" where it is to be told.
    """

    id: int
    repository: int
    kind: Kind
    key: str
    number: int | None
    sha: str | None
    github_id: int | None
    trying: bool
    digest: str
    posted_at: float | None
    edits: tuple[float, ...]
    not_before: float | None  # the next edit; seconds since the epoch, as all times
    shown: tuple[tuple[str, str], ...]  # [GitHub's time, what was shown from then on], see bot/working/seen.py


_WHEN = (publications.c.id, publications.c.repository_id, publications.c.posted_at, publications.c.not_before)
_SHOWING = (
    select(*_WHEN)
    .join(shows, shows.c.publication_id == publications.c.id)
    .where(shows.c.deployment_id == bindparam("deployment"))
)
_WORKED_ON = select(tasks.c.environment_id).where(
    tasks.c.deployment_id == bindparam("deployment"), tasks.c.started_at.is_not(None)
)
_PLANNING = (
    select(*_WHEN)
    .distinct()
    .join(pulls, pulls.c.repository_id == publications.c.repository_id)
    .join(shows, shows.c.publication_id == publications.c.id)
    .join(tasks, tasks.c.deployment_id == shows.c.deployment_id)
    .where(
        pulls.c.number == publications.c.number,
        pulls.c.state == "open",
        publications.c.kind == Kind.PLAN.value,
        tasks.c.environment_id.in_(_WORKED_ON),
    )
)
_AT_WORK = (
    select(tasks.c.id)
    .join(shows, shows.c.deployment_id == tasks.c.deployment_id)
    .where(
        shows.c.publication_id == bindparam("publication"),
        tasks.c.state.in_([one.value for one in (*ACTIVE, TaskState.READY)]),
    )
    .limit(1)
)


def want(
    connection: Connection,
    repository: int,
    kind: Kind,
    key: str,
    now: float,
    *,
    number: int | None = None,
    sha: str | None = None,
    deployments: Iterable[int] = (),
    wait: float = 0.0,
) -> int:
    """Have something posted, or what is posted brought up to date, also when these deployments move on; its id.

    What is new is posted after `wait` seconds.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"number": number, "sha": sha}
    forgotten = exists().where(restores.c.restored_at.is_not(None)) if kind is Kind.PLAN else false()
    new = dialect.insert(publications).values(
        repository_id=repository, kind=kind.value, key=key, trying=forgotten, not_before=now + wait, **values
    )
    given = {name: value for name, value in values.items() if value is not None} or {"key": key}
    connection.execute(new.on_conflict_do_update(index_elements=["repository_id", "kind", "key"], set_=given))
    of_it = (
        (publications.c.repository_id == repository) & (publications.c.kind == kind.value) & (publications.c.key == key)
    )
    number_of_it: int = connection.execute(select(publications.c.id).where(of_it)).scalar_one()
    for one in deployments:
        link = dialect.insert(shows).values(publication_id=number_of_it, deployment_id=one)
        connection.execute(link.on_conflict_do_nothing())
    work.request(connection, KIND, str(number_of_it), now + wait, now, lane=_lane(repository))
    return number_of_it


def refresh(connection: Connection, deployment: int, now: float) -> None:
    """Have everything brought up to date that shows this deployment, as soon as it may be edited."""
    _request(connection, connection.execute(_SHOWING, {"deployment": deployment}), now)


def refresh_plans_of_the_same(connection: Connection, deployment: int, now: float) -> None:
    """Have the plan comments of open pull requests brought up to date that plan what this deployment worked on."""
    _request(connection, connection.execute(_PLANNING, {"deployment": deployment}), now)


def take_up(connection: Connection, repository: int, now: float) -> None:
    """Have everything told that is not, or not as it stands: nothing else asks for what was left out of reach."""
    left = select(*_WHEN).where(publications.c.repository_id == repository, publications.c.digest == "")
    _request(connection, connection.execute(left), now)


def _request(connection: Connection, rows: Iterable[Row[*tuple[Any, ...]]], now: float) -> None:
    due: dict[tuple[float, str], list[str]] = {}
    for row in rows:
        moment = soonest(row.posted_at, row.not_before, now)
        due.setdefault((moment, _lane(row.repository_id)), []).append(str(row.id))
    for (moment, lane), keys in due.items():
        work.request_all(connection, KIND, keys, moment, now, lane=lane)


def _lane(repository: int) -> str:
    return f"posts:{repository}"


def soonest(posted_at: float | None, not_before: float | None, now: float) -> float:
    """When something may be posted, or edited: by a clock that went back since, at once."""
    turned_back = now < posted_at if posted_at is not None else (not_before or now) > now + _LONGEST_FIRST_WAIT
    return now if not_before is None or turned_back else max(now, not_before)


def tell_again(connection: Connection, repository: int, sha: str, now: float) -> None:
    """Have the checks of a commit posted once more, also where they say what they said before."""
    of_it = (publications.c.repository_id == repository) & (publications.c.sha == sha)
    connection.execute(update(publications).where(of_it).values(digest=""))
    for number in connection.execute(select(publications.c.id).where(of_it)).scalars().all():
        work.request(connection, KIND, str(number), now, now, lane=_lane(repository))


def deployments_of(connection: Connection, number: int) -> list[int]:
    """The deployments that a publication shows, oldest first."""
    query = select(shows.c.deployment_id).where(shows.c.publication_id == number).order_by(shows.c.deployment_id)
    return list(connection.execute(query).scalars())


def at_work(connection: Connection, number: int) -> bool:
    """Whether a publication shows jobs that are at work or about to be."""
    return connection.execute(_AT_WORK, {"publication": number}).first() is not None


def showing(connection: Connection, deployment: int, kinds: Iterable[Kind]) -> list[Publication]:
    """The publications of these kinds that show a deployment."""
    query = (
        select(publications)
        .join(shows, shows.c.publication_id == publications.c.id)
        .where(shows.c.deployment_id == deployment, publications.c.kind.in_([one.value for one in kinds]))
        .order_by(publications.c.id)
    )
    return [_publication(row) for row in connection.execute(query)]


def of_number(connection: Connection, repository: int, number: int, kinds: Iterable[Kind]) -> list[Publication]:
    """The publications of these kinds on a pull request."""
    query = select(publications).where(
        publications.c.repository_id == repository,
        publications.c.number == number,
        publications.c.kind.in_([one.value for one in kinds]),
    )
    return [_publication(row) for row in connection.execute(query)]


def answered_before(connection: Connection, one: Publication) -> bool:
    """Whether the answer to an earlier command of the same pull request is about to be posted (and was not refused)."""
    earlier = select(publications.c.id).where(
        publications.c.repository_id == one.repository,
        publications.c.kind == one.kind.value,
        publications.c.number == one.number,
        publications.c.id < one.id,
        publications.c.github_id.is_(None),
    )
    keys = [str(number) for number in connection.execute(earlier).scalars()]
    return bool(keys) and work.fresh(connection, KIND, keys)


def read(connection: Connection, number: int) -> Publication | None:
    """The publication of that id."""
    row = connection.execute(select(publications).where(publications.c.id == number)).first()
    return None if row is None else _publication(row)


def find(connection: Connection, repository: int, kind: Kind, key: str) -> Publication | None:
    """The publication of that key."""
    query = select(publications).where(
        publications.c.repository_id == repository, publications.c.kind == kind.value, publications.c.key == key
    )
    row = connection.execute(query).first()
    return None if row is None else _publication(row)


def has_kind(connection: Connection, repository: int, kind: Kind) -> bool:
    """Whether anything of that kind was ever posted in a repository."""
    of_it = (publications.c.repository_id == repository) & (publications.c.kind == kind.value)
    return connection.execute(select(publications.c.id).where(of_it).limit(1)).first() is not None


def write(connection: Connection, number: int, values: Mapping[str, Any]) -> None:
    """Write down what was posted."""
    connection.execute(update(publications).where(publications.c.id == number).values(**values))


def posted(connection: Connection, one: Publication, values: Mapping[str, Any], now: float) -> None:
    """Write down what was posted, as long as it stands as it was read.

    Else another worker has posted it, or somebody wants it told again: nobody knows which of two came last, so it is
    posted once more.
    """
    as_read = (publications.c.digest == one.digest) & publications.c.posted_at.is_not_distinct_from(one.posted_at)
    query = update(publications).where(publications.c.id == one.id, as_read)
    if connection.execute(query.values(**values)).rowcount:
        return
    kept = func.coalesce(publications.c.github_id, values["github_id"])
    again = {"digest": "", "github_id": kept, "trying": False}
    write(connection, one.id, {**again, "edits": values["edits"], "not_before": values["not_before"]})
    work.request(connection, KIND, str(one.id), values["not_before"], now, lane=_lane(one.repository))


def _publication(row: Row[Any]) -> Publication:
    return Publication(
        row.id,
        row.repository_id,
        Kind(row.kind),
        row.key,
        row.number,
        row.sha,
        row.github_id,
        row.trying,
        row.digest,
        row.posted_at,
        tuple(row.edits),
        row.not_before,
        tuple((moment, commit) for moment, commit in row.shown),
    )
