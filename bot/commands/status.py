"""`/status`: the state of every environment."""

from __future__ import annotations

from bot.commands.base import WORKFLOW, Verb
from bot.commands.case import Case, Outcome
from bot.decide.comment import Grammar
from bot.prepare import workflow_named
from bot.render.answers import status_comment
from bot.standing import standings
from bot.store import locks
from bot.store.conversation import CommandState
from planner.listing import listed


def act(case: Case) -> Outcome:
    """Tell how every workflow of the default branch stands, and who holds what."""
    definitions = case.project.default_definitions()
    wanted = case.command.workflow
    chosen = definitions.workflows if wanted is None else (workflow_named(definitions, wanted),)
    found = standings(case.project, [listed(one) for one in chosen])
    with case.server.database.reading() as connection:
        held = {one.environment: f"#{one.number}" for one in locks.of_repository(connection, case.hosted.id)}
    return Outcome(CommandState.DONE, answer=status_comment(found, held=held, repository_url=case.hosted.html_url))


VERB = Verb(
    Grammar(
        verb="status",
        summary="The state of every workflow and environment, and who holds what",
        usage=("/status [--workflow NAME]",),
        options=(WORKFLOW,),
        examples=(("/status --workflow shop", "of the workflow `shop`"),),
    ),
    act=act,
)
