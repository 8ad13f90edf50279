"""`headwater history`: past deployments."""

from __future__ import annotations

import click

from bot.cli.acting import Session
from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import Cell, note, print_json, say, table, terminal_width
from bot.cli.words import SHORT, deployment_cell, iso, when
from bot.decide.saying import duration
from bot.decide.transitions import FINISHED, TaskState
from bot.store import views
from bot.store.expiring import is_expired


@click.command(cls=Command)
@click.option("-n", "--number", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@click.option("--plans", is_flag=True, help="Plans too.")
@click.pass_obj
def command(settings: Globals, number: int, *, plans: bool) -> ExitCode:
    """List deployments, newest first."""
    session = Session(settings)
    session.collect()
    found: list[views.DeploymentView] = []
    counts: dict[int, dict[TaskState, int]] = {}
    if session.project.has_store:
        repository = session.repository()
        with session.project.database.reading() as connection:
            found = views.recent(connection, repository, number, plans_too=plans)
            counts = views.task_counts(connection, [view.id for view in found])
    if settings.workflow is not None:
        found = [view for view in found if settings.workflow in (view.workflow, view.file)]
    if settings.json:
        print_json({"deployments": [as_json(view, counts.get(view.id, {})) for view in found]})
        return ExitCode.DONE
    if not found:
        say("Nothing was deployed yet.")
        return ExitCode.DONE
    rows = [_row(view, counts.get(view.id, {})) for view in found]
    headers = ["#", "Workflow", "Action", "State", "Done", "Commit", "By", "Began", "Took"]
    say(table(headers, rows, right=["#"], width=terminal_width()))
    if len(rows) < number and _have_expired(session, found[-1].id):
        note("Older ones may have expired: they are kept for HEADWATER_KEEP_HISTORY_DAYS.", quiet=settings.quiet)
    return ExitCode.DONE


def _have_expired(session: Session, oldest: int) -> bool:
    """Whether deployments before the oldest one that is still there are gone."""
    with session.project.database.reading() as connection:
        return is_expired(connection, oldest - 1) and views.deployment(connection, oldest - 1) is None


def as_json(view: views.DeploymentView, counts: dict[TaskState, int]) -> dict[str, object]:
    """A deployment for machines."""
    return {
        "id": view.id,
        "workflow": view.workflow,
        "file": view.file,
        "action": view.action.value,
        "state": view.state.value,
        "commit": view.commit,
        "dirty": view.dirty,
        "actor": view.actor,
        "createdAt": iso(view.created_at),
        "finishedAt": iso(view.finished_at),
        "retryOf": view.retry_of,
        "tasks": {state.value: count for state, count in sorted(counts.items())},
    }


def _row(view: views.DeploymentView, counts: dict[TaskState, int]) -> list[str | Cell]:
    done = counts.get(TaskState.SUCCEEDED, 0)
    whole = sum(counts.values())
    open_ones = sum(count for state, count in counts.items() if state not in FINISHED)
    took = duration(view.finished_at - view.created_at) if view.finished_at is not None else ""
    return [
        str(view.id),
        view.workflow,
        view.action.value,
        deployment_cell(view),
        f"{done} of {whole}" + (f", {open_ones} unfinished" if open_ones else ""),
        view.commit[:SHORT] + ("+" if view.dirty else ""),
        view.actor,
        when(view.created_at),
        took,
    ]
