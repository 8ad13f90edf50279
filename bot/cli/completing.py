"""What a shell completes besides commands and options: names of the repository."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from bot.cli.global_options import globals_of
from bot.errors import HeadwaterError
from planner.problems import PlannerError

if TYPE_CHECKING:
    from planner.definition import Workflow


def environment_aliases(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The aliases that begin so, for `shell_complete=` of an argument; nothing where they cannot be read."""
    begun = incomplete.casefold()
    found = {one.alias: None for workflow in _workflows(context) for one in workflow.environments}
    return [alias for alias in found if alias.casefold().startswith(begun)]


def workflow_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of workflows that begin so."""
    return [workflow.name for workflow in _workflows(context) if workflow.name.startswith(incomplete)]


def _workflows(context: click.Context) -> tuple[Workflow, ...]:
    from bot.cli.definitions import read_commit, repository_of  # noqa: PLC0415  (completing alone needs it)

    with contextlib.suppress(HeadwaterError, PlannerError, OSError):
        settings = replace(globals_of(context), quiet=True)
        repository = repository_of(settings)
        return read_commit(repository, settings, work_tree=False).definitions.workflows
    return ()
