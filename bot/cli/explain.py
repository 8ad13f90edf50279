"""`headwater explain`: why an environment is where it is, and what would move it."""

from __future__ import annotations

import click

from bot.cli.acting import Session
from bot.cli.completing import environment_aliases
from bot.cli.context import Command, Globals
from bot.cli.exit_codes import ExitCode
from bot.cli.output import Tone, paint, print_json, printable, say
from bot.cli.words import SHORT, names, state_words, when
from bot.decide.meaning import meaning
from bot.decide.transitions import Code, TaskState
from bot.explaining import Explanation, explain
from bot.store.views import TaskView


@click.command(cls=Command)
@click.argument("alias", shell_complete=environment_aliases)
@click.pass_obj
def command(settings: Globals, alias: str) -> ExitCode:
    """Tell why ALIAS is affected, waits, is blocked or was skipped, and what would start it."""
    session = Session(settings)
    session.collect()
    found = explain(session.project, alias, settings.workflow)
    advice = _advice(found)
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
    task = found.task
    if task is not None:
        means = meaning(task.state, task.code, begun=task.started_at is not None)
        lines.append(f"{printable(state_words(task))} (deployment #{found.deployment}): {means}")
        if task.detail and task.state is TaskState.FAILED:
            lines += [f"  {printable(line)}" for line in task.detail.splitlines()[:5]]
        if found.rival is not None:
            lines.append(f"queued behind deployment #{found.rival}, which works on it")
        lines += [f"{printable(one)} is not done yet" for one in task.waits_for]
    if found.reasons:
        lines.append("changed since it was last deployed:" if found.deployed else "would be deployed, since:")
        lines += [f"  {printable(reason)}" for reason in found.reasons]
    elif found.deployed and not found.disabled and not found.gone:
        lines.append("unchanged since it was last deployed")
    return lines


def _deployed(found: Explanation) -> str:
    if not found.deployed:
        return "not deployed"
    return f"deployed at {(found.commit or '')[:SHORT]} on {when(found.deployed_at)}"


def _advice(found: Explanation) -> list[str]:
    """What would start it, most likely first."""
    alias, task = printable(found.alias), found.task
    if found.gone:
        return [f"headwater approve {alias}" if _asks(task) else f"headwater destroy {alias}"]
    if task is None or task.state in (TaskState.SUCCEEDED, TaskState.SKIPPED) or task.code is Code.SUPERSEDED:
        whole = "headwater deploy" if found.absent else f"headwater deploy {alias}"
        return [whole] if found.reasons or not found.deployed else ["nothing to do"]
    if task.state is TaskState.WAITING and found.asking:
        return [f"headwater approve {printable(one)}" for one in found.asking]
    if task.code is Code.CANNOT_START:
        return ["headwater retry   once that is mended"]
    return _by_state(found, task, alias)


def _by_state(found: Explanation, task: TaskView, alias: str) -> list[str]:
    match task.state:
        case TaskState.NEEDS_APPROVAL:
            return [f"headwater show {found.deployment}", f"headwater approve {alias}   (or: headwater reject {alias})"]
        case TaskState.LOST:
            return [
                "wait: it is looked at again by every command",
                "headwater retry --force   once you are sure that the tool has ended",
            ]
        case TaskState.BLOCKED:
            return [f"headwater retry   once {printable(task.detail)} is mended", "headwater deploy --since-deployed"]
        case TaskState.FAILED | TaskState.TIMED_OUT:
            return [
                f"headwater logs {alias}",
                "headwater deploy --since-deployed   (mended in git), or headwater retry",
            ]
        case TaskState.CANCELLED:
            return ["headwater retry"]
        case _:
            return ["headwater retry   goes on with it, if the command that began it is gone"]


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
        "waitsFor": list(task.waits_for) if task else [],
        "next": advice,
    }
