"""`/reject`: cancel what waits for approval."""

from __future__ import annotations

from bot import people
from bot.commands.base import WORKFLOW, Verb
from bot.commands.case import Case, Outcome, done, refused
from bot.decide.comment import Argument, Grammar
from bot.store import conversation
from bot.store.conversation import CommandState
from bot.working.proposing import withdraw
from bot.working.waiting import waiting_tasks


def act(case: Case) -> Outcome:
    """Cancel what waits for approval here."""
    with case.server.database.reading() as connection:
        waiting = [one for one in waiting_tasks(connection, case.pull) if case.means(one.alias)]
        asking = conversation.commands_of(connection, case.hosted.id, case.pull.number, [CommandState.ASKED])
    said = []
    rows = {row.id: row for row in case.rows}
    for one in waiting:
        if one.environment in rows:
            people.reject(case.project, rows[one.environment], case.row.actor)
            said.append(f"{one.alias}: rejected")
    for command in asking if not case.command.patterns else ():
        said += withdraw(case, command, f"rejected by {case.row.actor}")
    return done(*said) if said else refused("Nothing waits for approval here.")


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
    ),
    act=act,
)
