"""From definitions to the facts that snapshots compare."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace

from planner.definition import Definitions, Environment, Tool, Variable, Workflow
from planner.graph import Graph
from planner.indexing.inputs import Inputs, Reads
from planner.indexing.snapshot import EnvironmentFacts, Snapshot, WorkflowFacts, record
from planner.problems import PlannerError
from planner.variables import effective_variables, plain_texts, resolve

USUAL_WORKSPACE = "default"


def environment_facts(definitions: Definitions) -> list[EnvironmentFacts]:
    """The facts of all environments, workflow by workflow, in file order."""
    return [facts for workflow in definitions.workflows for facts in _of_workflow(workflow)]


def snapshot_of(
    key: str, definitions: Definitions, facts: Sequence[EnvironmentFacts], reads: Sequence[Reads]
) -> Snapshot:
    """The snapshot of definitions with their facts, and what each environment reads."""
    workflows: list[WorkflowFacts] = []
    waves: list[int] = []
    downstream: list[tuple[int, ...]] = []
    for workflow in definitions.workflows:
        first = len(waves)
        workflows.append(WorkflowFacts(workflow.file, workflow.name, first, first + len(workflow.environments)))
        graph = _graph(workflow)
        number = {alias: first + place for place, alias in enumerate(graph.needs)}
        waves += [graph.wave[alias] for alias in graph.needs]
        downstream += [tuple(number[user] for user in graph.downstream[alias]) for alias in graph.needs]
    aliases = [one.alias.casefold() for one in facts]
    return Snapshot(key, workflows, [record(one) for one in facts], aliases, waves, downstream, Inputs.of(reads))


def _graph(workflow: Workflow) -> Graph:
    """The workflow's graph; of one with errors, which nobody deploys, the nodes alone."""
    known = {one.alias for one in workflow.environments}
    try:
        graph = Graph({one.alias: tuple(need for need in one.needs if need in known) for one in workflow.environments})
        graph.wave  # noqa: B018 - raises ValueError for a cycle
    except ValueError:
        return Graph({one.alias: () for one in workflow.environments})
    return graph


def _of_workflow(workflow: Workflow) -> Iterator[EnvironmentFacts]:
    shared = {one.name: _variable(one) for one in workflow.variables}
    shared_facts = tuple(sorted(shared.items()))
    for written in workflow.environments:
        environment = _filled(workflow, written)
        own = {one.name: _variable(one) for one in environment.variables}
        place = _place(environment)
        yield EnvironmentFacts(
            file=workflow.file,
            alias=environment.alias,
            slug=environment.slug,
            path=environment.path,
            needs=environment.needs,
            disabled=environment.disabled is True,
            definition=tuple(_definition(environment, place)),
            variables=tuple(sorted((shared | own).items())) if own else shared_facts,
            place=place,
            watch=environment.watch,
            moved_from=environment.moved_from,
            pinned=_pinned(environment),
        )


def _filled(workflow: Workflow, environment: Environment) -> Environment:
    """With every `${VAR}` replaced; as it is written where one has no value yet."""
    texts = (environment.workspace, environment.revision, environment.disabled)
    if not any(isinstance(text, str) for text in texts[2:]) and not any("${" in (text or "") for text in texts[:2]):
        return environment
    values = plain_texts(effective_variables(workflow, environment))
    try:
        return resolve(replace(environment, name=""), values)
    except PlannerError:
        return environment


def _place(environment: Environment) -> tuple[str, str, str, str]:
    usual = USUAL_WORKSPACE if environment.tool in (Tool.TERRAFORM, Tool.OPENTOFU) else ""
    return (
        environment.repository or "",
        environment.path,
        environment.tool.value,
        environment.workspace or usual,
    )


def _definition(environment: Environment, place: tuple[str, str, str, str]) -> Iterable[tuple[str, str]]:
    """What the tool is given. Not what is for people or for the order: name, needs, approvals, runner."""
    repository, path, tool, workspace = place
    those = {
        "path": path or "/",
        "tool": tool,
        "repository": repository,
        "revision": environment.revision,
        "version": environment.version,
        "workspace": workspace,
        "steps": json.dumps([asdict(one) for one in environment.steps]) if environment.steps else None,
    }
    return ((what, value) for what, value in those.items() if value)


def _pinned(environment: Environment) -> tuple[str, str] | None:
    if environment.repository is None and environment.revision is None:
        return None
    return environment.repository or "", environment.revision or ""


def _variable(one: Variable) -> str:
    return json.dumps([one.value, one.sensitive, one.from_secret, one.plan], ensure_ascii=False, sort_keys=True)
