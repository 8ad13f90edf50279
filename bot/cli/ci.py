"""`headwater ci`: CI files for people who want no bot."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import click

from bot.backends import without_backend
from bot.cli.context import Command, CommandGroup
from bot.cli.definitions import chosen_workflows, read_commit, repository_of
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import note, printable, say
from planner.ci.pipelines import render_github_actions
from planner.definition import Workflow
from planner.repository import Repository

_SETUP_ACTION = ".github/actions/headwater-setup"


@click.group(cls=CommandGroup)
def command() -> None:
    """Write a CI file that plans pull requests and deploys merges, without a bot."""


@command.command("github-actions", cls=Command, short_help="A workflow file of GitHub Actions.")
@click.option("--graph", is_flag=True, help="One job per environment with its real needs, not a matrix per wave.")
@click.option("-o", "output", metavar="FILE", type=click.Path(path_type=Path), help="Write FILE instead of stdout.")
@click.option("--branch", metavar="NAME", help="The branch that deploys; else the default branch of origin.")
@click.option(
    "--store/--no-store",
    default=None,
    help="Deploys share a PostgreSQL store (secret HEADWATER_DATABASE_URL); else: where a workflow needs one.",
)
@click.option(
    "--package",
    metavar="SPEC",
    help="What the jobs install with pip, such as 'headwater @ git+https://HOST/REPO@SHA'; else this release by name.",
)
@click.option("--work-tree", is_flag=True, help="Read the uncommitted files, not the last commit.")
@click.pass_obj
def github_actions(
    settings: Globals,
    output: Path | None,
    branch: str | None,
    *,
    graph: bool,
    store: bool | None,
    package: str | None,
    work_tree: bool,
) -> ExitCode:
    """Render a whole workflow file of GitHub Actions; the same input gives the same bytes.

    \b
        headwater ci github-actions -o .github/workflows/headwater.yml
    """
    repository = repository_of(settings)
    definitions = read_commit(repository, settings, work_tree=work_tree).require()
    workflows = chosen_workflows(definitions, settings)
    text = render_github_actions(
        workflows,
        graph=graph,
        base_branch=branch or default_branch(repository.git_dir),
        version=version("headwater"),
        whole=len(workflows) == len(definitions.workflows),
        store=store,
        package=package,
        setup_action=repository.top is not None and (repository.top / _SETUP_ACTION).is_dir(),
    )
    if package is None:
        release = version("headwater")
        note(
            f"note: the jobs install headwater=={release} by name: see that this is yours, or give --package",
            quiet=settings.quiet,
        )
    for caution in _cautions(workflows, repository):
        note(f"note: {caution}", quiet=settings.quiet)
    if output is None:
        say(text.removesuffix("\n"))
        return ExitCode.DONE
    target = settings.path(output)
    _write(target, text)
    note(
        f"wrote {printable(str(target))}: commit it, and run this again when the workflow files change",
        quiet=settings.quiet,
    )
    return ExitCode.DONE


def _cautions(workflows: Sequence[Workflow], repository: Repository) -> list[str]:
    """What somebody should know before such a file is committed."""
    found = []
    if not all(one.triggers.deploy_on_merge for one in workflows):
        found.append("this file deploys every push to its branch: `deployOnMerge` is for the bot, not looked at here")
    homeless = without_backend(repository.top, (one for workflow in workflows for one in workflow.environments))
    if homeless:
        names = ", ".join(map(printable, homeless[:5])) + (", …" if len(homeless) > 5 else "")
        found.append(f"{names}: no backend is declared, so a CI job would lose the state; such jobs refuse to run")
    return found


def default_branch(git_folder: Path) -> str:
    """The branch that `origin` has as its default, else the one that is checked out, else `main`."""
    for name, prefix in (("refs/remotes/origin/HEAD", "refs/remotes/origin/"), ("HEAD", "refs/heads/")):
        target = _symbolic_ref(git_folder / name)
        if target.startswith(prefix) and not target.endswith("/.invalid"):  # .invalid: another format of refs
            return target.removeprefix(prefix)
    return "main"


def _symbolic_ref(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").partition("ref: ")[2].strip()
    except OSError:
        return ""


def _write(target: Path, text: str) -> None:
    """Write the file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
