"""`/explain`: why an environment is where it is."""

from __future__ import annotations

from bot.commands.base import WORKFLOW, Verb
from bot.commands.case import Case, Outcome
from bot.decide.comment import Argument, Grammar
from bot.explaining import Asked, explain
from bot.render.explained import explain_comment
from bot.store.conversation import CommandState


def act(case: Case) -> Outcome:
    """Tell why an environment is where it is."""
    found = explain(
        case.project,
        case.command.patterns[0],
        case.command.workflow,
        revision=case.pull.head if case.pull.open else case.project.default_head or case.pull.head,
        asked=Asked(case.hosted.id, case.hosted.full_name, case.pull.number, case.row.id),
    )
    return Outcome(CommandState.DONE, answer=explain_comment(found, repository_url=case.hosted.html_url))


VERB = Verb(
    Grammar(
        verb="explain",
        summary="Why an environment is affected, waits or was skipped, and what would move it on",
        usage=("/explain ENV [--workflow NAME]",),
        argument=Argument.ENVIRONMENT,
        options=(WORKFLOW,),
        examples=(("/explain db", "`db`, as it stands here"),),
    ),
    act=act,
)
