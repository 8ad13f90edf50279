"""Commands that first show what they would do (`/destroy`, `/restore`), and go on once somebody approves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.commands.case import Case
from bot.commands.choosing import meant
from bot.commands.kept import from_json
from bot.errors import NotAllowed
from bot.prepare import prepare
from bot.preparing.situation import Prepared
from bot.request import Aim, Request
from bot.store import conversation, views
from bot.store.conversation import CommandRow, CommandState
from bot.store.environments import identify
from bot.store.locks import Lock
from bot.store.views import DeploymentView
from bot.submit import Planned, planned_by, submit
from bot.working.pulling import PLAN_JOBS
from bot.working.requesting import recorder, request, unfinished
from bot.working.voiding import call_off


def going_on(case: Case, command: CommandRow) -> Callable[[], list[int]]:
    """What does what a command has shown, and gives the deployments. Raises NotAllowed while it is not all shown."""
    shown = _shown(case, command)
    if unfinished(shown):
        raise NotAllowed(f"what /{command.verb} would do is still being planned", "read the plans, then approve them")
    failed = [task.alias for view in shown for task in view.tasks if task.plan is None]
    if failed:
        raise NotAllowed(f"could not be planned: {', '.join(failed)}", f"see why, then write /{command.verb} again")
    theirs = replace(
        case,
        row=command,
        command=from_json(command.verb, command.line, command.command),
        allowed=(f"approved by {case.row.actor}", *case.allowed),
    )
    found: dict[int, Planned] = {}
    for view in shown:
        found |= planned_by(case.project, view.id)
    also = recorder(theirs, judged_at=0.0)  # who asked, and the reviews, were judged when it was proposed
    prepared = _prepared(theirs)

    def deed() -> list[int]:
        with case.server.database.writing() as connection:
            numbers = [submit(case.project, one, found, auto_approve=False, also=also) for one in prepared]
            current = conversation.command(connection, command.id)
            if current is None or current.state is not CommandState.ASKED:
                raise NotAllowed(f"/{command.verb} was called off meanwhile", f"write /{command.verb} again")
            conversation.set_command(connection, command.id, state=CommandState.GOING)
            return numbers

    return deed


def _prepared(theirs: Case) -> list[Prepared]:
    """What was shown, made anew at the same commit."""
    if theirs.command.verb == "restore":
        from bot.store import locks  # noqa: PLC0415

        with theirs.server.database.reading() as connection:
            held = meant(theirs.command, locks.of_pull(connection, theirs.pull.id))
        return restoring(theirs, held, plan_only=False)[0]
    command = theirs.command
    asked = request(theirs, Aim.DESTROY, workflow=command.workflow or command.confirm)
    return [_approved(one) for one in prepare(theirs.project, asked) if one.order]


def _approved(prepared: Prepared) -> Prepared:
    """Each environment's own `requiresApproval` is met: somebody approved all of it."""
    environments = {alias: replace(one, requires_approval=False) for alias, one in prepared.environments.items()}
    return replace(prepared, environments=environments)


def withdraw(case: Case, command: CommandRow, why: str) -> list[str]:
    """Give up a command that waits, and the plans that are made for it; a line for people."""
    with case.server.database.writing() as connection:
        call_off(connection, command, why, case.by, time.time())
    return [f"/{command.verb}: {why}"]


def _shown(case: Case, command: CommandRow) -> list[DeploymentView]:
    with case.server.database.reading() as connection:
        found = [views.deployment(connection, number) for number in command.deployments]
    return [one for one in found if one is not None]


def restoring(case: Case, held: Sequence[Lock], *, plan_only: bool = True) -> tuple[list[Prepared], list[Lock]]:
    """The default branch's version of what a pull request holds; and what of that it does not have."""
    head = case.project.default_head
    if head is None:
        raise NotAllowed("there is no default branch to restore from", "see that the repository has one")
    there = on_default_branch(case)
    here = [there[one.environment] for one in held if one.environment in there]
    prepared: list[Prepared] = []
    for file in sorted({where for where, _ in here}):
        asked = Request(
            aim=Aim.DEPLOY,
            by=case.by,
            commit=head,
            patterns=tuple(alias for where, alias in here if where == file),
            only=True,
            workflow=file,
            jobs=PLAN_JOBS if plan_only else case.server.settings.jobs,
            plan_only=plan_only,
            pull=case.pull.id,
        )
        prepared += [replace(one, removed=(), doubtful=()) for one in prepare(case.project, asked) if one.order]
    gone = [one for one in held if one.environment not in there]
    return prepared if plan_only else [_approved(one) for one in prepared], gone


def on_default_branch(case: Case) -> dict[int, tuple[str, str]]:
    """By the ids of environments that the default branch has, their file and their alias there."""
    same = identify(case.rows, case.project.default_definitions().workflows).same
    return {identity: name for name, identity in same.items()}
