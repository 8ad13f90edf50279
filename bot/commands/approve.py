"""`/approve`: let what waits for approval go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from bot import people
from bot.commands.base import WORKFLOW, Verb
from bot.commands.case import Case, Deed, Outcome, done, refused
from bot.commands.choosing import Named, means, meant, unmet
from bot.decide.comment import Argument, Grammar
from bot.errors import NotAllowed
from bot.submit import LockedElsewhere
from bot.working.proposing import going_on
from bot.working.waiting import Proposal, WaitingTask


def act(case: Case) -> Deed:
    """Approve the plans that wait here, and go on with what a command has shown and asked for."""
    ready = [partial(_approve, case, one) for one in meant(case.command, case.waiting)]
    errors: list[NotAllowed] = []
    for one in case.proposals:
        try:
            ready += _carry_on(case, one)
        except NotAllowed as error:  # what cannot be approved does not keep the rest from it
            errors.append(error)
    return partial(_approve_all, case, ready, errors)


def _approve_all(case: Case, ready: Sequence[_Part], before: Sequence[NotAllowed]) -> Outcome:
    waiting, asking = case.waiting, case.proposals
    named: list[Named] = [*waiting, *(part for one in asking for part in one.parts)]
    said: list[str] = []
    moved: list[int] = []
    errors = [*before]
    for deed in ready:
        try:
            with case.server.database.writing():
                lines, numbers = deed()
        except NotAllowed as error:
            errors.append(error)
        else:
            said, moved = [*said, *lines], [*moved, *numbers]
    not_done = [f"`{name}`: nothing that waits here is called that" for name in unmet(case.command, named)]
    if len(errors) == 1 and not (said or not_done):
        raise errors[0]
    not_done += [_left(error) for error in errors]
    if said:
        return done(*said, *not_done, moved=moved)
    return refused(*(not_done or ["Nothing waits for approval here."]))


def _left(error: NotAllowed) -> str:
    """What was not approved together with the rest, and what to do: nothing of it goes on by itself."""
    if isinstance(error, LockedElsewhere):
        return (
            f"Not approved because of {error.what}: /approve it once that pull request is merged, restored or unlocked"
        )
    return f"{error.what}: {error.mend}"


_Done = tuple[list[str], Sequence[int]]
"""Lines for people, and the deployments that go on."""
_Part: TypeAlias = partial[_Done]


def _approve(case: Case, one: WaitingTask) -> _Done:
    row = next(row for row in case.rows if row.id == one.environment)
    return [f"`{one.alias}`: approved"], [people.approve(case.project, row, case.by, one.plan)]


def _carry_on(case: Case, one: Proposal) -> list[_Part]:
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
    return [partial(_carried_on, one, going_on(case, one.command))]


def _carried_on(one: Proposal, go_on: Callable[[], Sequence[int]]) -> _Done:
    return [f"{one.name}: approved"], go_on()


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
