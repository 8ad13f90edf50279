"""`headwater adopt`: take over what exists already."""

from __future__ import annotations

import click

from bot.cli.acting import Session, answer, asks_for, exit_code
from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import note, printable, say
from bot.cli.words import names
from bot.decide.transitions import Code
from bot.prepare import prepare
from bot.request import Aim, Request
from bot.reviewed import Review
from bot.submit import submit


@click.command(cls=Command)
@asks_for(Aim.ADOPT)
def command(settings: Globals, request: Request) -> ExitCode:
    """Record as deployed what exists already and plans no change.

    Each environment that Headwater never deployed is planned. Where the plan is empty, it is recorded as deployed at
    this commit, with its outputs; the others are listed and left as they are. Nothing is ever applied.
    """
    session = Session(settings)
    session.collect()
    found = prepare(session.project, request)
    busy = tuple(alias for one in found for alias in one.busy)
    if busy:
        note(
            f"left alone, since a deploy of it is under way: {names(tuple(map(printable, busy)), 20)}",
            quiet=settings.quiet,
        )
    prepared = [one for one in found if one.order]
    if not prepared:
        answer(settings, "Nothing to adopt." if busy else "Nothing to adopt: every environment is deployed.")
        return ExitCode.DONE
    numbers = [submit(session.project, one, {}, auto_approve=False) for one in prepared]
    ended = session.run(numbers)
    if not settings.json:
        reviews = [Review(one, view) for one, view in zip(prepared, ended, strict=True)]
        for one in reviews:
            left = tuple(task.alias for task in one.view.tasks if task.code is Code.HAS_CHANGES)
            if left:
                say(f"Not adopted, since a deploy would change them: {names(left, 20)}")
    return exit_code(ended)
