"""`/restore`: put the default branch's version back."""

from __future__ import annotations

from bot.commands.base import UNLESS_MERGED, WORKFLOW, Verb
from bot.commands.case import Case, Deed, Outcome, refused
from bot.commands.choosing import meant
from bot.decide.comment import Argument, Grammar
from bot.store import locks
from bot.store.conversation import CommandState
from bot.submit import submit_plan
from bot.working.given_back import after_restoring, left
from bot.working.proposing import restoring
from bot.working.requesting import recorder


def act(case: Case) -> Outcome | Deed:
    """Plan the default branch's version of what this pull request deployed, and show it; `/approve` goes on."""
    with case.server.database.reading() as connection:
        held = meant(case.command, locks.of_pull(connection, case.pull.id))
    if not held:
        return refused("This pull request holds nothing that could be restored.")
    prepared, gone = restoring(case, held)
    said = tuple(left(gone))

    def deed() -> Outcome:
        for one in prepared:
            submit_plan(case.project, one, recorder(case))
        return Outcome(CommandState.ASKED, said=said)

    return deed if prepared else refused(*said)


def follow(case: Case) -> Outcome | Deed:
    """Once the default branch's version is deployed, the environments are free."""
    return after_restoring(case, case.row.deployments)


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
