"""The files that `headwater init --github` writes for a repository whose environments the bot deploys."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bot.backends import without_backend
from bot.cli.definitions import read_files
from bot.cli.output import Tone, note, paint, printable, say
from bot.errors import WrongUse
from planner.ci.headwater_workflow import (
    FILE,
    PLAN_ENVIRONMENT,
    SETUP_FILE,
    address_of,
    github_environments,
    is_ours,
    render_headwater_setup,
    render_headwater_workflow,
    secrets_in,
    url_in,
)
from planner.definition import Definitions
from planner.repository import Repository


class Outcome(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    LEFT = "left alone"


@dataclass(frozen=True, slots=True)
class GitHubFiles:
    """What was written, for which definitions and for the bot at which address."""

    url: str
    definitions: Definitions
    workflow: Outcome
    setup: Outcome
    without_backend: tuple[str, ...]


def address_of_the_bot(repository: Repository, given: str | None) -> str:
    """Where the bot is: as given, else as the file has it that was written before.

    Raises WrongUse where nothing says it, and where the file of that name is not ours to write; PlannerError for an
    address that jobs may not speak to.
    """
    if repository.top is None:
        raise WrongUse("a bare repository has no files to write", "run this in a clone with a work tree")
    current = _text(repository.top / FILE)
    if current is not None and not is_ours(current):
        raise WrongUse(
            f"{FILE} exists, and `headwater init --github` did not write it",
            "move it away: the bot starts the file of this name (what 'headwater ci' wrote is not needed beside a bot)",
        )
    found = given or (url_in(current) if current else None)
    if found is None:
        raise WrongUse(
            "--github needs the address of your bot",
            "headwater init --github --url https://HOST, the HEADWATER_PUBLIC_URL of its settings",
        )
    return address_of(found)


def write_github_files(repository: Repository, url: str) -> GitHubFiles:
    """Write the workflow file, anew where it is there, and the set-up action where there is none.

    Raises DefinitionError for workflow files with errors, PlannerError for an address or a secret that will not do.
    """
    top = repository.top or Path()
    definitions = read_files(repository).require()
    text, setup = render_headwater_workflow(definitions, url), render_headwater_setup(definitions)
    outcome = Outcome.UNCHANGED if _text(top / FILE) == text else Outcome.WRITTEN
    if outcome is Outcome.WRITTEN:
        _replace(top / FILE, text)
    environments = [one for workflow in definitions.workflows for one in workflow.environments]
    homeless = tuple(without_backend(top, environments))
    return GitHubFiles(url.rstrip("/"), definitions, outcome, _write_once(top / SETUP_FILE, setup), homeless)


def tell(files: GitHubFiles, *, quiet: bool, after: int = 0) -> None:
    """Say what was written, and what is left to do, `after` as many steps that were told before."""
    anew = "Wrote" if files.workflow is Outcome.WRITTEN else "Up to date:"
    say(f"{anew} {paint(FILE, Tone.STRONG)}, for the bot at {files.url}.")
    if files.setup is Outcome.WRITTEN:
        say(f"Wrote {paint(SETUP_FILE, Tone.STRONG)}: it is yours, and never touched again.")
    environments = github_environments(files.definitions)
    guarded = ", ".join(printable(one) for one in environments if one != PLAN_ENVIRONMENT)
    secrets = secrets_in(files.definitions)
    steps = [
        f"log in to your clouds in {SETUP_FILE}",
        f"make the GitHub environments {', '.join(map(printable, environments))} in the repository's settings",
        f"let the default branch alone deploy to {guarded}",
        *([f"keep the secrets in them: {', '.join(secrets)}"] if secrets else []),
        f"commit {'all of it' if after else 'both files, with your workflow files,'} to the default branch",
    ]
    if not after:
        note("What comes next on GitHub:", quiet=quiet)
    for number, step in enumerate(steps, start=after + 1):
        note(f"  {number}. {step}", quiet=quiet)
    if files.without_backend:
        names = ", ".join(map(printable, files.without_backend[:5])) + (", …" * (len(files.without_backend) > 5))
        note(f"note: {names}: no backend is declared, so jobs refuse to run: their state would be lost", quiet=quiet)


def as_json(files: GitHubFiles) -> dict[str, object]:
    """The same for machines."""
    return {
        "url": files.url,
        "workflow": {"file": FILE, "outcome": files.workflow.value},
        "setup": {"file": SETUP_FILE, "outcome": files.setup.value},
        "environments": list(github_environments(files.definitions)),
        "secrets": list(secrets_in(files.definitions)),
        "withoutBackend": list(files.without_backend),
    }


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return None


def _write_once(path: Path, text: str) -> Outcome:
    if path.with_suffix(".yaml").exists():
        return Outcome.LEFT
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return Outcome.LEFT
    return Outcome.WRITTEN


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
