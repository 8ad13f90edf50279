"""`headwater cancel`: stop what is unfinished."""

from __future__ import annotations

import click

from bot import people
from bot.cli.acting import Session, answer
from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.here import by
from bot.cli.output import say
from bot.decide.facts import Stop
from bot.decide.transitions import TaskState
from bot.errors import WrongUse


@click.command(cls=Command)
@click.argument("deployment", type=int, required=False)
@click.option("--kill", is_flag=True, help="Kill the tools at once, without their grace.")
@click.pass_obj
def command(settings: Globals, deployment: int | None, *, kill: bool) -> ExitCode:
    """Stop a deployment (all that are unfinished, without its number).

    What has not started never will; a tool at work is interrupted and has a minute to save its state. Waits until
    all has ended.
    """
    session = Session(settings)
    session.collect()
    numbers = session.unfinished()
    if deployment is not None:
        session.view(deployment)  # an unknown number is told as one
        numbers = [number for number in numbers if number == deployment]
        if not numbers:
            raise WrongUse(f"deployment #{deployment} has ended already", "'headwater history' shows how")
    if not numbers:
        answer(settings, "Nothing to cancel: no deployment is unfinished.")
        return ExitCode.DONE
    people.cancel(session.project, numbers, Stop.KILL if kill else Stop.GRACEFULLY, by("cancel"))
    found = session.run(numbers)
    if not settings.json:
        for view in found:
            stopped = sum(task.state is TaskState.CANCELLED for task in view.tasks)
            say(f"Deployment #{view.id}: {view.state.value}, {stopped} of {len(view.tasks)} cancelled")
    return ExitCode.DONE
