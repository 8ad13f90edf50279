"""Planning before acting: run the plans, show them, and say what can go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.cli.acting import Session
from bot.cli.cautions import cautions
from bot.cli.output import Cell, Tone, paint, printable, say, table, terminal_width
from bot.cli.words import commit_words, folded, plan_cell, reasons_words, state_cell
from bot.decide.saying import plan_counts
from bot.decide.transitions import TaskState
from bot.preparing.situation import Prepared
from bot.request import Aim
from bot.reviewed import Review
from bot.store.views import PlanView, TaskView
from bot.submit import planned_by, submit_plan


def review(session: Session, prepared: Sequence[Prepared]) -> list[Review]:
    """Plan all of it at once, and show what came of it."""
    numbers = [submit_plan(session.project, one) for one in prepared]
    found = session.run(numbers, plans=True)
    reviews = [
        Review(one, view, planned_by(session.project, view.id)) for one, view in zip(prepared, found, strict=True)
    ]
    if not session.settings.json:
        for one in reviews:
            show_review(one, quiet=session.settings.quiet, brief=session.brief)
    return reviews


def show_review(one: Review, *, quiet: bool, brief: bool = False) -> None:
    """The plans' texts (`brief`: their resources), a table of them, then what to know before going on."""
    for task in one.view.tasks:
        if not quiet and task.plan is not None and not task.plan.empty:
            say(_heading(task))
            say(indented_plan("\n".join(changed_resources(task.plan)) if brief else plan_body(task.plan.text)))
            say()
    for task in one.failed:
        say(
            paint(
                f"✗ {printable(task.alias)}: {printable(next(iter((task.error or task.detail).splitlines()), ''))}",
                Tone.BAD,
            )
        )
        for line in task.error.splitlines()[1:]:
            say(f"  {printable(line)}")
        say()
    say(_title(one))
    say()
    if one.view.tasks:
        say(_table(one))
        say()
    changing = frozenset(task.alias for task in one.changing)
    for line in cautions(one.prepared, one.view.tasks, changing):
        say(folded(line, first="! ").replace("!", paint("!", Tone.WARN), 1))
    say(summary(one))


def _heading(task: TaskView) -> str:
    counts = plan_cell(task.plan)
    return f"{paint(printable(task.alias), Tone.STRONG)}  {paint(counts.text, counts.tone)}"


def changed_resources(plan: PlanView) -> list[str]:
    """One line for each resource that a plan changes; a tool that does not tell them has its text."""
    if not plan.changes:
        return ["outputs only"] if plan.counts.get("outputs_changed") else plan.text.strip("\n").splitlines()
    return [f"{_ACTIONS.get(tuple(one['actions']), '~')} {_resource(one)}" for one in plan.changes]


_ACTIONS = {
    ("create",): "+",
    ("delete",): "-",
    ("update",): "~",
    ("delete", "create"): "±",
    ("create", "delete"): "±",
}


def _resource(change: Mapping[str, Any]) -> str:
    previous = change.get("previous")
    return f"{change['address']} (was {previous})" if previous else str(change["address"])


def plan_body(text: str) -> str:
    """A plan's text without what Terraform and OpenTofu say before every plan: it explains signs that all know."""
    for preamble in _PREAMBLES:
        head, found, body = text.partition(preamble)
        if found and head.count("\n") < _MOST_PREAMBLE_LINES:
            return body
    return text


_PREAMBLES = ("Terraform will perform the following actions:\n", "OpenTofu will perform the following actions:\n")
_MOST_PREAMBLE_LINES = 12


def indented_plan(text: str) -> str:
    """A plan's text, indented, its lines in the colour of their signs."""
    return "\n".join(f"  {line}".rstrip() for line in map(_coloured, text.strip("\n").splitlines()))


_DIFF = {"+": Tone.GOOD, "-": Tone.BAD, "±": Tone.BAD, "~": Tone.WARN}


def _coloured(line: str) -> str:
    """A line of a plan, in the colour of the sign that it begins with."""
    stripped = line.lstrip()
    tone = _DIFF.get(stripped[:1], Tone.PLAIN) if stripped[1:2] in (" ", "/") else Tone.PLAIN
    return paint(printable(line), tone)


def _title(one: Review) -> str:
    aim = {Aim.DEPLOY: "Plan", Aim.DESTROY: "Destroy plan", Aim.ADOPT: "Adoption"}[one.prepared.request.aim]
    commit = commit_words(one.prepared.commit, dirty=one.prepared.dirty)
    return paint(f"{aim} of {printable(one.prepared.workflow.name)} at {commit}", Tone.STRONG)


def _table(one: Review) -> str:
    wide = any(task.reasons for task in one.view.tasks)
    rows: list[list[str | Cell]] = []
    for task in one.view.tasks:
        cell = plan_cell(task.plan) if task.state is TaskState.SUCCEEDED else state_cell(task)
        environment = one.prepared.environments.get(task.alias)
        tool = environment.tool.value if environment else ""
        rows.append([task.alias, Cell(tool, Tone.FAINT), cell, *([reasons_words(task.reasons)] if wide else [])])
    headers = ["Environment", "Tool", "Plan", *(["Why"] if wide else [])]
    return table(headers, rows, width=terminal_width())


def summary(one: Review) -> str:
    """What it comes to, in one line."""
    changing = one.changing
    verb = "destroy" if one.prepared.request.aim is Aim.DESTROY else "deploy"
    if not one.view.tasks:
        return "Nothing to do: " + ("nothing is deployed." if verb == "destroy" else "nothing is affected.")
    if not changing and not one.failed:
        return paint("No changes.", Tone.GOOD)
    totals: dict[str, int] = {}
    for task in one.view.tasks:
        for name, count in (task.plan.counts if task.plan else {}).items():
            totals[name] = totals.get(name, 0) + count
    later = sum(task.state is TaskState.SKIPPED for task in one.view.tasks)
    parts = [f"{len(changing)} of {len(one.view.tasks)} to {verb}", plan_counts(totals)]
    if later:
        parts.append(f"{later} planned when {'its' if later == 1 else 'their'} turn comes")
    if one.failed:
        parts.append(paint(f"{len(one.failed)} failed", Tone.BAD))
    return " · ".join(part for part in parts if part)
