"""What preparing one workflow's part of a request looks at, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.decide.identity import Identities
from bot.decide.trust import asking
from bot.errors import NotAllowed, WrongUse
from bot.known import Known
from bot.project import Project
from bot.request import Request
from bot.store.environments import EnvironmentRow
from bot.store.values import WHOLE_WORKFLOW
from planner.changes import AffectedWorkflow, ReasonCode
from planner.definition import DEPLOYABLE_TOOLS, Environment, Json, Workflow
from planner.graph import Graph
from planner.problems import PlannerError
from planner.selection import UnknownAlias, named_environments
from planner.variables import effective_variables, plain_texts, resolve


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
    busy: tuple[str, ...] = ()  # not adopted, since a deploy of it is under way
    kept: tuple[str, ...] = ()  # names of kept values that reach what was chosen
    sources: Mapping[str, str] = field(default_factory=dict)  # alias -> commit of its code, where that is another one
    uncommitted: int = 0  # files that differ from the commit and are left out
    stray: tuple[str, ...] = ()  # aliases whose old local state lies beside their code

    def causes(self, alias: str) -> frozenset[ReasonCode]:
        """The kinds of reasons for which an environment is affected."""
        return frozenset(ReasonCode(one.partition(":")[0]) for one in self.reasons.get(alias, ()))


@dataclass(frozen=True, slots=True)
class Situation:
    """All that preparing one workflow looks at."""

    project: Project
    request: Request
    commit: str
    dirty: bool
    workflow: Workflow
    stored: Known
    who: Identities
    affected: Mapping[str, AffectedWorkflow] | None
    uncommitted: int = 0

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
        return tuple(name for name in names if names_any(self.workflow, name))


def resolved(situation: Situation, rows: Mapping[str, EnvironmentRow]) -> dict[str, Environment]:
    """Every environment with its `${VAR}` filled in; all that are undefined are told at once."""
    found: dict[str, Environment] = {}
    problems: list[str] = []
    trust = situation.project.trust()
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
            made = resolve(one, plain_texts(effective))
            trusted = None if trust is None else trust(situation.workflow.file, one.alias, situation.commit)
            found[one.alias] = made if trusted is None else asking(made, trusted)
        except PlannerError as error:
            problems.append(str(error))
    if problems:
        raise WrongUse("\n".join(problems))
    return found


def names_any(workflow: Workflow, pattern: str) -> bool:
    """Whether a pattern names any environment of this workflow."""
    try:
        return bool(named_environments(Graph.of(workflow), [pattern]))
    except UnknownAlias:
        return False


def refuse_tools(chosen: Sequence[Environment]) -> None:
    """Tools that cannot be deployed yet are told before anything starts, all of them."""
    others = [one for one in chosen if one.tool not in DEPLOYABLE_TOOLS]
    if others:
        names = ", ".join(f"{one.alias!r} ({one.tool.value})" for one in others)
        known = ", ".join(tool.value for tool in DEPLOYABLE_TOOLS)
        raise NotAllowed(f"no support yet for deploying {names}", f"tools that can be deployed: {known}")


def refuse_steps(chosen: Sequence[Environment]) -> None:
    """Commands that somebody counts on must not be left out in silence."""
    flows = [repr(one.alias) for one in chosen if one.steps]
    if flows:
        raise NotAllowed(
            f"`steps` are not run yet, and {', '.join(flows)} has some", "take them out, or leave that environment out"
        )


def refuse_stray_states(stray: Sequence[str]) -> None:
    """An environment that exists already is not to be made a second time."""
    if stray:
        raise NotAllowed(
            f"{', '.join(map(repr, stray))}: a terraform.tfstate lies beside the code, and no backend is declared: "
            "Headwater would begin with an empty state and create everything again",
            "declare a backend and run 'terraform init -migrate-state', then 'headwater adopt'; or move that file away",
        )


def refuse_missing_secrets(
    workflow: Workflow, chosen: Sequence[Environment], given: Mapping[str, str], secrets: Mapping[str, str | None]
) -> None:
    """A secret that is not there is told before anything starts, not when its turn comes."""
    missing = sorted(
        {
            f"{one.variable.from_secret} ({environment.alias}: {one.variable.name})"
            for environment in chosen
            for one in effective_variables(workflow, environment, given=given)
            if one.variable.from_secret is not None and one.variable.from_secret not in secrets
        }
    )
    if missing:
        raise NotAllowed(f"no secret: {', '.join(missing)}", "set them as environment variables of this command")


def _dropped(kept: Mapping[str, Json], request: Request) -> dict[str, Json]:
    return {name: value for name, value in kept.items() if name not in request.forget}


def sources(project: Project, chosen: Sequence[Environment]) -> dict[str, str]:
    """Where the code of environments with a repository or revision of their own is read now; may ask other hosts."""
    return {
        one.alias: project.source_commit(one)
        for one in chosen
        if one.repository is not None or one.revision is not None
    }
