"""Bringing what is posted on GitHub to what the store says: made once, edited in place, seldom enough."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection

from bot import correlation
from bot.github.errors import NotInstalled
from bot.github.limits import Priority
from bot.hosting.project import HostedProject
from bot.server import Server
from bot.store import conversation, deliveries, hosting, publications
from bot.store.hosting import HostedRepository
from bot.store.publications import Kind, Publication
from bot.working import before_merge, check_contents, comment_contents
from bot.working.places import hosted_by_id
from bot.working.posting import Content, post
from bot.working.seen import plans_in, with_commit, with_plans

_COMMENTS = frozenset({Kind.PLAN, Kind.COMMAND, Kind.STORY, Kind.LAST_WORD, Kind.OFF_MAIN})
_AWAITED = frozenset(
    {Kind.COMMAND, Kind.STORY, Kind.LAST_WORD, Kind.OFF_MAIN, Kind.MERGE_GROUP, Kind.MERGE_GROUP_DEPLOYED}
)
_TURN_SECONDS = 0.1
_SLOWING = 200
"""Each edit of the last minute holds progress back by this over `most` squared: it takes three of four edits."""
_CHECKS_APART = 3
"""Checks are looked at less than comments: so many times as far apart are their changes."""


def publish(server: Server, key: str) -> float | None:
    """Post one thing, or bring it up to date; seconds until it may be edited, where it was edited too lately."""
    with server.database.reading() as connection:
        one = publications.read(connection, int(key))
    if one is None:
        return None
    hosted = hosted_by_id(server, one.repository)
    if hosted is None:
        _leave(server, one)
        return None
    try:
        return _bring_up_to_date(server, hosted, one)
    except NotInstalled:
        _leave(server, one)
        raise


def _leave(server: Server, one: Publication) -> None:
    """It is out of reach: the sweep that finds it within reach again has it told."""
    with server.database.writing() as connection:
        publications.write(connection, one.id, {"digest": ""})


def _bring_up_to_date(server: Server, hosted: HostedRepository, one: Publication) -> float | None:
    now = time.time()
    wait = max(publications.soonest(one.posted_at, one.not_before, now) - now, _turn(server, one))
    if wait > 0:
        return wait
    project = server.project(hosted)
    with server.database.reading() as connection:
        commit = _commit_shown(connection, one)
        plans = plans_in(connection, one)
        progress = _is_progress(connection, one, commit, plans)
        wait = progress_from(one.edits, now, server.settings.edits_a_minute) - now if progress else 0.0
        content = _CONTENT[one.kind](connection, project, one) if wait <= 0 else None
    if wait > 0:
        _rest(server, one, now)
        return wait
    digest = _digest(content, plans)
    if content is None:
        _rest(server, one, now, digest=digest)
        return None
    if digest == one.digest and one.github_id is not None:
        _rest(server, one, now)
        return None
    client = server.client(hosted).at(_priority(one, commit, plans))
    posted, moment = post(server, client, one, content)
    now = time.time()
    edits, not_before = after_edit(one.edits, now, _apart(server, one), server.settings.edits_a_minute)
    values: dict[str, object] = {
        "github_id": posted,
        "trying": False,
        "digest": digest,
        "posted_at": now,
        "edits": edits,
        "not_before": not_before,
    }
    shown = with_commit(one.shown, moment, commit) if commit is not None else one.shown
    if (shown := with_plans(shown, moment, plans)) != one.shown:
        values["shown"] = shown
    with server.database.writing() as connection:
        publications.posted(connection, one, values, now)
        began = deliveries.received(connection, correlation.current()) if _is_first(one) else None
    if began is not None:
        server.metrics.first_comment(one.kind.value, now - began)
    return None


def _rest(server: Server, one: Publication, now: float, **told: object) -> None:
    """Leave it for a while: else it would be made anew, in vain, whenever anything moves."""
    with server.database.writing() as connection:
        publications.write(connection, one.id, {"not_before": now + _apart(server, one), **told})


def _is_first(one: Publication) -> bool:
    """Whether a comment is posted that was never there."""
    return one.posted_at is None and one.kind in _COMMENTS and one.kind is not Kind.LAST_WORD  # that comes at the end


def _priority(one: Publication, commit: str | None, plans: Sequence[int]) -> Priority:
    """An answer is awaited, and so is a plan that nobody may approve before it is shown; the rest can wait a little."""
    if not _is_new(one, commit, plans):
        return Priority.COSMETIC
    return Priority.COMMAND if one.kind in _AWAITED else Priority.PLAN


def _is_new(one: Publication, commit: str | None, plans: Sequence[int]) -> bool:
    """Whether it will show what it never did: itself, a commit, or a plan."""
    shown = {what for _, what in one.shown}
    return (
        one.github_id is None
        or (commit is not None and commit not in shown)
        or any(str(plan) not in shown for plan in plans)
    )


def _is_progress(connection: Connection, one: Publication, commit: str | None, plans: Sequence[int]) -> bool:
    """Whether it only says how far jobs are. (The plans of a pull request count as new once all of them are there.)"""
    if _is_new(one, commit, () if one.kind is Kind.PLAN else plans):
        return False
    return publications.at_work(connection, one.id)


def _turn(server: Server, one: Publication) -> float:
    """For how many seconds the answer to a command lets those to the commands before it come first."""
    if one.kind is not Kind.COMMAND or one.github_id is not None:
        return 0.0
    with server.database.reading() as connection:
        return _TURN_SECONDS if publications.answered_before(connection, one) else 0.0


def after_edit(edits: Sequence[float], now: float, apart: float, most: int) -> tuple[list[float], float]:
    """The edits of the last minute once one is made now, oldest first, and when the next may be.

    They are so many seconds apart at least, and so many in a minute at most.
    """
    lately = [*(at for at in edits if now - 60 < at <= now), now]
    return lately, max(now + apart, lately[-most] + 60 if len(lately) >= most else now)


def progress_from(edits: Sequence[float], now: float, most: int) -> float:
    """From when on progress may be told: the more edits there were lately, the later, so that news never waits long."""
    lately = [at for at in edits if now - 60 < at <= now]
    return lately[-1] + min(_SLOWING * len(lately) / most**2, 60) if lately else now


def _apart(server: Server, one: Publication) -> float:
    return server.settings.edit_seconds * (1 if one.kind in _COMMENTS else _CHECKS_APART)


def _digest(content: Content | None, plans: Sequence[int]) -> str:
    """Of what is posted. A new plan counts also where it reads as the one before: it is one that may be approved."""
    return hashlib.sha256(repr((content, *plans)).encode(errors="replace")).hexdigest()


def _commit_shown(connection: Connection, one: Publication) -> str | None:
    """The commit that people see once this is posted, where it is a plan comment."""
    if one.kind not in (Kind.PLAN, Kind.HEAD_CHECK):
        return None
    pull = hosting.pull(connection, one.repository, one.number or 0)
    plan = conversation.plan(connection, pull.plan) if pull is not None else None
    return plan.commit if plan is not None and not plan.held else None


_CONTENT: Mapping[Kind, Callable[[Connection, HostedProject, Publication], Content | None]] = {
    Kind.PLAN: comment_contents.plan,
    Kind.COMMAND: comment_contents.command,
    Kind.STORY: comment_contents.story,
    Kind.LAST_WORD: comment_contents.last_word,
    Kind.OFF_MAIN: comment_contents.off_main,
    Kind.HEAD_CHECK: check_contents.head_check,
    Kind.PLAN_CHECK: check_contents.plan_check,
    Kind.DEPLOY_CHECK: check_contents.deploy_check,
    Kind.STORY_CHECK: check_contents.story_check,
    Kind.DEPLOYED_CHECK: before_merge.content,
    Kind.MERGE_GROUP: check_contents.merge_group,
    Kind.MERGE_GROUP_DEPLOYED: check_contents.merge_group,
}
