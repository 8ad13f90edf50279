"""The definitions that a command works on: found from the folder of the call, at a commit or in the work tree."""

from __future__ import annotations

from pathlib import Path

from bot.cli.context import Globals
from bot.errors import WrongUse
from planner.definition import Definitions, Workflow
from planner.index import definitions_at, definitions_in_work_tree
from planner.nearest import nearest
from planner.reading import Reading
from planner.repository import Repository


def repository_of(settings: Globals) -> Repository:
    """The repository that holds the folder of the call. Raises GitError where there is none."""
    return Repository(settings.folder)


def cache_of(repository: Repository) -> Path:
    """Where what was read of a commit is kept; safe to delete at any time."""
    return repository.git_dir / "headwater" / "cache"


def reading_of(repository: Repository, revision: str | None) -> Reading:
    """The workflow files at a revision, or of the work tree where `revision` is None."""
    if revision is None:
        return definitions_in_work_tree(repository)
    return definitions_at(repository, repository.commit(revision), cache_of(repository))


def chosen_workflows(definitions: Definitions, settings: Globals) -> tuple[Workflow, ...]:
    """All workflows, or the one that `--workflow` names. Raises WrongUse with the nearest name."""
    found = definitions.workflows
    if settings.workflow is None:
        if not found:
            raise WrongUse(
                "this repository has no workflow file",
                "'headwater init' finds its stacks and writes a first headwater.yml",
            )
        return found
    chosen = tuple(one for one in found if settings.workflow in (one.name, one.file))
    if not chosen:
        names = [one.name for one in found]
        near = nearest(settings.workflow, names)
        listed = ", ".join(names[:10]) or "none"
        mend = f"did you mean {near!r}?" if near else f"the workflows here: {listed}"
        raise WrongUse(f"no workflow named {settings.workflow!r}", mend)
    return chosen
