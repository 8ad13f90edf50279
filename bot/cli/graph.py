"""`headwater graph`: what needs what."""

from __future__ import annotations

import click

from bot.cli import diagrams
from bot.cli.context import Command
from bot.cli.definitions import chosen_workflows, listing, read_commit, repository_of
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import print_json, say, terminal_width
from planner.repository import Repository


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
    form = "json" if settings.json else form
    if form == "text":
        say(_drawn(repository, settings, work_tree=work_tree))
        return ExitCode.DONE
    workflows = listing(repository, settings, work_tree=work_tree)
    match form:
        case "json":
            print_json(diagrams.as_json(workflows))
        case "mermaid":
            say(diagrams.mermaid(workflows))
        case _:
            say(diagrams.dot(workflows))
    return ExitCode.DONE


def _drawn(repository: Repository, settings: Globals, *, work_tree: bool) -> str:
    from bot.cli.drawing import drawing  # noqa: PLC0415  (only a drawing needs whole definitions)

    definitions = read_commit(repository, settings, work_tree=work_tree).require()
    return "\n\n".join(drawing(one, terminal_width()) for one in chosen_workflows(definitions, settings))
