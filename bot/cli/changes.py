"""What a change affects, for the commands that begin with that: `affected` and `matrix`. A hot path: imports little."""

from __future__ import annotations

from dataclasses import replace

from bot.cli.context import Globals
from planner.question import Answer, affected_in
from planner.repository import Repository


def changes_between(
    repository: Repository, settings: Globals, base: str, head: str, *, exact: bool, everything: bool = False
) -> Answer:
    """What is affected between two revisions, of all workflows or of the one that `--workflow` names.

    Raises GitError, DefinitionError if the head's files have errors, and WrongUse for an unknown workflow.
    """
    answer = affected_in(repository, base, head, exact=exact, everything=everything)
    if settings.workflow is None:
        return answer
    chosen = tuple(one for one in answer.workflows if settings.workflow in (one.name, one.file))
    if not chosen:
        _require_workflow(repository, settings, answer.head)
    return replace(answer, workflows=chosen)


def _require_workflow(repository: Repository, settings: Globals, commit: str) -> None:
    """Raise WrongUse unless the workflow exists: then nothing of it is affected."""
    from bot.cli.definitions import chosen_workflows, read_revision  # noqa: PLC0415  (not on the hot path)

    chosen_workflows(read_revision(repository, commit).require(), settings)
