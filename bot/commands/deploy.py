"""`/deploy`: deploy what was planned."""

from __future__ import annotations

from bot.commands.base import FROM, ONLY, WHILE_OPEN, WORKFLOW, Verb
from bot.decide.comment import Argument, Elsewhere, Grammar, Option

_WITH_THE_PLAN = "values belong to the plan that people review, so plan with them first, then write /deploy"

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
            "could not see refuses it. Each environment is planned once more and deployed if the plan is still the one "
            "shown; otherwise it waits for `/approve`."
        ),
        where=WHILE_OPEN,
    )
)
