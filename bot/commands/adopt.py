"""`/adopt`: take over what exists already."""

from __future__ import annotations

from bot.commands.base import FROM, ONLY, WHILE_OPEN, WORKFLOW, Verb
from bot.decide.comment import Argument, Grammar

VERB = Verb(
    Grammar(
        verb="adopt",
        summary="Record as deployed what exists already and plans no change",
        usage=("/adopt [ENV…] [--only | --from ALIAS] [--workflow NAME]",),
        argument=Argument.ENVIRONMENTS,
        options=(ONLY, FROM, WORKFLOW),
        examples=(("/adopt", "all that Headwater never deployed; what would change is listed and left as it is"),),
        where=WHILE_OPEN,
    )
)
