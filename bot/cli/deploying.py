"""The one way from a request to a finished deployment: prepare, plan, show, ask, do, tell."""

from __future__ import annotations

from collections.abc import Sequence

from bot.cli.acting import Session, ask, exit_code
from bot.cli.exit_codes import ExitCode
from bot.cli.output import Cell, Tone, paint, printable, say, terminal_width, width_of
from bot.cli.reviewing import review
from bot.cli.words import folded, names
from bot.decide.facts import TaskAction
from bot.decide.saying import duration
from bot.decide.transitions import Code, TaskState
from bot.preparing.situation import Prepared
from bot.request import Aim
from bot.reviewed import Review, awaited, hopeless, no_changes
from bot.store.views import DeploymentView, TaskView
from bot.submit import submit

LAST_LINES = 15
"""Lines of a failed log that are shown."""


def carry_out(session: Session, prepared: Sequence[Prepared], *, auto_approve: bool) -> ExitCode:
    """Plan, show, ask unless told not to, and do it."""
    reviews = review(session, prepared)
    if any(one.stopped for one in reviews):
        return ExitCode.CANCELLED
    lost = [task for one in reviews for task in hopeless(one)]
    if lost:
        say(f"Nothing was done: {names(tuple(printable(task.alias) for task in lost))} could not be planned.")
        return ExitCode.FAILED
    if not no_changes(reviews) and not auto_approve and not ask(_question(reviews)):
        say("Nothing was done.")
        return ExitCode.CANCELLED
    return do(session, reviews, auto_approve=auto_approve)


def _question(reviews: Sequence[Review]) -> str:
    destroying = reviews[0].prepared.request.aim is Aim.DESTROY
    return "Destroy this?" if destroying else "Deploy this?"


def do(session: Session, reviews: Sequence[Review], *, auto_approve: bool) -> ExitCode:
    """Make the deployments of what was reviewed and run them to their end."""
    numbers = [
        submit(session.project, one.prepared, awaited(one), auto_approve=auto_approve)
        for one in reviews
        if one.view.tasks or one.prepared.removed
    ]
    if not numbers:
        return ExitCode.DONE
    _gap(session)
    return finish(session, session.run(numbers))


def _gap(session: Session) -> None:
    """An empty line between what was shown and what comes."""
    if not (session.settings.json or session.settings.quiet):
        say()


def finish(session: Session, found: Sequence[DeploymentView]) -> ExitCode:
    """Tell how it ended, the last lines of what failed, and what to do next."""
    if session.settings.json:
        return exit_code(found)
    _gap(session)
    for view in found:
        for task in view.tasks:
            if task.state in (TaskState.FAILED, TaskState.TIMED_OUT):
                _show_failure(session, task)
    for view in found:
        if not view.tasks:  # something was only forgotten, and that was told before
            continue
        say(_ending(view))
        for line in _next(view):
            say(folded(line, first="  "))
    return exit_code(found)


def _show_failure(session: Session, task: TaskView) -> None:
    say(paint(f"✗ {printable(task.alias)}: {printable(first_line(task))}", Tone.BAD))
    for line in last_lines(session, task):
        say(f"  {printable(line)}".rstrip())
    say()


def first_line(task: TaskView) -> str:
    """Why a task failed, in one line."""
    return next((line for line in (task.detail or task.error or task.state.value).splitlines() if line.strip()), "")


def last_lines(session: Session, task: TaskView) -> list[str]:
    """The end of a task's log, as it may be shown."""
    if task.attempt is None:
        return []
    try:
        text = session.project.local.log(task.attempt).read_text(errors="replace")
    except OSError:
        return []
    return _from_error(text.splitlines()[-LAST_LINES:])


def _from_error(lines: list[str]) -> list[str]:
    """The lines from the tool's first `Error:` on, if they have one: what came before is its progress."""
    starts = (place for place, line in enumerate(lines) if line.lstrip("│ ").startswith("Error:"))
    return lines[next(starts, 0) :]


_DONE = {TaskAction.DEPLOY: "Deployed", TaskAction.DESTROY: "Destroyed", TaskAction.ADOPT: "Adopted"}


def _ending(view: DeploymentView) -> str:
    done = sum(task.state is TaskState.SUCCEEDED for task in view.tasks)
    unchanged = sum(task.code is Code.NO_CHANGES and task.action is TaskAction.DEPLOY for task in view.tasks)
    actions = {task.action for task in view.tasks}
    verb = _DONE.get(actions.pop() if len(actions) == 1 else view.action, "Done")
    parts = [Cell(f"{verb} {done} of {len(view.tasks)}" + (f" ({unchanged} unchanged)" if unchanged else ""))]
    for state, words, tone in (
        (TaskState.FAILED, "failed", Tone.BAD),
        (TaskState.TIMED_OUT, "timed out", Tone.BAD),
        (TaskState.LOST, "lost", Tone.WARN),
        (TaskState.BLOCKED, "blocked", Tone.WARN),
        (TaskState.CANCELLED, "cancelled", Tone.WARN),
        (TaskState.NEEDS_APPROVAL, "waiting for approval", Tone.WARN),
    ):
        aliases = tuple(printable(task.alias) for task in view.tasks if task.state is state)
        if aliases:
            parts.append(Cell(f"{words}: {names(aliases)}", tone))
    if view.finished_at is not None:
        parts.append(Cell(duration(view.finished_at - view.created_at)))
    sign = paint("✓", Tone.GOOD) if done == len(view.tasks) else paint("✗", Tone.BAD)
    waiting = any(task.state is TaskState.NEEDS_APPROVAL for task in view.tasks)
    return f"{paint('!', Tone.WARN) if waiting else sign} {_joined(f'{printable(view.workflow)}: ', parts)}"


def _joined(first: str, parts: Sequence[Cell]) -> str:
    """The parts on one line, or each on its own where the terminal is too narrow for that."""
    columns = terminal_width()
    whole = len("✓ ") + width_of(first) + sum(width_of(part.text) + len(" · ") for part in parts)
    between = "\n  " if columns is not None and whole > columns else " · "
    return first + between.join(paint(part.text, part.tone) for part in parts)


def _next(view: DeploymentView) -> list[str]:
    lines = []
    for task in view.tasks:
        if task.state is TaskState.NEEDS_APPROVAL:
            differs = "its plan is not the one that was shown" if task.shown else "its plan was never shown"
            why = differs if task.code is Code.PLAN_DIFFERS else "it asks for approval"
            alias = printable(task.alias)
            lines.append(f"{alias}: {why}; see 'headwater show {view.id}', then 'headwater approve {alias}'")
    broken = any(task.state in (TaskState.FAILED, TaskState.TIMED_OUT) for task in view.tasks)
    if broken and view.action is TaskAction.DEPLOY:
        lines.append("mended in git: 'headwater deploy --since-deployed'; to try the same again: 'headwater retry'")
    elif broken or any(task.state is TaskState.CANCELLED for task in view.tasks):
        lines.append("to go on with the same: 'headwater retry'")
    return lines
