"""`/reject`: cancel what waits for approval."""

from __future__ import annotations

from functools import partial

from bot import people
from bot.commands.base import WORKFLOW, Verb
from bot.commands.case import Case, Deed, Outcome, done, refused
from bot.commands.choosing import Named, means, meant, unmet
from bot.decide.comment import Argument, Grammar
from bot.errors import NotAllowed
from bot.working.proposing import withdraw


def act(case: Case) -> Deed:
    """Cancel what waits for approval here; what a command has shown as one is called off as one."""
    return partial(_reject, case)


def _reject(case: Case) -> Outcome:
    waiting, asking = case.waiting, case.proposals
    said = []
    rows = {row.id: row for row in case.rows}
    for one in meant(case.command, waiting):
        try:
            people.reject(case.project, rows[one.environment], case.by)
        except NotAllowed:  # somebody was faster
            continue
        said.append(f"`{one.alias}`: rejected")
    for proposal in asking:
        if not proposal.parts or any(means(case.command, part) for part in proposal.parts):
            said += withdraw(case, proposal.command, f"rejected by {case.row.actor}")
    named: list[Named] = [*waiting, *(part for one in asking for part in one.parts)]
    not_done = [f"`{name}`: nothing that waits here is called that" for name in unmet(case.command, named)]
    return done(*said, *not_done) if said else refused(*(not_done or ["Nothing waits for approval here."]))


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
