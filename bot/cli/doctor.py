"""`headwater doctor`: whether this machine and this repository have what Headwater needs."""

from __future__ import annotations

import json
import os
import platform
import re
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click

from bot.backends import without_backend
from bot.cli.beside_bot import bot_of, workflow_file
from bot.cli.checking import Check, Verdict, check_state_folder, check_store
from bot.cli.context import Command
from bot.cli.definitions import read_files, repository_of
from bot.cli.doctor_server import has_server, server_checks
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import Cell, Tone, print_json, say, table, terminal_width
from bot.runner.failure import RunnerError
from bot.runner.process import run
from bot.runner.tools.versions import Binary, binaries, choose
from planner.ci.headwater_workflow import FILE, must_be_written_anew
from planner.definition import DEPLOYABLE_TOOLS, Tool
from planner.problems import PlannerError, Severity
from planner.reading import Reading
from planner.repository import Repository

OLDEST_GIT = (2, 31)  # rev-parse --path-format


@click.command(cls=Command)
@click.pass_obj
def command(settings: Globals) -> ExitCode:
    """Check git, the tools and their versions, the state folder, the store and the definitions.

    On the machine of a server, outside of a repository or with its state folder named, check the server: its settings,
    its store, what GitHub says of its App, and whether it answers.
    """
    checks = list(all_checks(settings))
    if settings.json:
        print_json({"checks": [_as_json(one) for one in checks]})
    else:
        shown = [one for one in checks if not settings.quiet or one.verdict is not Verdict.GOOD]
        say(table(["", "Check", "Found"], [row for one in shown for row in _rows(one)], width=terminal_width()))
    return ExitCode.FAILED if any(one.verdict is Verdict.BAD for one in checks) else ExitCode.DONE


_SIGNS = {Verdict.GOOD: Cell("✓", Tone.GOOD), Verdict.WARN: Cell("!", Tone.WARN), Verdict.BAD: Cell("✗", Tone.BAD)}


def _rows(check: Check) -> Iterator[list[str | Cell]]:
    yield [_SIGNS[check.verdict], check.name, check.found]
    for number, line in enumerate(check.mend.splitlines()):
        yield ["", "", Cell(f"{' ' if number else '→'} {line}", Tone.WARN)]


def _as_json(check: Check) -> dict[str, str]:
    return {"check": check.name, "verdict": check.verdict.value, "found": check.found, "mend": check.mend}


def all_checks(settings: Globals) -> Iterator[Check]:
    """Every check in turn; what cannot be looked at without what failed before is left out."""
    yield Check("headwater", Verdict.GOOD, f"{version('headwater')} on Python {platform.python_version()}")
    git = check_git()
    yield git
    if git.verdict is Verdict.BAD:
        return
    try:
        repository = repository_of(settings)
    except PlannerError as error:
        if has_server(settings, here=False):
            yield from server_checks(settings)
        else:
            yield Check("repository", Verdict.BAD, str(error))
        return
    yield check_repository(repository)
    if has_server(settings, here=True):
        yield from server_checks(settings)
    else:
        yield check_state_folder(settings.state_folder(repository.git_dir))
        yield store_check(settings, repository)
    if repository.top is not None or not repository.is_empty():
        reading = read_files(repository)
        yield check_definitions(reading)
        yield from tool_checks(reading)
        yield from state_checks(repository, reading)
        yield from workflow_file_checks(repository, reading)


def check_git() -> Check:
    """Whether git is there and new enough."""
    wanted = ".".join(map(str, OLDEST_GIT))
    try:
        answer = run(["git", "--version"], timeout=10).stdout.decode(errors="replace").strip()
    except RunnerError as error:
        return Check("git", Verdict.BAD, str(error), f"install git {wanted} or newer and put it on the PATH")
    found = re.search(r"(\d+)\.(\d+)[\w.]*", answer)
    if found is None:
        return Check("git", Verdict.WARN, f"says {answer!r}", f"Headwater needs git {wanted} or newer")
    new_enough = (int(found[1]), int(found[2])) >= OLDEST_GIT
    mend = "" if new_enough else f"Headwater needs git {wanted} or newer"
    return Check("git", Verdict.GOOD if new_enough else Verdict.BAD, found[0], mend)


def check_repository(repository: Repository) -> Check:
    """Whether the repository can be compared with its past."""
    place = str(repository.top or repository.git_dir)
    if repository.shallow:
        mend = "run 'git fetch --unshallow', or earlier commits cannot be compared with"
        return Check("repository", Verdict.WARN, f"{place} is a shallow clone", mend)
    if repository.is_empty():
        return Check(
            "repository", Verdict.WARN, f"{place} has no commit yet", "plan and deploy read commits: make a first one"
        )
    kind = "" if repository.top else " (bare: --work-tree is not possible)"
    return Check("repository", Verdict.GOOD, place + kind)


def store_check(settings: Globals, repository: Repository) -> Check:
    """Whether the store of the repository can be opened."""
    from bot.project import Project  # noqa: PLC0415 (brings SQLAlchemy)

    project = Project(repository, settings.state_folder(repository.git_dir), settings.database)
    return check_store(project.database if project.has_store else None, "the first plan")


def check_definitions(reading: Reading) -> Check:
    """Whether the workflow files are without errors."""
    problems = reading.problems
    errors = sum(one.severity is Severity.ERROR for one in problems)
    workflows = reading.definitions.workflows
    if errors:
        return Check("definitions", Verdict.BAD, f"{errors} error{'s' * (errors != 1)}", "'headwater lint' tells them")
    if not workflows:
        return Check("definitions", Verdict.WARN, "no workflow file", "'headwater init' writes a first one")
    count = sum(len(one.environments) for one in workflows)
    found = f"{len(workflows)} workflow{'s' * (len(workflows) != 1)}, {count} environment{'s' * (count != 1)}"
    if problems:
        mend = "'headwater lint' tells them"
        return Check("definitions", Verdict.WARN, f"{found}, {len(problems)} warning{'s' * (len(problems) != 1)}", mend)
    return Check("definitions", Verdict.GOOD, found)


_BINARIES = {Tool.TERRAFORM: "terraform", Tool.OPENTOFU: "tofu"}


def tool_checks(reading: Reading) -> Iterator[Check]:
    """Whether every tool that the definitions name can be deployed with, and is found here in the version asked for."""
    used = Counter(
        (one.tool, one.version) for workflow in reading.definitions.workflows for one in workflow.environments
    )
    for (tool, wanted), count in sorted(used.items(), key=lambda item: (item[0][0], item[0][1] or "")):
        users = f"{count} environment{'s' * (count != 1)}"
        name = f"{tool.value} {wanted}" if wanted else tool.value
        if tool not in DEPLOYABLE_TOOLS:
            mend = f"these can be: {', '.join(DEPLOYABLE_TOOLS)}"
            yield Check(name, Verdict.WARN, f"{users} cannot be deployed yet", mend)
        elif tool in _BINARIES:
            yield check_binary(name, tool, wanted, users)


def state_checks(repository: Repository, reading: Reading) -> Iterator[Check]:
    """Whether every Terraform state is kept where others find it."""
    environments = [one for workflow in reading.definitions.workflows for one in workflow.environments]
    homeless = without_backend(repository.top, environments)
    if homeless:
        found = f"{len(homeless)} of {len(environments)} environments declare no backend: {', '.join(homeless[:5])}"
        mend = "their state is kept in the state folder, on this machine alone: declare a backend to share it"
        yield Check("states", Verdict.WARN, found + (", …" if len(homeless) > 5 else ""), mend)


def workflow_file_checks(repository: Repository, reading: Reading) -> Iterator[Check]:
    """Whether the workflow file that the bot starts still fits, where there is one."""
    text, url = workflow_file(repository.top or Path()), bot_of(repository)
    if text is None or url is None:
        return  # none, somebody's own, or one for people without a bot
    found = f"the bot at {url} deploys this repository; its state is there, not in the store above"
    yield Check("bot", Verdict.GOOD, found)
    reason = must_be_written_anew(reading.definitions, text, url)
    if reason is None:
        yield Check("workflow file", Verdict.GOOD, f"{FILE} fits, for the bot at {url}")
    else:
        yield Check("workflow file", Verdict.WARN, reason, "run 'headwater init --github', and commit what it writes")


def check_binary(name: str, tool: Tool, wanted: str | None, users: str) -> Check:
    """Whether a binary of the tool is found in the version that some environments want."""
    try:
        found = choose(binaries(_BINARIES[tool], os.environ), wanted, _version_of, tool.value)
    except RunnerError as error:
        what, _, mend = str(error).partition(". ")
        return Check(name, Verdict.BAD, f"{what} ({users})", mend)
    number = found.version or _version_of(found)
    if number is None:
        mend = f"run '{found.path} version' to see why, or put another {tool.value} on the PATH"
        return Check(name, Verdict.BAD, f"{found.path} does not tell its version ({users})", mend)
    return Check(name, Verdict.GOOD, f"{number}, {found.path} ({users})")


def _version_of(binary: Binary) -> str | None:
    try:
        answer = run([binary.path, "version", "-json"], timeout=60)
        return str(json.loads(answer.stdout)["terraform_version"])
    except (RunnerError, ValueError, KeyError, TypeError):
        return None
