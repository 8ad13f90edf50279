"""The definitions that a command works on: found from the folder of the call, at a commit or in the work tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from bot.cli.global_options import Globals
from bot.cli.output import note
from bot.errors import WrongUse
from planner.index import cache_folder, definitions_at, definitions_in_work_tree
from planner.listing import ListedWorkflow, listed, listing_at
from planner.repository import Repository

if TYPE_CHECKING:
    from planner.definition import Definitions, Environment, Workflow
    from planner.reading import Reading


class Named(Protocol):
    """What a workflow is chosen by."""

    @property
    def name(self) -> str: ...

    @property
    def file(self) -> str: ...


AnyWorkflow = TypeVar("AnyWorkflow", bound=Named)


def repository_of(settings: Globals) -> Repository:
    """The repository that holds the folder of the call. Raises GitError where there is none."""
    return Repository(settings.folder)


def read_files(repository: Repository) -> Reading:
    """The workflow files as they lie in the work tree; those of the last commit where there is no work tree."""
    if repository.top is None:
        return read_revision(repository, "HEAD")
    return definitions_in_work_tree(repository)


def read_revision(repository: Repository, revision: str) -> Reading:
    """The workflow files at a revision."""
    return definitions_at(repository, repository.commit(revision), cache_folder(repository))


def read_commit(repository: Repository, settings: Globals, *, work_tree: bool) -> Reading:
    """The workflow files of the last commit, or with `work_tree` (and where nothing is committed yet) the files."""
    if work_tree or _has_only_files(repository, settings):
        return definitions_in_work_tree(repository)
    return read_revision(repository, "HEAD")


def listing(repository: Repository, settings: Globals, *, work_tree: bool = False) -> tuple[ListedWorkflow, ...]:
    """The same in short, and fast: of all workflows, or of the one that `--workflow` names. Raises DefinitionError."""
    if work_tree or _has_only_files(repository, settings):
        found = tuple(listed(one) for one in definitions_in_work_tree(repository).require().workflows)
    else:
        found = listing_at(repository, "HEAD", cache_folder(repository))
    return chosen(found, settings)


def _has_only_files(repository: Repository, settings: Globals) -> bool:
    """Whether there is no commit yet to read; that the work tree is read instead is told."""
    only_files = repository.top is not None and repository.is_empty()
    if only_files:
        note("there is no commit yet: this is read from the work tree", quiet=settings.quiet)
    return only_files


def chosen_workflows(definitions: Definitions, settings: Globals) -> tuple[Workflow, ...]:
    """All workflows, or the one that `--workflow` names (its name or its file). Raises WrongUse with the nearest."""
    return chosen(definitions.workflows, settings)


def chosen(found: Sequence[AnyWorkflow], settings: Globals) -> tuple[AnyWorkflow, ...]:
    """Those of these workflows that are meant. Raises WrongUse with the nearest, and where there is none at all."""
    if settings.workflow is None:
        if not found:
            raise WrongUse(
                "this repository has no workflow file",
                "'headwater init' finds its stacks and writes a first headwater.yml; one that is there already is read "
                "once it is committed",
            )
        return tuple(found)
    meant = tuple(one for one in found if settings.workflow in (one.name, one.file))
    if not meant:
        raise unknown_workflow(settings.workflow, [one.name for one in found])
    return meant


def unknown_workflow(name: str, known: list[str]) -> WrongUse:
    """The error for a `--workflow` that is none of `known`."""
    from planner.nearest import nearest  # noqa: PLC0415  (only an error needs it)

    near = nearest(name, known)
    listed = ", ".join(known[:10]) or "none"
    return WrongUse(f"no workflow is called {name!r}", f"did you mean {near!r}?" if near else f"those here: {listed}")


def resolved(workflow: Workflow) -> Workflow:
    """The workflow with every `${VAR}` of its environments filled in. Raises UndefinedVariable."""
    from planner.variables import effective_variables, plain_texts, resolve  # noqa: PLC0415  (a status does without)

    return replace(
        workflow,
        environments=tuple(
            resolve(one, plain_texts(effective_variables(workflow, one))) if _has_variables(one) else one
            for one in workflow.environments
        ),
    )


def _has_variables(environment: Environment) -> bool:
    texts = (environment.name, environment.workspace, environment.revision, environment.disabled)
    return any(isinstance(text, str) and "$" in text for text in texts) or isinstance(environment.disabled, str)
