"""What a change affects, for the commands that begin with that: `affected` and `matrix`. A hot path: imports little."""

from __future__ import annotations

from dataclasses import replace

from bot.cli.global_options import Globals
from bot.errors import WrongUse
from planner.question import Answer, affected_in
from planner.repository import Repository


def changes(
    repository: Repository,
    settings: Globals,
    base: str | None,
    head: str,
    *,
    exact: bool,
    since_deployed: bool,
    everything: bool = False,
) -> Answer:
    """What is affected since a revision, or since each one was last deployed; of the `--workflow` if one is named.

    Raises GitError, DefinitionError if the head's files have errors, and WrongUse.
    """
    if since_deployed:
        if base is not None or exact or head != "HEAD":
            raise WrongUse("--since-deployed needs no revisions", "leave --base, --head and --exact out")
        from bot.cli.since import changes_since_deployed  # noqa: PLC0415  (asks the store: not on the hot path)

        answer = changes_since_deployed(settings, everything=everything)
    elif base is None:
        raise WrongUse(
            "since when? there is no --base", "give --base REV (for example origin/main) or --since-deployed"
        )
    else:
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
