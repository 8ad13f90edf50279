"""`/approve`: let what waits for approval go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bot import people
from bot.commands.base import WORKFLOW, Verb
from bot.commands.case import Case, Outcome, done, refused
from bot.commands.choosing import Named, means, meant, unmet
from bot.decide.comment import Argument, Grammar
from bot.errors import NotAllowed
from bot.working.proposing import Proposal, carry_on, proposals
from bot.working.waiting import WaitingTask, waiting_tasks

One = TypeVar("One", WaitingTask, Proposal)


def act(case: Case) -> Outcome:
    """Approve the plans that wait here, and go on with what a command has shown and asked for."""
    with case.server.database.reading() as connection:
        waiting, asking = waiting_tasks(connection, case.pull), proposals(connection, case.pull)
    named: list[Named] = [*waiting, *(part for one in asking for part in one.parts)]
    approved: list[str] = []
    not_done = [f"`{name}`: nothing that waits here is called that" for name in unmet(case.command, named)]
    for task in meant(case.command, waiting):
        _try(approved, not_done, _approve, case, task)
    for proposal in asking:
        _try(approved, not_done, _carry_on, case, proposal)
    if approved:
        return done(*approved, *not_done)
    return refused(*(not_done or ["Nothing waits for approval here."]))


def _try(
    approved: list[str], not_done: list[str], deed: Callable[[Case, One], list[str]], case: Case, one: One
) -> None:
    """What cannot be approved does not keep the rest from it."""
    try:
        approved += deed(case, one)
    except NotAllowed as error:
        not_done.append(str(error))


def _approve(case: Case, one: WaitingTask) -> list[str]:
    row = next(row for row in case.rows if row.id == one.environment)
    people.approve(case.project, row, case.row.actor, one.plan)
    return [f"`{one.alias}`: approved"]


def _carry_on(case: Case, one: Proposal) -> list[str]:
    """What was shown as one is done as one: all of it is approved, or none."""
    wanted = [part for part in one.parts if means(case.command, part)]
    if one.parts and not wanted:
        return []
    left = [f"`{part.alias}`" for part in one.parts if part not in wanted]
    if left:
        raise NotAllowed(
            f"{one.name} is about {', '.join(left)} too, and is done as a whole",
            "approve all of it with /approve, or call it off with /reject",
        )
    return carry_on(case, one.command)


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
