"""`headwater affected`: what a change touches, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from bot.cli.changes import changes
from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import Cell, Tone, note, paint, print_json, printable, say, table, terminal_width
from planner.changes import AffectedEnvironment, AffectedWorkflow, Reason, ReasonCode
from planner.repository import Repository

_MOST_REASONS = 4
"""Reasons of one environment that people are shown; `--json` has all."""


@click.command(cls=Command)
@click.option("--base", metavar="REV", help="Compare with where HEAD parted from this revision.")
@click.option("--head", metavar="REV", default="HEAD", show_default=True, help="What is compared with the base.")
@click.option("--exact", is_flag=True, help="Compare with --base itself, not with the merge base.")
@click.option("--since-deployed", is_flag=True, help="Compare each with the commit that it was last deployed at.")
@click.option("--all", "everything", is_flag=True, help="List the unaffected environments as well.")
@click.pass_obj
def command(
    settings: Globals, base: str | None, head: str, *, exact: bool, since_deployed: bool, everything: bool
) -> ExitCode:
    """Tell which environments a change affects, and why: those whose inputs differ, and all downstream of them.

    \b
        headwater affected --base origin/main
        headwater affected --base v1.2 --head v1.3 --exact --json
    """
    with Repository(settings.folder) as repository:
        answer = changes(
            repository, settings, base, head, exact=exact, since_deployed=since_deployed, everything=everything
        )
    if settings.json:
        print_json(as_json(answer.base, answer.head, answer.workflows))
        return ExitCode.DONE
    base = "each environment's last deploy" if since_deployed else answer.base[:12]
    note(f"{base}..{answer.head[:12]}", quiet=settings.quiet)
    parts = [part for workflow in answer.workflows if (part := told(workflow, terminal_width()))]
    say("\n\n".join(parts) if parts else "Nothing is affected.")
    return ExitCode.DONE


def as_json(base: str, head: str, workflows: Sequence[AffectedWorkflow]) -> dict[str, object]:
    """The answer for machines. A contract: docs/command-line.md has the same keys, in the same order."""
    return {"base": base, "head": head, "workflows": [_workflow_json(one) for one in workflows]}


def _workflow_json(workflow: AffectedWorkflow) -> dict[str, object]:
    return {
        "file": workflow.file,
        "name": workflow.name,
        "environments": [
            {
                "alias": one.alias,
                "slug": one.slug,
                "path": one.path,
                "changed": one.changed,
                "affected": one.affected,
                "wave": one.wave,
                "needs": list(one.needs),
                "reasons": [{"code": reason.code.value, "detail": reason.detail} for reason in one.reasons],
            }
            for one in workflow.environments
        ],
        "removed": [{"alias": one.alias, "path": one.path} for one in workflow.removed],
    }


def told(workflow: AffectedWorkflow, width: int | None = None) -> str:
    """What is affected of a workflow and why, for people; an empty text where nothing is to be told."""
    rows = [row for one in workflow.environments for row in _rows(one)]
    if not rows and not workflow.removed:
        return ""
    parts = [_headline(workflow)]
    if rows:
        parts.append(table(["Environment", "Wave", "", "Why"], rows, right=["Wave"], width=width))
    parts += [
        f"{paint('removed:', Tone.WARN)} {printable(one.alias)}{paint(f' ({printable(one.path)})', Tone.FAINT)}"
        for one in workflow.removed
    ]
    return "\n".join(parts)


def _headline(workflow: AffectedWorkflow) -> str:
    changed = sum(one.changed for one in workflow.environments)
    downstream = sum(one.affected and not one.changed for one in workflow.environments)
    removed = f", {len(workflow.removed)} removed" if workflow.removed else ""
    count = f"{changed} changed, {downstream} downstream{removed}"
    return (
        f"{paint(printable(workflow.name), Tone.STRONG)}  {paint(f'{count} · {printable(workflow.file)}', Tone.FAINT)}"
    )


def _rows(environment: AffectedEnvironment) -> Iterator[list[str | Cell]]:
    tone = Tone.STRONG if environment.changed else Tone.PLAIN if environment.affected else Tone.FAINT
    state = (
        Cell("changed", Tone.WARN)
        if environment.changed
        else Cell("downstream", Tone.BUSY)
        if environment.affected
        else Cell("unaffected", Tone.FAINT)
    )
    first, *more = _reasons(environment.reasons) or [""]
    yield [Cell(environment.alias, tone), str(environment.wave), state, first]
    for reason in more:
        yield ["", "", "", reason]


def _reasons(reasons: Sequence[Reason]) -> list[str]:
    """The reasons in words; those upstream on one line, which goes on from the column before: `downstream  of db`."""
    upstreams = [one.detail for one in reasons if one.code is ReasonCode.UPSTREAM_AFFECTED]
    words = [f"{one.code.value}: {one.detail}" for one in reasons if one.code is not ReasonCode.UPSTREAM_AFFECTED]
    if upstreams:
        words.append(f"of {', '.join(upstreams)}")
    hidden = len(words) - _MOST_REASONS
    return words if hidden <= 1 else [*words[:_MOST_REASONS], f"and {hidden} more reasons (--json has all)"]
