"""From a request to what exactly would be done: which environments, in which order, with which identities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.errors import WrongUse
from bot.known import Known, known
from bot.preparing.deploying import prepare_deploy
from bot.preparing.destroying import prepare_destroy
from bot.preparing.situation import Prepared, Situation, names_any
from bot.project import Project
from bot.request import Aim, Request
from bot.since import affected_since_deployed, facts_of
from bot.store.environments import EnvironmentRow, identify
from planner.changes import AffectedWorkflow
from planner.definition import Definitions, Workflow
from planner.graph import Graph
from planner.nearest import nearest
from planner.question import affected_in
from planner.selection import named_environments
from planner.variables import refused_name
from planner.workflow_files import is_workflow_file


def prepare(project: Project, request: Request) -> tuple[Prepared, ...]:
    """What the request comes to, for each workflow that it concerns. Raises before anything starts."""
    commit, dirty = _commit(project, request)
    definitions = project.definitions(commit)
    if not definitions.workflows:
        raise _no_workflow(project)
    _refuse_names(request)
    if request.only and not request.patterns and request.commit is None:
        raise WrongUse("--only, but what?", "name the environments that it is for")
    if request.assume_upstreams and not request.only:
        raise WrongUse("--assume-upstreams goes with --only", "name the environments, and add --only")
    stored = known(project, kept=True)
    who = identify(stored.rows, definitions.workflows)
    chosen = _workflows(definitions, request)
    affected = _affected(project, request, commit, stored)
    make = prepare_destroy if request.aim is Aim.DESTROY else prepare_deploy
    left_out = _uncommitted(project) if request.commit is None and not request.work_tree else 0
    return tuple(
        make(Situation(project, request, commit, dirty, one, stored, who, affected, left_out)) for one in chosen
    )


def prepare_vanished(project: Project, request: Request) -> tuple[Prepared, ...]:
    """What becomes of the environments whose workflow file is gone from the commit: what that file said last of it."""
    commit, dirty = _commit(project, request)
    definitions = project.definitions(commit)
    stored = known(project)
    who = identify(stored.rows, definitions.workflows)
    present = {one.file for one in definitions.workflows}
    gone = {row.file: row for row in stored.rows if row.id in who.removed and row.file not in present}
    return tuple(
        prepare_deploy(Situation(project, request, commit, dirty, one, stored, who, {}))
        for one in (_vanished(project, row) for row in gone.values())
        if one is not None
    )


def _vanished(project: Project, row: EnvironmentRow) -> Workflow | None:
    """A workflow whose file is gone, as it was when this environment was last worked on, with nothing left in it."""
    if row.defined_at is None:
        return None
    former = project.workflow(row.defined_at, row.file, row.last_alias or row.alias)
    return replace(former, file=row.file, environments=())


def _uncommitted(project: Project) -> int:
    """How many files of the work tree differ from the last commit, or are new and not ignored."""
    return 0 if project.repository.top is None else len(project.repository.work_tree_changes() or ())


def _no_workflow(project: Project) -> WrongUse:
    if project.repository.top is not None:
        for _, path in project.repository.work_tree_changes() or ():
            if is_workflow_file(path):
                return WrongUse(f"{path} is not committed yet", "commit it, or take what lies there with --work-tree")
    return WrongUse("there is no workflow file here", "write one with: headwater init")


def _commit(project: Project, request: Request) -> tuple[str, bool]:
    """The commit that is meant, kept in the mirror; for `--work-tree` one of the files as they lie there."""
    if request.commit is not None:
        project.mirror.keep(request.commit)
        return request.commit, request.dirty
    commit = project.repository.commit(request.revision)
    if not request.work_tree:
        project.mirror.keep(commit)
        return commit, False
    if project.repository.top is None:
        raise WrongUse("--work-tree: a bare repository has no work tree", "leave --work-tree out, or use a clone")
    draft = project.mirror.commit_work_tree(project.repository.top, commit)
    return draft, draft != commit


def _refuse_names(request: Request) -> None:
    for name in request.given:
        if (reason := refused_name(name)) is not None:
            raise WrongUse(f"-v {name}: {reason}", "choose another name for the variable")


def _workflows(definitions: Definitions, request: Request) -> tuple[Workflow, ...]:
    """The workflows that are meant; an alias that several have is refused with the list."""
    names = (*request.patterns, *request.from_)
    if request.workflow is not None:
        return (_naming_each(workflow_named(definitions, request.workflow), request, names),)
    if not names:
        return definitions.workflows
    for name in names:
        holders = sorted(one.name for one in definitions.workflows if one.environment(name) is not None)
        if len(holders) > 1:
            raise WrongUse(f"{name!r} is in several workflows: {', '.join(holders)}", "say which with --workflow NAME")
    for name in names:
        if not any(names_any(one, name) for one in definitions.workflows):
            everything = {one.alias: () for workflow in definitions.workflows for one in workflow.environments}
            named_environments(Graph(everything), [name])  # raises, and tells the nearest
    return tuple(one for one in definitions.workflows if any(names_any(one, name) for name in names))


def _naming_each(workflow: Workflow, request: Request, names: tuple[str, ...]) -> Workflow:
    """The workflow, where each name means something in it; a destroy also knows what the file no longer has."""
    if request.aim is not Aim.DESTROY:
        named_environments(Graph.of(workflow), names)  # raises, and tells the nearest
    return workflow


def workflow_named(definitions: Definitions, name: str) -> Workflow:
    """The workflow of that name; raises WrongUse with the nearest where there is none."""
    for workflow in definitions.workflows:
        if name in (workflow.name, workflow.file):
            return workflow
    names = [one.name for one in definitions.workflows]
    near = nearest(name, names)
    hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(names)}"
    raise WrongUse(f"there is no workflow called {name!r}", hint)


def _affected(project: Project, request: Request, commit: str, stored: Known) -> Mapping[str, AffectedWorkflow] | None:
    """What is affected, by workflow file; None: everything counts (no base was given, nothing was named)."""
    if request.aim is Aim.DESTROY or not (request.base or request.since_deployed or request.narrowed):
        return None
    mirror = project.mirrored
    if request.base is not None:
        base = project.repository.commit(request.base)
        project.mirror.keep(base)
        found = affected_in(mirror, base, commit).workflows
    else:
        for deployed in sorted({row.commit for row in stored.rows if row.commit is not None}):
            project.mirror.keep(deployed)  # it has them all, unless somebody removed it since
        found = affected_since_deployed(project, commit, facts_of(stored.rows))
    return {one.file: one for one in found}
