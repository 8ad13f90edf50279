"""`/plan`: show what a deploy would do."""

from __future__ import annotations

from bot.commands.base import FROM, ONLY, WHILE_OPEN, WORKFLOW, Verb
from bot.decide.comment import Argument, Grammar, Option

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
            ("/plan @4f2a91c", "a fork's code, at the very commit that you have read"),
        ),
        more=(
            "A pull request is planned by itself when it is opened and when something is pushed to it, unless it is a "
            "draft or comes from a fork. Code of a fork runs only once somebody who may deploy has named its commit."
        ),
        where=WHILE_OPEN,
    )
)
