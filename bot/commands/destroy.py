"""`/destroy`: destroy environments, what needs others first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.commands.base import FROM, WHILE_OPEN, WORKFLOW, Verb
from bot.commands.case import Case, Deed, Outcome, done, refused
from bot.decide.comment import Argument, Grammar, Option
from bot.errors import NotAllowed
from bot.prepare import prepare
from bot.preparing.situation import Prepared
from bot.render.markdown import typed
from bot.request import Aim
from bot.store.conversation import CommandState
from bot.submit import submit_plan
from bot.working.pulling import PLAN_JOBS
from bot.working.requesting import recorder, refuse_locked, request


def act(case: Case) -> Outcome | Deed:
    """Plan the destroy and show it; `/approve` goes on."""
    command = case.command
    asked = request(case, Aim.DESTROY, jobs=PLAN_JOBS, workflow=command.workflow or command.confirm)
    prepared = [one for one in prepare(case.project, asked) if one.order]
    if prepared and command.confirm is None:
        raise _unconfirmed(case, prepared)
    wrong = [one.workflow.name for one in prepared if command.confirm not in (one.workflow.name, one.workflow.file)]
    if wrong:
        return refused(f"--confirm names {command.confirm}, but this would destroy in {', '.join(wrong)}.")
    if not prepared:
        return done("Nothing of that is deployed.")
    refuse_locked(case, prepared)

    def deed() -> Outcome:
        for one in prepared:
            submit_plan(case.project, replace(one, request=replace(one.request, plan_only=True)), recorder(case))
        return Outcome(CommandState.ASKED)

    return deed


def _unconfirmed(case: Case, prepared: Sequence[Prepared]) -> NotAllowed:
    """What would be destroyed, and how that is said so that nobody destroys another workflow by mistake."""
    names = [one.workflow.name for one in prepared]
    where = f"the workflow{'s' * (len(names) != 1)} {', '.join(f'`{name}`' for name in names)}"
    number = sum(len(one.order) for one in prepared)
    what = f"this destroys {number} environment{'s' * (number != 1)} of {where}"
    return NotAllowed(what, f"to have that shown, write `{case.command.text} --confirm {typed(names[0])}`")


VERB = Verb(
    Grammar(
        verb="destroy",
        summary="Destroy environments, downstream first; shows the plans, then waits for `/approve`",
        usage=("/destroy [ENV…] --confirm WORKFLOW [--only | --from ALIAS] [--workflow NAME] [--force]",),
        argument=Argument.ENVIRONMENTS,
        options=(
            (Option.CONFIRM, "The name of the workflow that loses environments. Always needed."),
            (Option.ONLY, "Changes nothing here: what is named is destroyed alone."),
            FROM,
            WORKFLOW,
            (Option.FORCE, "Even if something that stays deployed needs it. For admins."),
        ),
        examples=(
            ("/destroy --confirm shop", "all of the workflow `shop`"),
            ("/destroy cache --confirm shop", "`cache`, unless something deployed still needs it"),
        ),
        brings="What is named brings nothing along: what needs it is named too, or gone before.",
        where=WHILE_OPEN,
    ),
    act=act,
)
