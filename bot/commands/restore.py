"""`/restore`: put the default branch's version back."""

from __future__ import annotations

from bot.commands.base import UNLESS_MERGED, WORKFLOW, Verb
from bot.decide.comment import Argument, Grammar

VERB = Verb(
    Grammar(
        verb="restore",
        summary="Deploy the default branch's version over what this pull request deployed",
        usage=("/restore [ENV…] [--workflow NAME]",),
        argument=Argument.ENVIRONMENTS,
        options=(WORKFLOW,),
        examples=(("/restore", "all that this pull request holds"),),
        more="It plans first, and deploys after `/approve`. Then the environments are free again.",
        where=UNLESS_MERGED,
    )
)
