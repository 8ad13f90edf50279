"""`headwater graph`: what needs what."""

from __future__ import annotations

import click

from bot.cli import diagrams
from bot.cli.context import Command, Globals
from bot.cli.definitions import chosen_workflows, read_commit, repository_of
from bot.cli.drawing import drawing
from bot.cli.exit_codes import ExitCode
from bot.cli.output import print_json, say, terminal_width


@click.command(cls=Command)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "dot", "json"]),
    default="text",
    show_default=True,
    help="Text draws for a terminal; Mermaid is what GitHub shows; dot is for Graphviz.",
)
@click.option("--work-tree", is_flag=True, help="Draw the uncommitted files, not the last commit.")
@click.pass_obj
def command(settings: Globals, form: str, *, work_tree: bool) -> ExitCode:
    """Draw the graph of every workflow: what needs what, and in which wave it runs.

    In the text, each step to the right is a wave. An environment hangs below the last of its upstreams; what else
    it needs stands beside it as "+ ALIAS".
    """
    repository = repository_of(settings)
    reading = read_commit(repository, settings, work_tree=work_tree)
    workflows = chosen_workflows(reading.require(), settings)
    match "json" if settings.json else form:
        case "json":
            print_json(diagrams.as_json(workflows))
        case "mermaid":
            say(diagrams.mermaid(workflows))
        case "dot":
            say(diagrams.dot(workflows))
        case _:
            say("\n\n".join(drawing(workflow, terminal_width()) for workflow in workflows))
    return ExitCode.DONE
