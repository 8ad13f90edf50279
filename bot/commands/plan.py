"""`/plan`: show what a deploy would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.commands.base import FROM, ONLY, WHILE_OPEN, WORKFLOW, Verb
from bot.commands.case import Case, Deed, Outcome, done
from bot.decide.comment import Argument, Grammar, Option
from bot.store import hosting
from bot.submit import submit_plan
from bot.working.before_merge import is_demanded, want
from bot.working.pulling import PLAN_JOBS, planning
from bot.working.requesting import affected, recorder

_NOTHING = "No environment reads what this pull request changes, so there is nothing to plan."


def act(case: Case) -> Outcome | Deed:
    """Plan the head again: all of it for the plan comment, or what is named, shown below the command."""
    command = case.command
    values: dict[str, object] = {"may_run": case.pull.head}
    if command.given or command.forget:
        values |= _values(case)
    with case.server.database.writing() as connection:
        pull = hosting.keep_pull(connection, case.hosted.id, case.pull.number, values)
    case = replace(case, pull=pull)
    if not (command.patterns or command.from_ or command.workflow):
        demanded = is_demanded(case.server, case.hosted, pull)
        return partial(_all_of_it, case, planning(case.server, case.project, pull, again=True), demanded=demanded)
    prepared = affected(case, plan_only=True, jobs=PLAN_JOBS)

    def deed() -> Outcome:
        for one in prepared:
            submit_plan(case.project, one, recorder(case))
        return done()

    return deed if prepared else done("Nothing of that is affected by this pull request.")


def _all_of_it(case: Case, plan: Callable[[], bool], *, demanded: bool) -> Outcome:
    shown = plan()
    if demanded:
        with case.server.database.writing() as connection:
            want(connection, case.hosted, case.pull)
    return done("The plan comment shows it." if shown else _NOTHING)


def _values(case: Case) -> dict[str, object]:
    """The values of this and of earlier commands, the newest word on each: they hold for every later plan."""
    before = case.server.vault.open(case.pull.given) if case.pull.given is not None else {}
    kept = before.items() if isinstance(before, dict) else ()
    given = {name: value for name, value in kept if name not in case.command.forget} | dict(case.command.given)
    forget = [name for name in (*case.pull.forget, *case.command.forget) if name not in given]
    return {"given": case.server.vault.seal(given) if given else None, "forget": list(dict.fromkeys(forget))}


VERB = Verb(
    Grammar(
        verb="plan",
        summary="Show what a deploy would do; changes nothing",
        usage=("/plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",),
        argument=Argument.ENVIRONMENTS,
        options=(
            ONLY,
            FROM,
            WORKFLOW,
            (
                Option.VALUE,
                "Plan with this value of a variable. The next `/deploy` uses it, and it is kept from then on.",
            ),
            (Option.FORGET, "Plan without this kept value, so that the file's own holds again."),
        ),
        commit=True,
        examples=(
            ("/plan", "all that this pull request affects"),
            ("/plan net-* 'my db'", "these, and what they affect downstream"),
            ("/plan db -v SIZE=large", "with another value"),
            ("/plan @4f2a91c", "this commit, unless something was pushed since; a fork's is named with all its digits"),
        ),
        more=(
            "A pull request is planned by itself when it is opened and when something is pushed to it, unless it is a "
            "draft or comes from a fork. Code of a fork runs only once somebody who may deploy has named its commit. "
            "Nothing plans it anew when something else is deployed there meanwhile, but the plan comment says so."
        ),
        where=WHILE_OPEN,
    ),
    act=act,
)
