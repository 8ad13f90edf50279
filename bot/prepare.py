"""From a request to what exactly would be done: which environments, in which order, with which identities."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from bot.decide.identity import Identities
from bot.errors import NotAllowed, WrongUse
from bot.project import Project
from bot.request import Aim, Request
from bot.since import affected_since_deployed, facts_of, unfinished
from bot.store.environments import EnvironmentRow, environment_rows, identify, known_repository
from bot.store.values import WHOLE_WORKFLOW, read_kept
from planner.changes import AffectedWorkflow
from planner.definition import DEPLOYABLE_TOOLS, Definitions, Environment, Json, Workflow
from planner.graph import Graph
from planner.nearest import nearest
from planner.problems import PlannerError
from planner.question import affected_in
from planner.selection import UnknownAlias, named_environments, select
from planner.variables import effective_variables, plain_texts, refused_name, resolve


@dataclass(frozen=True, slots=True)
class Prepared:
    """One workflow's part of a request, ready to be planned.

    `order`: the chosen aliases, upstreams first. `graph`: all that takes part in ordering. `rows`: what the store
    knows of each alias. `removed`: what the file no longer has; `doubtful` of them may be renames.
    """

    request: Request
    commit: str
    dirty: bool
    workflow: Workflow
    graph: Graph
    order: tuple[str, ...]
    environments: Mapping[str, Environment]
    rows: Mapping[str, EnvironmentRow]
    reasons: Mapping[str, tuple[str, ...]]
    removed: tuple[EnvironmentRow, ...] = ()
    doubtful: tuple[EnvironmentRow, ...] = ()
    moves: Mapping[int, str] = field(default_factory=dict)
    identities: Identities | None = None
    left_out: tuple[str, ...] = ()  # disabled
    kept: tuple[str, ...] = ()  # names of kept values that reach what was chosen


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a repository."""

    rows: tuple[EnvironmentRow, ...] = ()
    kept: Mapping[int, Mapping[int, Mapping[str, Json]]] = field(
        default_factory=dict
    )  # workflow -> environment -> name


def known(project: Project) -> Known:
    """Read what the store knows; nothing is made for a repository that was never worked on."""
    if not project.has_store:
        return Known()
    with project.database.reading() as connection:
        repository = known_repository(connection, project.key)
        if repository is None:
            return Known()
        rows = environment_rows(connection, repository)
        return Known(rows, _kept(connection, project, {row.workflow_id for row in rows}))


def _kept(
    connection: Connection, project: Project, workflows: Iterable[int]
) -> dict[int, Mapping[int, Mapping[str, Json]]]:
    return {one: read_kept(connection, project.vault, one) for one in workflows}


def prepare(project: Project, request: Request) -> tuple[Prepared, ...]:
    """What the request comes to, for each workflow that it concerns. Raises before anything starts."""
    commit, dirty = _commit(project, request)
    definitions = project.definitions(commit)
    if not definitions.workflows:
        raise WrongUse("there is no workflow file here", "write one with: headwater init")
    _refuse_names(request)
    if request.assume_upstreams and not request.only:
        raise WrongUse("--assume-upstreams goes with --only", "name the environments, and add --only")
    stored = known(project)
    who = identify(stored.rows, definitions.workflows)
    chosen = _workflows(definitions, request)
    affected = _affected(project, request, commit, stored)
    make = _prepare_destroy if request.aim is Aim.DESTROY else _prepare
    return tuple(make(_Situation(project, request, commit, dirty, one, stored, who, affected)) for one in chosen)


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
    if request.workflow is not None:
        return (workflow_named(definitions, request.workflow),)
    names = (*request.patterns, *request.from_)
    if not names:
        return definitions.workflows
    for name in names:
        holders = sorted(one.name for one in definitions.workflows if one.environment(name) is not None)
        if len(holders) > 1:
            raise WrongUse(f"{name!r} is in several workflows: {', '.join(holders)}", "say which with --workflow NAME")
    for name in names:
        if not any(_names(one, name) for one in definitions.workflows):
            everything = {one.alias: () for workflow in definitions.workflows for one in workflow.environments}
            named_environments(Graph(everything), [name])  # raises, and tells the nearest
    return tuple(one for one in definitions.workflows if any(_names(one, name) for name in names))


def _names(workflow: Workflow, pattern: str) -> bool:
    """Whether a pattern names anything in this workflow."""
    try:
        return bool(named_environments(Graph.of(workflow), [pattern]))
    except UnknownAlias:
        return False


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
        found = affected_since_deployed(mirror, commit, facts_of(stored.rows))
    return {one.file: one for one in found}


@dataclass(frozen=True, slots=True)
class _Situation:
    """All that preparing one workflow looks at."""

    project: Project
    request: Request
    commit: str
    dirty: bool
    workflow: Workflow
    stored: Known
    who: Identities
    affected: Mapping[str, AffectedWorkflow] | None

    def rows(self) -> dict[str, EnvironmentRow]:
        """What the store knows of each alias of the workflow."""
        by_id = {row.id: row for row in self.stored.rows}
        found = ((one.alias, self.who.same.get((self.workflow.file, one.key))) for one in self.workflow.environments)
        return {alias: by_id[identity] for alias, identity in found if identity is not None}

    def removed(self) -> tuple[EnvironmentRow, ...]:
        """What this workflow's file no longer has."""
        return tuple(row for row in self.stored.rows if row.id in self.who.removed and row.file == self.workflow.file)

    def patterns(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the names that mean something in this workflow."""
        return tuple(name for name in names if _names(self.workflow, name))


def _resolved(situation: _Situation, rows: Mapping[str, EnvironmentRow]) -> dict[str, Environment]:
    """Every environment with its `${VAR}` filled in; all that are undefined are told at once."""
    found: dict[str, Environment] = {}
    problems: list[str] = []
    for one in situation.workflow.environments:
        row = rows.get(one.alias)
        kept = situation.stored.kept.get(row.workflow_id, {}) if row else {}
        effective = effective_variables(
            situation.workflow,
            one,
            kept_workflow=_dropped(kept.get(WHOLE_WORKFLOW, {}), situation.request),
            kept_environment=kept.get(row.id, {}) if row else {},
            given=situation.request.given,
        )
        try:
            found[one.alias] = resolve(one, plain_texts(effective))
        except PlannerError as error:
            problems.append(str(error))
    if problems:
        raise WrongUse("\n".join(problems))
    return found


def _prepare(situation: _Situation) -> Prepared:
    """What a deploy (or a plan, or an adoption) of one workflow comes to."""
    request, workflow, rows = situation.request, situation.workflow, situation.rows()
    environments = _resolved(situation, rows)
    disabled = tuple(alias for alias, one in environments.items() if one.disabled is True)
    graph = Graph.of(workflow).without(disabled)
    patterns, from_ = situation.patterns(request.patterns), situation.patterns(request.from_)
    _refuse_disabled(patterns, disabled)
    affected = _affected_aliases(situation, graph)
    selection = select(
        graph,
        patterns,
        affected,
        None if request.assume_upstreams else {alias for alias, row in rows.items() if row.deployed},
        only=request.only,
        from_=from_,
        current={alias for alias, row in rows.items() if row.deployed and row.commit == situation.commit},
        upstreams_may_wait=request.plan_only,
    )
    order = selection.environments
    if request.aim is Aim.ADOPT:
        order = tuple(alias for alias in order if alias not in rows or not rows[alias].deployed)
    _refuse_tools([environments[alias] for alias in order])
    _refuse_disabled_outputs(environments, order, disabled, rows)
    removed = () if request.narrowed or request.aim is Aim.ADOPT else situation.removed()
    return Prepared(
        request=request,
        commit=situation.commit,
        dirty=situation.dirty,
        workflow=workflow,
        graph=graph,
        order=order,
        environments=environments,
        rows=rows,
        reasons=_reasons(situation),
        removed=removed,
        doubtful=tuple(row for row in removed if row.id in situation.who.doubtful),
        moves={row.id: row.alias for row in rows.values() if row.id in situation.who.moves},
        identities=situation.who,
        left_out=disabled,
        kept=_kept_names(situation, [rows[alias] for alias in order if alias in rows]),
    )


def _kept_names(situation: _Situation, chosen: Sequence[EnvironmentRow]) -> tuple[str, ...]:
    found: set[str] = set()
    for row in chosen:
        kept = situation.stored.kept.get(row.workflow_id, {})
        found |= {*kept.get(WHOLE_WORKFLOW, {}), *kept.get(row.id, {})}
    return tuple(sorted(found - set(situation.request.forget) - set(situation.request.given)))


def _affected_aliases(situation: _Situation, graph: Graph) -> Collection[str]:
    if situation.affected is None:
        return graph.needs.keys()
    found = situation.affected.get(situation.workflow.file)
    return {one.alias for one in found.environments if one.affected and one.alias in graph.needs} if found else set()


def _reasons(situation: _Situation) -> dict[str, tuple[str, ...]]:
    found = situation.affected.get(situation.workflow.file) if situation.affected else None
    if found is None:
        return {}
    return {
        one.alias: tuple(f"{why.code.value}: {why.detail}" if why.detail else why.code.value for why in one.reasons)
        for one in found.environments
    }


def _refuse_disabled(patterns: Sequence[str], disabled: Sequence[str]) -> None:
    keys = {alias.casefold(): alias for alias in disabled}
    named = [keys[pattern.casefold()] for pattern in patterns if pattern.casefold() in keys]
    if named:
        raise NotAllowed(
            f"{', '.join(named)}: disabled in the workflow file", "enable it there (`disabled`), or leave it out"
        )


def _refuse_tools(chosen: Sequence[Environment]) -> None:
    """Tools that cannot be deployed yet are told before anything starts, all of them."""
    others = [one for one in chosen if one.tool not in DEPLOYABLE_TOOLS]
    if others:
        names = ", ".join(f"{one.alias!r} ({one.tool.value})" for one in others)
        known = ", ".join(tool.value for tool in DEPLOYABLE_TOOLS)
        raise NotAllowed(f"no support yet for deploying {names}", f"tools that can be deployed: {known}")


def _refuse_disabled_outputs(
    environments: Mapping[str, Environment],
    order: Sequence[str],
    disabled: Sequence[str],
    rows: Mapping[str, EnvironmentRow],
) -> None:
    """A disabled environment's last outputs serve; where there never were any, nothing that reads them can start."""
    keys = {alias.casefold() for alias in disabled if alias not in rows or not rows[alias].deployed}
    for alias in order:
        for variable in environments[alias].variables:
            for reference in variable.references:
                if reference.alias.casefold() in keys:
                    raise NotAllowed(
                        f"{alias!r} reads the output {reference.output!r} of {reference.alias!r}, "
                        "which is disabled and was never deployed",
                        f"enable {reference.alias!r}, or give {variable.name} another value",
                    )


def _dropped(kept: Mapping[str, Json], request: Request) -> dict[str, Json]:
    return {name: value for name, value in kept.items() if name not in request.forget}


def _prepare_destroy(situation: _Situation) -> Prepared:
    """What a destroy of one workflow comes to: what is there, also of what the file no longer has."""
    request, rows = situation.request, situation.rows()
    present = {alias: row for alias, row in rows.items() if row.deployed or unfinished(row)}
    gone = {row.alias: row for row in situation.removed() if row.defined_at and (row.deployed or unfinished(row))}
    needs = {**Graph.of(situation.workflow).needs, **_former_needs(situation, gone)}
    everything = {**present, **gone}
    graph = Graph({alias: tuple(one for one in upstreams if one in needs) for alias, upstreams in needs.items()})
    named = _named_to_destroy(graph, request)
    chosen = frozenset(everything) if named is None else named & frozenset(everything)
    if named is not None:
        _refuse_needed(graph, chosen, everything, request)
    environments = (
        _resolved(situation, rows) if not gone else {**_resolved(situation, rows), **_former(situation, gone)}
    )
    order = tuple(alias for alias in graph.reversed().order if alias in chosen)
    _refuse_tools([environments[alias] for alias in order])
    return Prepared(
        request=request,
        commit=situation.commit,
        dirty=situation.dirty,
        workflow=situation.workflow,
        graph=graph,
        order=order,
        environments=environments,
        rows={**rows, **gone},
        reasons={},
        identities=situation.who,
        moves={row.id: row.alias for row in rows.values() if row.id in situation.who.moves},
    )


def _named_to_destroy(graph: Graph, request: Request) -> frozenset[str] | None:
    if not request.narrowed:
        return None
    starts = named_environments(graph, request.from_)
    return named_environments(graph, request.patterns) | starts | graph.descendants(starts)


def _refuse_needed(
    graph: Graph, chosen: frozenset[str], everything: Mapping[str, EnvironmentRow], request: Request
) -> None:
    """What something deployed needs is not taken away from under it."""
    left = [alias for alias in graph.order if alias in graph.descendants(chosen) - chosen and alias in everything]
    if left and not request.force:
        names = ", ".join(repr(alias) for alias in left)
        raise NotAllowed(
            f"still deployed, and needing what would be destroyed: {names}",
            "destroy those too (name them, or use --from ALIAS), or insist with --force",
        )


def _former_needs(situation: _Situation, gone: Mapping[str, EnvironmentRow]) -> dict[str, tuple[str, ...]]:
    return {alias: one.needs for alias, one in _former(situation, gone).items()}


def _former(situation: _Situation, gone: Mapping[str, EnvironmentRow]) -> dict[str, Environment]:
    """The definitions of removed environments, from the commit that each was last deployed at."""
    found: dict[str, Environment] = {}
    for alias, row in gone.items():
        if row.defined_at is None:
            continue
        former = situation.project.workflow(row.defined_at, row.file).environment(alias)
        if former is not None:
            found[alias] = former
    return found
