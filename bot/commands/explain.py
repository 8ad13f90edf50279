"""`/explain`: why an environment is where it is."""

from __future__ import annotations

from bot.commands.base import WORKFLOW, Verb
from bot.decide.comment import Argument, Grammar

VERB = Verb(
    Grammar(
        verb="explain",
        summary="Why an environment is affected, waits or was skipped, and what would move it on",
        usage=("/explain ENV [--workflow NAME]",),
        argument=Argument.ENVIRONMENT,
        options=(WORKFLOW,),
        examples=(("/explain db", "`db`, as it stands here"),),
    )
)
