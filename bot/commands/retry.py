"""`/retry`: run again what did not succeed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from bot import people
from bot.commands.base import WORKFLOW, Verb
from bot.commands.case import Case, Deed, Outcome, done, refused, waits
from bot.decide.comment import Grammar, Option
from bot.decide.transitions import FINISHED, TaskState
from bot.preparing.situation import Prepared
from bot.retrying import after_another, prepare_retry
from bot.store import conversation, deployments, publications
from bot.store.conversation import CommandState
from bot.store.environments import EnvironmentRow, environment_rows
from bot.store.publications import Kind
from bot.submit import Planned, shown_in, submit
from bot.working.given_back import after_restoring, restores
from bot.working.requesting import recorder
from bot.working.waiting import of_pull


def act(case: Case) -> Outcome | Deed:
    """Run again what did not succeed of what was asked for here, at its commit."""
    rows = [row for row in _of_it(case) if case.command.workflow in (None, row.workflow, row.file)]
    lost = [row for row in rows if row.facts.state is TaskState.LOST]
    if lost and not case.command.force:
        names = ", ".join(f"`{row.alias}`" for row in lost)
        mend = "An admin who is sure that it has ended may write `/retry --force`."
        return refused(f"{names}: lost, and perhaps still at work. {mend}")
    if lost:
        return partial(_give_up, case, lost)
    failed = people.failed_deployments(rows)
    if not failed:
        again = " To plan again, write `/plan`." if case.pull.open else ""
        return refused(f"Nothing that was deployed or destroyed from here has failed.{again}")
    with case.server.database.reading() as connection:
        needed = people.needed(connection, [row for broken in failed.values() for row in broken])
    if above := _at_work(case.rows, needed):
        return waits(f"until {', '.join(above)} has ended: what failed needs it")
    later = after_another(failed, needed)
    ready = [
        one
        for number, broken in sorted(failed.items())
        if (now := [row for row in broken if row.id not in later])
        for one in _again(case, number, now)
    ]
    said = tuple(f"`{one}` is left: write `/retry` again once what it needs is there." for one in later.values())
    return partial(_begin, case, ready, said)


def _give_up(case: Case, lost: Iterable[EnvironmentRow]) -> Outcome:
    for row in lost:
        people.give_up(case.project, row, case.by)
    return waits("until what was lost has ended")


def _begin(case: Case, ready: Iterable[_Ready], said: tuple[str, ...]) -> Outcome:
    """What is tried again of a `/restore` frees environments when it has succeeded; else nothing is left to do."""
    with case.server.database.writing() as connection:
        made = [
            submit(case.project, one.prepared, one.shown, auto_approve=False, also=partial(_also, case, one.number))
            for one in ready
        ]
        going = restores(connection, case, made)
    return Outcome(CommandState.GOING, said) if going else done(*said)


def follow(case: Case) -> Outcome | Deed:
    """What was restored is free now, as it is after the `/restore` itself."""
    with case.server.database.reading() as connection:
        all_of_it = restores(connection, case, case.row.deployments)
    found = after_restoring(case, all_of_it)
    said = tuple(case.row.answer.get("said", ()))
    if isinstance(found, Outcome):
        return replace(found, said=(*said, *found.said))

    def deed() -> Outcome:
        outcome = found()
        return replace(outcome, said=(*said, *outcome.said))

    return deed


def _of_it(case: Case) -> list[EnvironmentRow]:
    """What was last worked on from here; what was called off elsewhere since then is no work."""
    with case.server.database.reading() as connection:
        here = set(of_pull(connection, case.pull))
        rows = environment_rows(connection, case.hosted.id, here)
    return [row for row in rows if row.deployment in here]


def _at_work(rows: Iterable[EnvironmentRow], needed: Mapping[int, set[int]]) -> list[str]:
    """What has not ended of what is needed: if it fails too, it is to be run again first."""
    wanted = {upstream for above in needed.values() for upstream in above}
    return [
        row.alias
        for row in rows
        if row.id in wanted and row.facts.state is not None and row.facts.state not in FINISHED
    ]


@dataclass(frozen=True, slots=True)
class _Ready:
    """What of one deployment is tried again, and what was shown of it."""

    number: int
    prepared: Prepared
    shown: Mapping[int, Planned]


def _again(case: Case, number: int, broken: list[EnvironmentRow]) -> list[_Ready]:
    with case.server.database.reading() as connection:
        told = deployments.flags(connection, number)
    if told is None:
        return []
    shown = shown_in(case.project, number)
    found = prepare_retry(
        case.project, number, broken, by=case.by, jobs=case.server.settings.jobs, force=case.command.force
    )
    requests = [replace(one.request, pull=told.pull, continuous=told.continuous, retry_of=number) for one in found]
    return [_Ready(number, replace(one, request=request), shown) for one, request in zip(found, requests, strict=True)]


def _also(case: Case, number: int, connection: Connection, again: int) -> None:
    recorder(case, judged_at=0.0)(connection, again)  # its reviews were judged for what it tries again
    publications.refresh(connection, number, time.time())
    _told_in_its_story(connection, case, number, again)


def _told_in_its_story(connection: Connection, case: Case, number: int, again: int) -> None:
    """What is tried again after a merge belongs to the story of that merge."""
    story = conversation.story_with(connection, case.hosted.id, case.pull.number, number)
    if story is None:
        return
    conversation.add_to_story(connection, story, again)
    for kind in (Kind.STORY, Kind.STORY_CHECK):
        publications.want(connection, case.hosted.id, kind, str(story.id), time.time(), deployments=[again])


VERB = Verb(
    Grammar(
        verb="retry",
        summary="Run again what failed, and what that blocked, at the same commit",
        usage=("/retry [--workflow NAME] [--force]",),
        options=(
            WORKFLOW,
            (
                Option.FORCE,
                "Take lost attempts for ended, and destroy what something deployed needs by now. Make sure first. "
                "For admins.",
            ),
        ),
        examples=(("/retry", "nothing that succeeded runs twice"),),
        more=(
            "To deploy a mend that you have pushed, write `/deploy`. While something is at work that what failed "
            "needs, `/retry` waits for its end, and runs it again too if it fails."
        ),
    ),
    act=act,
    follow=follow,
)
