"""`headwater explain`: why an environment is where it is, and what would move it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bot.cli.acting import Session
from bot.cli.beside_bot import advised
from bot.cli.commands import COMMANDS
from bot.cli.completing import environment_aliases
from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import Tone, paint, print_json, printable, say
from bot.cli.words import SHORT, iso, names, reasons_words, state_words, when
from bot.decide.freeing import Way, ways
from bot.decide.meaning import meaning
from bot.decide.transitions import FINISHED, Code, TaskState
from bot.explaining import Explanation, explain
from bot.store.views import TaskView

_MOST_REASONS = 6


@click.command(cls=Command)
@click.argument("alias", shell_complete=environment_aliases)
@click.pass_obj
def command(settings: Globals, alias: str) -> ExitCode:
    """Tell why ALIAS is affected, waits, is blocked or was refused, since when, and what would free it."""
    session = Session(settings)
    session.collect()
    found = explain(session.project, alias, settings.workflow)
    advice = advised(_advice(found), session.project.repository)
    if settings.json:
        print_json(_as_json(found, advice))
        return ExitCode.DONE
    say(paint(printable(found.alias), Tone.STRONG) + paint(f"  {printable(found.workflow)}", Tone.FAINT))
    for line in _lines(found):
        say(f"  {line}")
    say()
    for number, line in enumerate(advice):
        say(("Next: " if number == 0 else "      ") + line)
    return ExitCode.DONE


def _asks(task: TaskView | None) -> bool:
    return task is not None and task.state is TaskState.NEEDS_APPROVAL


def _lines(found: Explanation) -> list[str]:
    lines = [_deployed(found)]
    if found.gone:
        lines.append("gone from the workflow file")
    if found.disabled:
        lines.append("disabled in the workflow file: left out, what needs it waits for what it needs")
    if found.needs:
        lines.append(f"needs {printable(names(found.needs, 10))}")
    lines += _of_task(found, found.task) if found.task is not None else []
    if found.held_by is not None:
        lines.append(f"belongs to #{found.held_by} since {when(found.held_since)}")
    if found.reasons:
        lines.append("changed since it was last deployed:" if found.deployed else "would be deployed, since:")
        lines += _some(found.reasons)
    elif found.deployed and not found.disabled and not found.gone:
        lines.append("unchanged since it was last deployed")
    for one in found.refusals:
        lines.append(f"{one.deed} by {printable(one.actor)} was refused on {when(one.at)} ({printable(one.origin)}):")
        lines += _some(one.detail.splitlines())
    return lines


def _some(lines: Sequence[str]) -> list[str]:
    """The first lines of what may be long, and how many more there are: all of it is for one screen."""
    more = [f"  and {len(lines) - _MOST_REASONS} more"] if len(lines) > _MOST_REASONS else []
    return [f"  {printable(line)}" for line in lines[:_MOST_REASONS]] + more


def _of_task(found: Explanation, task: TaskView) -> list[str]:
    means = meaning(task.state, task.code, begun=task.started_at is not None)
    since = f", since {when(found.since)}" if found.since is not None else ""
    lines = [f"{printable(state_words(task))} (deployment #{found.deployment}{since}): {means}"]
    if task.detail and task.state is TaskState.FAILED:
        lines += [f"  {printable(line)}" for line in task.detail.splitlines()[:5]]
    if task.state in FINISHED:
        return lines
    if found.actor:
        because = f", for: {printable(reasons_words(task.reasons[:_MOST_REASONS]))}" if task.reasons else ""
        lines.append(f"asked for by {printable(found.actor)} ({printable(found.origin)}){because}")
    if found.rival is not None:
        lines.append(f"queued behind deployment #{found.rival}, which works on it or on a neighbour")
    return lines + ([f"not done yet: {printable(names(task.waits_for, 10))}"] if task.waits_for else [])


def _deployed(found: Explanation) -> str:
    if not found.deployed:
        return "not deployed"
    return f"deployed at {(found.commit or '')[:SHORT]} on {when(found.deployed_at)}"


def _advice(found: Explanation) -> list[str]:
    """What would free it, most likely first."""
    alias, task, place = printable(found.alias), found.task, found.place
    if found.gone:
        return [f"headwater approve {alias}" if _asks(task) else f"headwater destroy {alias}"]
    if place is None or place.state in (TaskState.SUCCEEDED, TaskState.SKIPPED) or place.code is Code.SUPERSEDED:
        whole = "headwater deploy" if found.absent else f"headwater deploy {alias}"
        return [whole] if found.reasons or not found.deployed else ["nothing to do"]
    first = {
        TaskState.NEEDS_APPROVAL: [f"headwater show {found.deployment}"],
        TaskState.FAILED: [f"headwater logs {alias}"],
        TaskState.TIMED_OUT: [f"headwater logs {alias}"],
    }
    lines = [line for one in ways(place) for line in _way(one)]
    if place.state in _DRIVEN and not place.asking:
        lines.append("headwater retry   goes on with it, if the command that began it is gone")
    if place.state in (TaskState.FAILED, TaskState.TIMED_OUT) or place.code is Code.UPSTREAM_BROKEN:
        lines.append("headwater deploy --since-deployed   (mended in git)")
    return [*([] if place.code is Code.CANNOT_START else first.get(place.state, [])), *lines]


_DRIVEN = (TaskState.WAITING, TaskState.READY, TaskState.DISPATCHED, TaskState.RUNNING)
"""What goes on only while a command drives it, where there is no server."""


def _way(one: Way) -> list[str]:
    words = one.words.replace("{}", printable(", ".join(one.names)))
    if not one.verb:
        return [f"it goes on {words}"]
    if one.verb not in COMMANDS:  # a comment on the pull request does that
        return [words]
    call = f"headwater {one.verb}"
    each = [f"{call} {printable(alias)}" for alias in one.aliases] or [f"{call} {one.option}".strip()]
    return [f"{line}   ({words})" for line in each]


def _as_json(found: Explanation, advice: list[str]) -> dict[str, object]:
    task = found.task
    return {
        "alias": found.alias,
        "workflow": found.workflow,
        "deployed": found.deployed,
        "commit": found.commit,
        "disabled": found.disabled,
        "needs": list(found.needs),
        "reasons": list(found.reasons),
        "deployment": found.deployment,
        "state": task.state.value if task else None,
        "code": task.code.value if task else None,
        "detail": task.detail if task else "",
        "since": iso(found.since),
        "actor": found.actor,
        "origin": found.origin,
        "for": list(task.reasons) if task else [],
        "waitsFor": list(task.waits_for) if task else [],
        "behind": found.rival,
        "heldBy": found.held_by,
        "refusals": [
            {"actor": one.actor, "deed": one.deed, "at": iso(one.at), "codes": list(one.codes), "detail": one.detail}
            for one in found.refusals
        ],
        "next": advice,
    }
