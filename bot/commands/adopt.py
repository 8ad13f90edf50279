"""`/adopt`: take over what exists already."""

from __future__ import annotations

from bot.commands.base import FROM, ONLY, WHILE_OPEN, WORKFLOW, Verb
from bot.commands.case import Case, Deed, Outcome, done
from bot.decide.comment import Argument, Grammar
from bot.prepare import prepare
from bot.request import Aim
from bot.submit import submit
from bot.working.requesting import recorder, refuse_locked, request


def act(case: Case) -> Outcome | Deed:
    """Plan what was never deployed; what plans no change is recorded as deployed."""
    found = prepare(case.project, request(case, Aim.ADOPT))
    prepared = [one for one in found if one.order]
    busy = [f"`{alias}`: left alone, since a deploy of it is under way" for one in found for alias in one.busy]
    if not prepared:
        return done(*(busy or ["Nothing to adopt: every environment is deployed."]))
    refuse_locked(case, prepared)

    def deed() -> Outcome:
        for one in prepared:
            submit(case.project, one, {}, auto_approve=False, also=recorder(case))
        return done(*busy)

    return deed


VERB = Verb(
    Grammar(
        verb="adopt",
        summary="Record as deployed what exists already and plans no change",
        usage=("/adopt [ENV…] [--only | --from ALIAS] [--workflow NAME]",),
        argument=Argument.ENVIRONMENTS,
        options=(ONLY, FROM, WORKFLOW),
        examples=(("/adopt", "all that Headwater never deployed; what would change is listed and left as it is"),),
        where=WHILE_OPEN,
    ),
    act=act,
)
