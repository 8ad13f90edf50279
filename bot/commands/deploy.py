"""`/deploy`: deploy what was planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.commands.base import FROM, ONLY, WHILE_OPEN, WORKFLOW, Verb
from bot.commands.case import Case, Deed, Outcome, done, waits
from bot.decide.comment import Argument, Elsewhere, Grammar, Option
from bot.errors import NotAllowed
from bot.preparing.situation import Prepared
from bot.reviewed import awaited, hopeless
from bot.since import unfinished as is_unfinished
from bot.submit import submit
from bot.working.requesting import (
    affected,
    being_planned,
    planned,
    recorder,
    refuse_locked,
    refuse_unread,
    reviews,
    shown_plans,
)

_WITH_THE_PLAN = "values belong to the plan that people review, so plan with them first, then write /deploy"


def act(case: Case) -> Outcome | Deed:
    """Deploy what was shown. Waits for plans that are still made, and for what other pull requests hold."""
    plan = case.plan
    if plan is None or plan.commit != case.pull.head:
        return waits("for the plan of this commit")
    if plan.problems:
        raise NotAllowed("the workflow files have problems", "push a commit that mends what the plan comment tells")
    shown = shown_plans(case)
    chosen = affected(case)
    prepared = [without_current(case, one) for one in chosen]
    here = [alias for one, left in zip(chosen, prepared, strict=True) for alias in one.order if alias not in left.order]
    said = [f"`{alias}`: already deployed at this commit" for alias in here]
    prepared = [one for one in prepared if one.order]
    if not prepared:
        return done(_nothing_left(here))
    if being_planned(prepared, shown):
        return waits("for the plans of this commit")
    found = planned(case, shown)
    seen = reviews(prepared, shown, found)
    lost = [task.alias for one in seen for task in hopeless(one)]
    if lost:
        names = ", ".join(f"`{alias}`" for alias in lost)
        raise NotAllowed(f"could not be planned: {names}", "mend that first, or name what else to deploy")
    refuse_unread(case, prepared, found)
    refuse_locked(case, prepared)

    def deed() -> Outcome:
        for one in seen:
            submit(case.project, one.prepared, {**found, **awaited(one)}, auto_approve=False, also=recorder(case))
        return done(*said)

    return deed


def _nothing_left(deployed: Sequence[str]) -> str:
    if not deployed:
        return "Nothing to deploy: no environment reads what this pull request changes."
    names, most = [f"`{alias}`" for alias in deployed], 20
    rest = [f"{len(names) - most} more"] if len(names) > most else []
    shown = [*names[:most], *rest]
    listed = " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
    return f"Nothing is left to deploy: {listed} {'are' if len(names) > 1 else 'is'} at this commit already."


def without_current(case: Case, prepared: Prepared) -> Prepared:
    """Without what is deployed at this very commit already, unless it is named."""
    if case.command.patterns or case.command.from_:
        return prepared
    rows = prepared.rows
    current = {
        alias
        for alias in prepared.order
        if alias in rows
        and rows[alias].deployed
        and rows[alias].commit == case.pull.head
        and not is_unfinished(rows[alias])
    }
    return replace(prepared, order=tuple(alias for alias in prepared.order if alias not in current))


VERB = Verb(
    Grammar(
        verb="deploy",
        summary="Deploy what the plan comment shows, in dependency order",
        usage=("/deploy [ENV…] [--only | --from ALIAS] [--workflow NAME] [@SHA]",),
        argument=Argument.ENVIRONMENTS,
        options=(ONLY, FROM, WORKFLOW),
        commit=True,
        elsewhere=(
            Elsewhere(Option.VALUE, "plan", _WITH_THE_PLAN),
            Elsewhere(Option.FORGET, "plan", _WITH_THE_PLAN),
        ),
        examples=(
            ("/deploy", "all that this pull request affects"),
            ("/deploy db", "`db`, and what it affects downstream"),
            ("/deploy db --only", "`db` alone"),
            ("/deploy --from network", "`network`, and everything downstream of it"),
        ),
        more=(
            "The commit is the one that the plan comment showed when you wrote the command; anything pushed that you "
            "could not see refuses it, and so do plans with changes that were shown only afterwards. Each environment "
            "is planned once more and deployed if the plan is still the one shown; otherwise it waits for `/approve`."
        ),
        where=WHILE_OPEN,
    ),
    act=act,
)
