"""`/restore`: put the default branch's version back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from bot.commands.base import UNLESS_MERGED, WORKFLOW, Verb
from bot.commands.case import Case, Outcome, done, refused
from bot.commands.choosing import meant
from bot.decide.comment import Argument, Grammar
from bot.store import locks
from bot.store.conversation import CommandState
from bot.store.locks import Lock
from bot.submit import submit_plan
from bot.working.ending import freed
from bot.working.proposing import on_default_branch, restoring
from bot.working.requesting import recorder, succeeded


def act(case: Case) -> Outcome:
    """Plan the default branch's version of what this pull request deployed, and show it; `/approve` goes on."""
    with case.server.database.reading() as connection:
        held = meant(case.command, locks.of_pull(connection, case.pull.id))
    if not held:
        return refused("This pull request holds nothing that could be restored.")
    prepared, gone = restoring(case, held)
    if not case.row.deployments:
        for one in prepared:
            submit_plan(case.project, one, recorder(case))
    said = tuple(_left(gone))
    return Outcome(CommandState.ASKED, said=said) if prepared else refused(*said)


def follow(case: Case) -> Outcome:
    """Once the default branch's version is deployed, the environments are free."""
    done_well = succeeded(case, case.row.deployments)
    if done_well is None:
        return Outcome(CommandState.GOING)
    if not done_well:
        with case.server.database.reading() as connection:
            if not locks.of_pull(connection, case.pull.id):
                return done("What it held was unlocked before all of it was restored.")
        return done(
            "Not all of it succeeded: this pull request still holds its environments. /retry, or /restore again."
        )
    now = time.time()
    with case.server.database.writing() as connection:
        mine = meant(case.command, locks.of_pull(connection, case.pull.id))
        there, gone = on_default_branch(case, mine)
        restored = {row.id for row in case.rows if row.deployment in case.row.deployments}
        held = [one for one in there if one.environment in restored]  # the rest was deployed from here meanwhile
        by = replace(case.by, allowed=("the default branch's version is deployed",))
        locks.release(connection, case.pull.id, by, now, [one.environment for one in held])
        freed(connection, case.hosted, [case.pull.number], now)
    return done(*(f"`{one.alias}`: as on the default branch, and free" for one in held), *_left(gone))


def _left(gone: Sequence[Lock]) -> list[str]:
    """What is told of that which the default branch does not have."""
    mend = "not on the default branch; /destroy it from a pull request, or /unlock it"
    return [f"`{one.alias}`: {mend}" for one in gone]


VERB = Verb(
    Grammar(
        verb="restore",
        summary="Deploy the default branch's version over what this pull request deployed",
        usage=("/restore [ENV…] [--workflow NAME]",),
        argument=Argument.ENVIRONMENTS,
        options=(WORKFLOW,),
        examples=(("/restore", "all that this pull request holds"),),
        more="It plans first, and deploys after `/approve`. Then the environments are free again.",
        where=UNLESS_MERGED,
    ),
    act=act,
    follow=follow,
)
