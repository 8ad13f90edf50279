"""`/retry`: run again what did not succeed."""

from __future__ import annotations

from bot.commands.base import WORKFLOW, Verb
from bot.decide.comment import Grammar, Option

VERB = Verb(
    Grammar(
        verb="retry",
        summary="Run again what failed, and what that blocked, at the same commit",
        usage=("/retry [--workflow NAME] [--force]",),
        options=(
            WORKFLOW,
            (Option.FORCE, "Take lost attempts for ended. Make sure of it first. For admins."),
        ),
        examples=(("/retry", "nothing that succeeded runs twice"),),
        more="To deploy a mend that you have pushed, write `/deploy`.",
    )
)
