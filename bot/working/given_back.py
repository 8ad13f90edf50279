"""The end of a `/restore`, at once or by a `/retry`: what is as on the default branch again is free."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from bot.commands.case import Case, Deed, Outcome, done
from bot.commands.choosing import meant
from bot.decide.transitions import TaskState
from bot.store import conversation, deployments, locks
from bot.store.conversation import CommandState
from bot.store.locks import Lock
from bot.working.ending import freed
from bot.working.proposing import on_default_branch
from bot.working.requesting import succeeded


def after_restoring(case: Case, all_of_it: Collection[int]) -> Outcome | Deed:
    """Once those of the command have succeeded, free what these deployments of a `/restore` did last."""
    done_well = succeeded(case, [one for one in case.row.deployments if one in all_of_it])
    if done_well is None:
        return Outcome(CommandState.GOING)
    if not done_well:
        with case.server.database.reading() as connection:
            if not locks.of_pull(connection, case.pull.id):
                return done("What it held was unlocked before all of it was restored.")
        return done("Not all of it succeeded, and so nothing was freed.")
    there, head = on_default_branch(case), case.project.default_head
    restored = {
        row.id: row.commit
        for row in case.rows
        if row.deployment in all_of_it and row.facts.state is TaskState.SUCCEEDED
    }
    return partial(_free, case, there.keys(), restored, head)


def _free(case: Case, there: Collection[int], restored: Mapping[int, str | None], head: str | None) -> Outcome:
    now = time.time()
    with case.server.database.writing() as connection:
        mine = meant(case.command, locks.of_pull(connection, case.pull.id))
        gone = [one for one in mine if one.environment not in there]
        held = [
            one for one in mine if one.environment in there and one.environment in restored
        ]  # the rest was deployed since
        by = replace(case.by, allowed=("the default branch's version is deployed",))
        locks.release(connection, case.pull.id, by, now, [one.environment for one in held])
        freed(connection, case.hosted, [case.pull.number], now)
    return done(*(_restored(one, restored[one.environment], head) for one in held), *left(gone))


def _restored(one: Lock, commit: str | None, head: str | None) -> str:
    """What is told of something that is free; the default branch may have moved since it was shown."""
    at = "" if commit in (None, head) else f" at {str(commit)[:7]}"
    return f"`{one.alias}`: as on the default branch{at}, and free"


def left(gone: Collection[Lock]) -> list[str]:
    """What is told of that which the default branch does not have."""
    mend = "not on the default branch; /destroy it from a pull request, or /unlock it"
    return [f"`{one.alias}`: {mend}" for one in gone]


def restores(connection: Connection, case: Case, numbers: Collection[int]) -> set[int]:
    """The deployments of the `/restore` that these belong to or try again, with all that tries it again; else none."""
    asked = conversation.commands_of(connection, case.pull.repository, case.pull.number)
    found: set[int] = set()
    for number in numbers:
        chain = _tried_again(connection, number)
        for one in asked:
            if one.verb == "restore" and chain & set(one.deployments):
                found |= chain | set(one.deployments)
    return found


def _tried_again(connection: Connection, number: int) -> set[int]:
    """A deployment, the one that it tries again, and so on."""
    chain: set[int] = set()
    earlier: int | None = number
    while earlier is not None:
        chain.add(earlier)
        told = deployments.flags(connection, earlier)
        earlier = told.retry_of if told is not None else None
    return chain
