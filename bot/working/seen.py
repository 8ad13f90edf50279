"""What people could see when they wrote a comment, by GitHub's own times: those of its comments, and of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from bot.decide.facts import TaskAction
from bot.store import conversation, hosting, publications
from bot.store.asking import MAY_BE_APPROVED
from bot.store.hosting import PullRow
from bot.store.publications import Kind, Publication
from bot.store.tables import deployments, plans, tasks

Shown = tuple[tuple[str, str], ...]
"""GitHub's time of when something was first shown, and what: a commit, or the number of a plan."""

_MOST_COMMITS = 20
_MOST_PLANS = 5000
_SHORTEST_COMMIT = 40
_FOLDED = (TaskAction.PLAN.value, TaskAction.PLAN_DESTROY.value)
_TELLS_PLANS = (Kind.PLAN, Kind.COMMAND, Kind.STORY)
_PLANS_OF_PULL = (
    select(plans.c.id, plans.c.environment_id, plans.c.digest, plans.c.summary)
    .join(tasks, tasks.c.plan_id == plans.c.id)
    .join(deployments, tasks.c.deployment_id == deployments.c.id)
    .where(deployments.c.pull_id == bindparam("pull"))
)


def with_commit(shown: Shown, moment: str, commit: str) -> Shown:
    """A plan comment shows this commit now. One that comes back by force is shown anew."""
    commits = [what for _, what in shown if not _is_plan(what)]
    return shown if commits[-1:] == [commit] else _newest((*shown, (moment, commit)))


def with_plans(shown: Shown, moment: str, plans: Iterable[int]) -> Shown:
    """A comment shows these plans now."""
    known = {what for _, what in shown}
    return _newest((*shown, *((moment, str(one)) for one in plans if str(one) not in known)))


def _newest(shown: Shown) -> Shown:
    commits = [one for one in shown if not _is_plan(one[1])]
    plans = [one for one in shown if _is_plan(one[1])]
    kept = {*commits[-_MOST_COMMITS:], *plans[-_MOST_PLANS:]}
    return tuple(one for one in shown if one in kept)


def _is_plan(what: str) -> bool:
    return what.isdigit() and len(what) < _SHORTEST_COMMIT


def plans_in(connection: Connection, one: Publication) -> list[int]:
    """The plans that a comment shows and somebody may say yes to, as they are now."""
    if one.kind not in _TELLS_PLANS:
        return []
    shown = publications.deployments_of(connection, one.id)
    if one.kind is Kind.PLAN:  # it shows those of the newest head alone
        pull = hosting.pull(connection, one.repository, one.number or 0)
        plan = conversation.plan(connection, pull.plan) if pull is not None else None
        shown = list(plan.deployments) if plan is not None else []
    query = (
        select(tasks.c.plan_id)
        .where(
            tasks.c.deployment_id.in_(shown),
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
    shown = found.shown if found else ()
    before = [commit for moment, commit in shown if moment < written and not _is_plan(commit)]
    return before[-1] if before else None


def unread(connection: Connection, pull: PullRow, chosen: Mapping[int, int], written: float) -> frozenset[int]:
    """Of these environments, `{id: plan}`, whose plan has changes that nobody could read when something was written.

    Read is what a comment of the pull request showed by then, and every plan of the same digest.
    """
    told = publications.of_number(connection, pull.repository, pull.number, _TELLS_PLANS)
    shown = {what for one in told for moment, what in one.shown if _is_plan(what) and seconds(moment) < written}
    made = connection.execute(_PLANS_OF_PULL, {"pull": pull.id}).all()
    read = {(one.environment_id, one.digest) for one in made if str(one.id) in shown}
    new = {one.id for one in made if not one.summary.get("empty") and (one.environment_id, one.digest) not in read}
    return frozenset(environment for environment, plan in chosen.items() if plan in new)


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
