"""How every workflow stands: its definition beside what the store knows."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.decide.identity import Declared, Stack
from bot.decide.status import EnvironmentFacts, Summary, environment_state, workflow_status
from bot.decide.transitions import TaskState
from planner.indexing.cache import no_garbage_collection
from planner.listing import ListedEnvironment, ListedWorkflow

if TYPE_CHECKING:
    from bot.project import Project
    from bot.store.environments import EnvironmentRow
    from planner.definition import Json


@dataclass(frozen=True, slots=True)
class EnvironmentStanding:
    """One environment as people see it; `id`: of its row, if there is one."""

    alias: str
    deployed: bool
    state: str
    commit: str | None
    deployed_at: float | None
    outputs: Mapping[str, Json]
    note: str = ""
    id: int | None = None

    @property
    def deployed_at_iso(self) -> str | None:
        """When it was deployed, in UTC."""
        if self.deployed_at is None:
            return None
        moment = datetime.datetime.fromtimestamp(self.deployed_at, datetime.UTC)
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Standing:
    """One workflow as people see it."""

    workflow: ListedWorkflow
    summary: Summary
    environments: tuple[EnvironmentStanding, ...]


def never_worked_on(workflows: Sequence[ListedWorkflow]) -> tuple[Standing, ...]:
    """How workflows stand of which nothing is stored."""
    return tuple(
        Standing(
            workflow,
            workflow_status([EnvironmentFacts()] * len(workflow.environments)),
            tuple(_declared(one, None, {}) for one in workflow.environments),
        )
        for workflow in workflows
    )


def standings(project: Project, workflows: Sequence[ListedWorkflow]) -> tuple[Standing, ...]:
    """How these workflows stand, in their files' order; what is not in a file, and there or under way, comes last."""
    from bot.store import environments, values  # noqa: PLC0415 - slow to import, and many repositories have no store

    with no_garbage_collection(), project.database.reading() as connection:
        repository = environments.known_repository(connection, project.key)
        if repository is None:
            return never_worked_on(workflows)
        rows = environments.environment_rows(connection, repository)
        outputs = values.shown_outputs(connection, repository)
    who = environments.identify_declared(rows, [_as_declared(file, one) for file, _, ones in workflows for one in ones])
    by_id = {row.id: row for row in rows}
    more: dict[str, list[EnvironmentRow]] = {}
    for row in (by_id[identity] for identity in who.removed):
        if row.deployed or row.facts.under_way or row.facts.unfinished:
            more.setdefault(row.file, []).append(row)
    return tuple(
        _of_workflow(
            workflow,
            [by_id.get(who.same.get((workflow.file, one.key), -1)) for one in workflow.environments],
            more.get(workflow.file, []),
            outputs,
        )
        for workflow in workflows
    )


def _as_declared(file: str, one: ListedEnvironment) -> Declared:
    moved_from = one.moved_from.casefold() if one.moved_from else None
    return Declared(file, one.key, Stack(one.path, one.tool, one.workspace or ""), moved_from)


def _of_workflow(
    workflow: ListedWorkflow,
    rows: Sequence[EnvironmentRow | None],
    more: Sequence[EnvironmentRow],
    outputs: Mapping[int, Mapping[str, Json]],
) -> Standing:
    facts = [row.facts if row else EnvironmentFacts() for row in (*rows, *more)]
    lines = [_declared(one, row, outputs) for one, row in zip(workflow.environments, rows, strict=True)]
    return Standing(workflow, workflow_status(facts), (*lines, *(_not_in_its_file(row, outputs) for row in more)))


def _declared(
    environment: ListedEnvironment, row: EnvironmentRow | None, outputs: Mapping[int, Mapping[str, Json]]
) -> EnvironmentStanding:
    if row is None:
        note = "disabled" if environment.disabled is True else ""
        return EnvironmentStanding(environment.alias, False, "not deployed", None, None, {}, note)
    return _standing(environment.alias, row, outputs, "disabled" if environment.disabled is True else _note(row))


def _not_in_its_file(row: EnvironmentRow, outputs: Mapping[int, Mapping[str, Json]]) -> EnvironmentStanding:
    """It was removed, or a pull request brings it."""
    return _standing(row.alias, row, outputs, "; ".join(filter(None, ["not in the file", _note(row)])))


def _standing(
    alias: str, row: EnvironmentRow, outputs: Mapping[int, Mapping[str, Json]], note: str
) -> EnvironmentStanding:
    state, shown = environment_state(row.facts), outputs.get(row.id, {})
    return EnvironmentStanding(alias, row.deployed, state, row.commit, row.deployed_at, shown, note, row.id)


def _note(row: EnvironmentRow) -> str:
    match row.facts.state:
        case TaskState.BLOCKED:
            return f"by {row.detail}"
        case TaskState.CANCELLED if row.deployed and not row.facts.started:
            return f"its latest {row.facts.action} was called off"
        case TaskState.LOST:
            return "its runner is gone; the tool may be at work"
        case TaskState.FAILED | TaskState.TIMED_OUT:
            words = "outcome unknown" if row.code == "outcome-unknown" else (row.detail.splitlines() or [""])[0]
            return words if row.facts.state is TaskState.FAILED else "timed out"
        case TaskState.WAITING:
            return f"waits in deployment #{row.deployment}"
        case TaskState.NEEDS_APPROVAL | TaskState.READY | TaskState.DISPATCHED | TaskState.RUNNING:
            return f"deployment #{row.deployment}"
        case _:
            return ""
