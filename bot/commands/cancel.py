"""`/cancel`: stop what is unfinished."""

from __future__ import annotations

import time
from functools import partial

from bot import people
from bot.commands.base import WORKFLOW, Verb
from bot.commands.case import Case, Deed, Outcome, done, refused
from bot.decide.comment import Grammar, Option
from bot.decide.facts import Stop
from bot.decide.transitions import DEPLOYMENT_FINISHED
from bot.store import conversation, publications, views
from bot.store.conversation import CommandState
from bot.working.proposing import withdraw
from bot.working.waiting import of_pull


def act(case: Case) -> Deed:
    """Stop all that was asked for here and has not ended, and what only waits."""
    with case.server.database.reading() as connection:
        found = [views.deployment(connection, one) for one in of_pull(connection, case.pull)]
    meant = [
        one.id
        for one in found
        if one is not None
        and one.state not in DEPLOYMENT_FINISHED
        and case.command.workflow in (None, one.workflow, one.file)
    ]
    return partial(_cancel, case, meant)


def _cancel(case: Case, meant: list[int]) -> Outcome:
    with case.server.database.writing() as connection:
        states = [CommandState.ASKED, CommandState.WAITS]
        others = conversation.commands_of(connection, case.hosted.id, case.pull.number, states)
    if meant:
        how = Stop.KILL if case.command.kill else Stop.GRACEFULLY
        people.cancel(case.project, meant, how, case.by)
        with case.server.database.writing() as connection:
            for number in meant:
                publications.refresh(connection, number, time.time())
    said = [f"Stopping deployment {', '.join(f'{one}' for one in meant)}."] if meant else []
    for command in others:
        if command.id != case.row.id:
            said += withdraw(case, command, f"cancelled by {case.row.actor}")
    return done(*said, moved=meant) if said else refused("Nothing is under way here.")


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
    ),
    act=act,
)
