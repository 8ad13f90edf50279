"""`headwater lint`: all problems of the workflow files, at once."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bot.cli.context import Command
from bot.cli.definitions import repository_of
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import note, print_json, printable, say
from bot.errors import WrongUse
from planner.findings import Findings, findings_in_work_tree
from planner.index import cache_folder, definitions_at
from planner.problems import Problem, Severity
from planner.repository import Repository
from planner.workflow_files import is_workflow_file


@click.command(cls=Command)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="`github` makes annotations on the pull request.",
)
@click.pass_obj
def command(settings: Globals, files: tuple[Path, ...], form: str) -> ExitCode:
    """Tell all problems of the workflow files as they lie in the work tree; exit code 2 if any is an error.

    With FILE, all files are read, and the problems of these are told.
    """
    repository = repository_of(settings)
    wanted = [_in_repository(file, settings, repository) for file in files]
    found = _findings(repository)
    problems = [one for one in sorted(found.problems) if not files or one.place.file in wanted]
    form = "json" if settings.json else form
    if form == "json":
        print_json({"problems": [_as_json(one) for one in problems]})
    for problem in problems if form != "json" else ():
        say(github_annotation(problem) if form == "github" else printable(str(problem)))
    errors = sum(one.severity is Severity.ERROR for one in problems)
    if form == "text":
        note(_summary(errors, len(problems) - errors, found.workflows), quiet=settings.quiet)
    return ExitCode.WRONG if errors else ExitCode.DONE


def _findings(repository: Repository) -> Findings:
    """What is wrong with the files as they lie in the work tree; with those of the last commit where there is none."""
    if repository.top is not None:
        return findings_in_work_tree(repository)
    reading = definitions_at(repository, repository.commit("HEAD"), cache_folder(repository))
    return Findings(reading.problems, len(reading.definitions.workflows))


def _in_repository(file: Path, settings: Globals, repository: Repository) -> str:
    """The path of a file as problems name it. Raises WrongUse where it is no workflow file of this repository."""
    top = repository.top
    place = Path(os.path.normpath(settings.path(file).absolute()))
    if top is None:
        raise WrongUse("a bare repository has no files to name", "leave FILE out: the last commit is read")
    if not place.is_file():
        raise WrongUse(f"{file}: no such file")
    inside = next((parent for parent in place.parents if parent.resolve() == top.resolve()), None)
    if inside is None:
        raise WrongUse(f"{file} is not in this repository ({top})", "start in its own repository, or name it with -C")
    name = place.relative_to(inside).as_posix()
    if not is_workflow_file(name):
        raise WrongUse(
            f"{file} is not a workflow file",
            "these are called env0.workflow.yml, env0.workflow.yaml, headwater.yml or headwater.yaml",
        )
    return name


def _summary(errors: int, warnings: int, workflows: int) -> str:
    if not (errors or warnings or workflows):
        return "no workflow file here: 'headwater init' writes a first one"
    counted = [_count(errors, "error")] if errors else []
    counted += [_count(warnings, "warning")] if warnings else []
    return f"{', '.join(counted) or 'no problems'} in {_count(workflows, 'workflow')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _as_json(problem: Problem) -> dict[str, str | int]:
    place = problem.place
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "severity": problem.severity.value,
        "message": problem.message,
    }


def github_annotation(problem: Problem) -> str:
    """The problem as GitHub Actions' workflow command, with the escapes of its runner (actions/toolkit, command.ts)."""
    place = problem.place
    properties = f"file={_property(place.file)},line={place.line},col={place.column}"
    return f"::{problem.severity.value} {properties}::{_message(problem.message)}"


def _message(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
