"""`/status`: the state of every environment."""

from __future__ import annotations

from bot.commands.base import WORKFLOW, Verb
from bot.decide.comment import Grammar

VERB = Verb(
    Grammar(
        verb="status",
        summary="The state of every workflow and environment, and who holds what",
        usage=("/status [--workflow NAME]",),
        options=(WORKFLOW,),
        examples=(("/status --workflow shop", "of the workflow `shop`"),),
    )
)
