"""`/destroy`: destroy environments, what needs others first."""

from __future__ import annotations

from dataclasses import replace

from bot.commands.base import FROM, ONLY, WHILE_OPEN, WORKFLOW, Verb
from bot.commands.case import Case, Outcome, done, refused
from bot.decide.comment import Argument, Grammar, Option
from bot.prepare import prepare
from bot.request import Aim
from bot.store.conversation import CommandState
from bot.submit import submit_plan
from bot.working.pulling import PLAN_JOBS
from bot.working.requesting import recorder, refuse_locked, request


def act(case: Case) -> Outcome:
    """Plan the destroy and show it; `/approve` goes on."""
    command = case.command
    asked = request(case, Aim.DESTROY, jobs=PLAN_JOBS, workflow=command.workflow or command.confirm)
    prepared = [one for one in prepare(case.project, asked) if one.order]
    wrong = [one.workflow.name for one in prepared if command.confirm not in (one.workflow.name, one.workflow.file)]
    if wrong:
        return refused(f"--confirm names {command.confirm}, but this would destroy in {', '.join(wrong)}.")
    if not prepared:
        return done("Nothing of that is deployed.")
    refuse_locked(case, prepared)
    if not case.row.deployments:
        for one in prepared:
            submit_plan(case.project, replace(one, request=replace(one.request, plan_only=True)), recorder(case))
    return Outcome(CommandState.ASKED)


VERB = Verb(
    Grammar(
        verb="destroy",
        summary="Destroy environments, downstream first; shows the plans, then waits for `/approve`",
        usage=("/destroy [ENV…] --confirm WORKFLOW [--only | --from ALIAS] [--workflow NAME] [--force]",),
        argument=Argument.ENVIRONMENTS,
        options=(
            (Option.CONFIRM, "The name of the workflow that loses environments. Always needed."),
            ONLY,
            FROM,
            WORKFLOW,
            (Option.FORCE, "Even if something that stays deployed needs it. For admins."),
        ),
        required=(Option.CONFIRM,),
        examples=(
            ("/destroy --confirm shop", "all of the workflow `shop`"),
            ("/destroy cache --confirm shop", "`cache`, unless something deployed still needs it"),
        ),
        where=WHILE_OPEN,
    ),
    act=act,
)
