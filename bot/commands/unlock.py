"""`/unlock`: free what a pull request holds."""

from __future__ import annotations

from bot.commands.base import WORKFLOW, Verb
from bot.decide.comment import Argument, Grammar, Option

VERB = Verb(
    Grammar(
        verb="unlock",
        summary="Free environments that a pull request holds, or the lock of a Terraform state",
        usage=("/unlock [ENV…] [--workflow NAME]", "/unlock ENV --state ID"),
        argument=Argument.ENVIRONMENTS,
        options=(
            WORKFLOW,
            (Option.STATE, "Free the lock with this id on the state of one environment. For admins."),
        ),
        examples=(
            ("/unlock", "all that this pull request holds"),
            ("/unlock db", "`db`; if another pull request holds it, for admins"),
        ),
        more=(
            "An environment that was deployed from a pull request belongs to it until it is merged. Freed, another "
            "pull request may deploy over it."
        ),
    )
)
