"""What people could see when they wrote a comment, by GitHub's own times: those of its comments, and of ours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from bot.decide.facts import TaskAction
from bot.store import publications
from bot.store.asking import MAY_BE_APPROVED
from bot.store.publications import Kind, Publication
from bot.store.tables import tasks

Shown = tuple[tuple[str, str], ...]
"""GitHub's time of when something was first shown, and what: a commit, or the number of a plan."""

_MOST_COMMITS = 20
_FOLDED = (TaskAction.PLAN.value, TaskAction.PLAN_DESTROY.value)


def with_commit(shown: Shown, moment: str, commit: str) -> Shown:
    """A plan comment shows this commit now. One that comes back by force is shown anew."""
    if shown and shown[-1][1] == commit:
        return shown
    return (*shown, (moment, commit))[-_MOST_COMMITS:]


def with_plans(shown: Shown, moment: str, plans: Iterable[int]) -> Shown:
    """A comment shows these plans now."""
    known = {what for _, what in shown}
    return (*shown, *((moment, str(one)) for one in plans if str(one) not in known))


def plans_in(connection: Connection, one: Publication) -> list[int]:
    """The plans that a command's or a push's comment shows and somebody may approve, as they are now."""
    query = (
        select(tasks.c.plan_id)
        .where(
            tasks.c.deployment_id.in_(publications.deployments_of(connection, one.id)),
            tasks.c.plan_id.is_not(None),
            MAY_BE_APPROVED | tasks.c.action.in_(_FOLDED),
        )
        .order_by(tasks.c.id)
    )
    return list(connection.execute(query).scalars())


def commit_seen(connection: Connection, repository: int, number: int, written: str) -> str | None:
    """The commit that our plan comment showed when somebody wrote a comment; None if there was none yet.

    Both times are in whole seconds: what was shown in the very second of the comment, its author had not read.
    """
    found = publications.find(connection, repository, Kind.PLAN, str(number))
    before = [commit for moment, commit in (found.shown if found else ()) if moment < written]
    return before[-1] if before else None


def shown_since(connection: Connection, deployment: int) -> dict[int, float]:
    """When the plans of a deployment were first shown for approval, in seconds since the epoch, by their numbers."""
    found: dict[int, float] = {}
    for one in publications.showing(connection, deployment, (Kind.COMMAND, Kind.STORY)):
        for moment, plan in one.shown:
            if plan.isdigit():
                at = seconds(moment)
                found[int(plan)] = min(found.get(int(plan), at), at)
    return found


def seconds(moment: str) -> float:
    """A time of GitHub's in seconds since the epoch. Raises ValueError for what is none."""
    return datetime.fromisoformat(moment).timestamp()
