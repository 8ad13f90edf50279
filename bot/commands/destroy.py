"""`/destroy`: destroy environments, what needs others first."""

from __future__ import annotations

from bot.commands.base import FROM, ONLY, WHILE_OPEN, WORKFLOW, Verb
from bot.decide.comment import Argument, Grammar, Option

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
    )
)
