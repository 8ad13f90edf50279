"""`/reject`: cancel what waits for approval."""

from __future__ import annotations

from bot.commands.base import WORKFLOW, Verb
from bot.decide.comment import Argument, Grammar

VERB = Verb(
    Grammar(
        verb="reject",
        summary="Cancel environments that wait for approval",
        usage=("/reject [ENV…] [--workflow NAME]",),
        argument=Argument.ENVIRONMENTS,
        options=(WORKFLOW,),
        examples=(
            ("/reject db", "`db`; what lies downstream of it is blocked, all else goes on"),
            ("/reject", "everything that waits here"),
        ),
    )
)
