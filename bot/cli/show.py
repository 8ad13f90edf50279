"""`headwater show`: one deployment."""

from __future__ import annotations

import time

import click

from bot.cli.acting import Session
from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.history import as_json
from bot.cli.output import Cell, Tone, paint, print_json, printable, say, table, terminal_width
from bot.cli.reviewing import indented_plan, plan_body
from bot.cli.words import commit_words, deployment_cell, iso, plan_cell, reasons_words, state_cell, took, when
from bot.decide.transitions import TaskState
from bot.store.views import DeploymentView, TaskView

_EXPIRED = "  Its text has expired: texts of plans are kept for HEADWATER_KEEP_DAYS."


@click.command(cls=Command)
@click.argument("number", metavar="ID", type=int)
@click.pass_obj
def command(settings: Globals, number: int) -> ExitCode:
    """Show one deployment: its environments, their plans, and why each is where it is."""
    session = Session(settings)
    session.collect()
    view = session.view(number, texts=True)
    if settings.json:
        counts: dict[TaskState, int] = {}
        for task in view.tasks:
            counts[task.state] = counts.get(task.state, 0) + 1
        print_json({**as_json(view, counts), "environments": [_as_json(task) for task in view.tasks]})
        return ExitCode.DONE
    if not settings.quiet:
        for task in view.tasks:
            if task.plan is not None and not task.plan.empty:
                cell = plan_cell(task.plan)
                say(f"{paint(printable(task.alias), Tone.STRONG)}  {paint(cell.text, cell.tone)}")
                say(indented_plan(plan_body(task.plan.text)) if task.plan.text else _EXPIRED)
                say()
    _show(view)
    return ExitCode.DONE


def _show(view: DeploymentView) -> None:
    state = deployment_cell(view)
    title = (
        f"#{view.id} {view.action.value} of {printable(view.workflow)} at {commit_words(view.commit, dirty=view.dirty)}"
    )
    say(f"{paint(title, Tone.STRONG)}  {paint(state.text, state.tone)}")
    origin = f", again after #{view.retry_of}" if view.retry_of else ""
    say(paint(f"by {printable(view.actor)} on {when(view.created_at)}{origin}", Tone.FAINT))
    say()
    now = time.time()
    rows = [
        [
            Cell(task.alias),
            state_cell(task),
            plan_cell(task.plan),
            Cell(took(task, now), Tone.FAINT),
            Cell(_why(task) or reasons_words(task.reasons), Tone.FAINT),
        ]
        for task in view.tasks
    ]
    say(table(["Environment", "State", "Plan", "Time", "Why"], rows, width=terminal_width()))


def _why(task: TaskView) -> str:
    bad = (TaskState.FAILED, TaskState.TIMED_OUT)
    return next(iter((task.detail or task.error).splitlines()), "") if task.state in bad else ""


def _as_json(task: TaskView) -> dict[str, object]:
    return {
        "alias": task.alias,
        "action": task.action.value,
        "state": task.state.value,
        "code": task.code.value,
        "detail": task.detail,
        "waitsFor": list(task.waits_for),
        "reasons": list(task.reasons),
        "plan": None if task.plan is None else {"digest": task.plan.digest, **task.plan.counts, "text": task.plan.text},
        "startedAt": iso(task.started_at),
        "finishedAt": iso(task.finished_at),
    }
