"""`/approve`: let what waits for approval go on."""

from __future__ import annotations

from bot.commands.base import WORKFLOW, Verb
from bot.decide.comment import Argument, Grammar

VERB = Verb(
    Grammar(
        verb="approve",
        summary="Let environments that wait for approval go on",
        usage=("/approve [ENV…] [--workflow NAME]",),
        argument=Argument.ENVIRONMENTS,
        options=(WORKFLOW,),
        examples=(
            ("/approve db", "the plan that `db` waits with"),
            ("/approve", "every plan that was shown here and waits"),
        ),
        more=(
            "It approves the plan that is shown, no other: if the next one differs, that waits again. It takes "
            "somebody with the permission `approve` who neither wrote the command nor the pull request, unless the "
            "repository allows `selfApproval`."
        ),
    )
)
