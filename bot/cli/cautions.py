"""What somebody should know before saying yes to a plan."""

from __future__ import annotations

from collections.abc import Sequence

from bot.cli.output import printable
from bot.cli.words import names
from bot.decide.facts import TaskAction
from bot.decide.transitions import ACTIVE, FINISHED
from bot.preparing.cautions import about_preparation
from bot.preparing.situation import Prepared
from bot.request import Aim
from bot.store.views import PlanView, TaskView


def cautions(prepared: Prepared, tasks: Sequence[TaskView], changing: frozenset[str]) -> list[str]:
    """What somebody should know before saying yes; `changing`: the aliases whose plan has changes."""
    lines = [
        f"{printable(task.alias)}: {_losses(task.plan)}"
        for task in tasks
        if task.action is TaskAction.PLAN and task.plan and _losses(task.plan)
    ]
    lines += _about_sources(prepared, tasks, changing)
    lines += [printable(line) for line in about_preparation(prepared)]
    lines += _about_approvals(tasks, changing)
    lines += _about_others(prepared)
    lines += _about_files(prepared)
    return lines


def _losses(plan: PlanView) -> str:
    """What a plan takes away: `destroys 2, replaces 1`."""
    verbs = (("destroys", "destroy"), ("replaces", "replace"))
    return ", ".join(f"{verb} {plan.counts[name]}" for verb, name in verbs if plan.counts.get(name))


def _about_sources(prepared: Prepared, tasks: Sequence[TaskView], changing: frozenset[str]) -> list[str]:
    """Who was planned with outputs that this very deployment may change, told together for the same upstreams."""
    planned: dict[tuple[str, ...], list[str]] = {}
    for task in tasks:
        upstreams = _changing_sources(prepared, task.alias, changing) if task.plan else []
        if upstreams:
            planned.setdefault(tuple(upstreams), []).append(task.alias)
    return [_about_shared_sources(aliases, upstreams) for upstreams, aliases in planned.items()]


def _about_shared_sources(aliases: Sequence[str], upstreams: Sequence[str]) -> str:
    who, whose = ", ".join(map(printable, aliases)), " and ".join(map(printable, upstreams))
    have, their = "has" if len(upstreams) == 1 else "have", "its" if len(aliases) == 1 else "their"
    return f"{who}: planned with the outputs that {whose} {have} now; planned again when {their} turn comes"


def _changing_sources(prepared: Prepared, alias: str, changing: frozenset[str]) -> list[str]:
    environment = prepared.environments.get(alias)
    if environment is None or prepared.request.aim is not Aim.DEPLOY:
        return []
    keys = {one.casefold(): one for one in changing}
    read = {reference.alias.casefold() for variable in environment.variables for reference in variable.references}
    return sorted(keys[key] for key in read if key in keys)


def _about_approvals(tasks: Sequence[TaskView], changing: frozenset[str]) -> list[str]:
    asking = [task.alias for task in tasks if task.requires_approval and task.alias in changing]
    return [f"{names(tuple(map(printable, asking)))}: will wait for approval (requiresApproval)"] if asking else []


def _about_others(prepared: Prepared) -> list[str]:
    """Who else is at these environments: what is at work is waited for, what only waits makes way."""
    working: dict[int, list[str]] = {}
    waiting: dict[int, list[str]] = {}
    for alias in prepared.order:
        row = prepared.rows.get(alias)
        if row is None or row.deployment is None or row.facts.state is None or row.facts.state in FINISHED:
            continue
        group = working if row.facts.state in ACTIVE else waiting
        group.setdefault(row.deployment, []).append(printable(alias))
    lines = [
        f"deployment #{number} is at work on {names(tuple(who))}: this waits for it" for number, who in working.items()
    ]
    return lines + [
        f"deployment #{number} has not begun with {names(tuple(who))}: this takes its place"
        for number, who in waiting.items()
    ]


def _about_files(prepared: Prepared) -> list[str]:
    lines = []
    if prepared.uncommitted:
        files = "1 uncommitted file" if prepared.uncommitted == 1 else f"{prepared.uncommitted} uncommitted files"
        lines.append(f"{files} left out ('--work-tree' takes what lies there)")
    if prepared.stray:
        who = names(tuple(map(printable, prepared.stray)))
        lines.append(f"{who}: a terraform.tfstate lies beside the code and is not used; a deploy will refuse")
    return lines
