"""`/approve`: let what waits for approval go on."""

from __future__ import annotations

from bot import people
from bot.commands.base import WORKFLOW, Verb
from bot.commands.case import Case, Outcome, done, refused
from bot.decide.comment import Argument, Grammar
from bot.store import conversation
from bot.store.conversation import CommandState
from bot.working.proposing import carry_on
from bot.working.waiting import waiting_tasks


def act(case: Case) -> Outcome:
    """Approve the plans that wait here, and go on with what a command has shown and asked for."""
    with case.server.database.reading() as connection:
        waiting = [one for one in waiting_tasks(connection, case.pull) if case.means(one.alias)]
        asking = conversation.commands_of(connection, case.hosted.id, case.pull.number, [CommandState.ASKED])
    said = []
    rows = {row.id: row for row in case.rows}
    for one in waiting:
        if one.environment in rows:
            people.approve(case.project, rows[one.environment], case.row.actor)
            said.append(f"{one.alias}: approved")
    for command in asking:
        said += carry_on(case, command)
    return (
        done(*said)
        if said
        else refused(
            "Nothing that waits for approval here is called that."
            if case.command.patterns
            else "Nothing waits for approval here."
        )
    )


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
    ),
    act=act,
)
