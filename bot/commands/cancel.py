"""`/cancel`: stop what is unfinished."""

from __future__ import annotations

from bot.commands.base import WORKFLOW, Verb
from bot.decide.comment import Grammar, Option

VERB = Verb(
    Grammar(
        verb="cancel",
        summary="Stop the deployments of this pull request, running jobs too",
        usage=("/cancel [--workflow NAME] [--kill]",),
        options=(
            WORKFLOW,
            (Option.KILL, "Kill the tools at once. A state may be left locked, or half written."),
        ),
        examples=(("/cancel", "what has not started never will; a tool at work has a minute to save its state"),),
    )
)
