"""`headwater matrix`: what is affected, as job matrices for a CI."""

from __future__ import annotations

import click

from bot.cli.changes import changes
from bot.cli.context import Command
from bot.cli.definitions import chosen_workflows, read_revision, resolved
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import print_json, say, table, terminal_width
from planner.ci.matrix import MatrixEntry, matrix, matrix_entries
from planner.repository import Repository


@click.command(cls=Command)
@click.option("--base", metavar="REV", help="Compare with where HEAD parted from this revision.")
@click.option("--head", metavar="REV", default="HEAD", show_default=True, help="What is compared with the base.")
@click.option("--exact", is_flag=True, help="Compare with --base itself, not with the merge base.")
@click.option("--since-deployed", is_flag=True, help="Compare each with the commit that it was last deployed at.")
@click.pass_obj
def command(settings: Globals, base: str | None, head: str, *, exact: bool, since_deployed: bool) -> ExitCode:
    """Tell the affected environments as job matrices, wave by wave; with --json for a CI to read.

    A matrix has at most 256 jobs: a larger wave spans several. Disabled environments are left out.
    """
    entries = affected_entries(settings, base, head, exact=exact, since_deployed=since_deployed)
    if settings.json:
        print_json(matrix(entries))
    elif entries:
        rows = [[one.environment, str(one.wave), one.tool, one.path or "."] for one in entries]
        say(table(["Environment", "Wave", "Tool", "Path"], rows, right=["Wave"], width=terminal_width()))
    else:
        say("Nothing is affected.")
    return ExitCode.DONE


def affected_entries(
    settings: Globals, base: str | None, head: str, *, exact: bool, since_deployed: bool
) -> tuple[MatrixEntry, ...]:
    """The affected environments as entries of matrices, by wave; they tell their workflow where there are several."""
    with Repository(settings.folder) as repository:
        answer = changes(repository, settings, base, head, exact=exact, since_deployed=since_deployed)
        definitions = read_revision(repository, answer.head).require()
    workflows = [resolved(one) for one in chosen_workflows(definitions, settings)]
    affected = {one.file: frozenset(each.alias for each in one.environments) for one in answer.workflows}
    entries = [
        entry
        for workflow in workflows
        for entry in matrix_entries(workflow, affected.get(workflow.file, frozenset()), named=len(workflows) > 1)
    ]
    return tuple(sorted(entries, key=lambda entry: entry.wave))
