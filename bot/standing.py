"""How every workflow stands: its definition beside what the store knows."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.decide.status import EnvironmentFacts, Summary, environment_state, workflow_status
from bot.decide.transitions import TaskState
from bot.known import known
from bot.project import Project
from bot.store.environments import EnvironmentRow, identify
from bot.store.values import shown_outputs
from planner.definition import Environment, Json, Workflow


@dataclass(frozen=True, slots=True)
class EnvironmentStanding:
    """One environment as people see it."""

    alias: str
    deployed: bool
    state: str
    commit: str | None
    deployed_at: float | None
    outputs: Mapping[str, Json]
    note: str = ""

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

    workflow: Workflow
    summary: Summary
    environments: tuple[EnvironmentStanding, ...]


def standings(project: Project, workflows: Sequence[Workflow]) -> tuple[Standing, ...]:
    """How these workflows stand, in their files' order; what is gone from a file and still deployed comes last."""
    stored = known(project)
    who = identify(stored.rows, workflows)
    by_id = {row.id: row for row in stored.rows}
    outputs: dict[int, dict[str, Json]] = {}
    if stored.rows:
        with project.database.reading() as connection:
            outputs = shown_outputs(connection, [row.id for row in stored.rows if row.deployed])
    found = []
    for workflow in workflows:
        rows = [(one, by_id.get(who.same.get((workflow.file, one.key), -1))) for one in workflow.environments]
        gone = [by_id[identity] for identity in who.removed if by_id[identity].file == workflow.file]
        everything = [row.facts if row else EnvironmentFacts() for _, row in rows]
        everything += [row.facts for row in gone if row.deployed]
        lines = [_declared(one, row, outputs) for one, row in rows] + [
            _gone(row, outputs) for row in gone if row.deployed
        ]
        found.append(Standing(workflow, workflow_status(everything), tuple(lines)))
    return tuple(found)


def _declared(
    environment: Environment, row: EnvironmentRow | None, outputs: Mapping[int, Mapping[str, Json]]
) -> EnvironmentStanding:
    if row is None:
        note = "disabled" if environment.disabled is True else ""
        return EnvironmentStanding(environment.alias, False, "not deployed", None, None, {}, note)
    return _standing(environment.alias, row, outputs, "disabled" if environment.disabled is True else _note(row))


def _gone(row: EnvironmentRow, outputs: Mapping[int, Mapping[str, Json]]) -> EnvironmentStanding:
    return _standing(row.alias, row, outputs, "gone from the file")


def _standing(
    alias: str, row: EnvironmentRow, outputs: Mapping[int, Mapping[str, Json]], note: str
) -> EnvironmentStanding:
    return EnvironmentStanding(
        alias, row.deployed, environment_state(row.facts), row.commit, row.deployed_at, outputs.get(row.id, {}), note
    )


def _note(row: EnvironmentRow) -> str:
    match row.facts.state:
        case TaskState.BLOCKED:
            return f"by {row.detail}"
        case TaskState.LOST:
            return "its runner is gone; the tool may be at work"
        case TaskState.FAILED | TaskState.TIMED_OUT:
            words = "outcome unknown" if row.code == "outcome-unknown" else (row.detail.splitlines() or [""])[0]
            return words if row.facts.state is TaskState.FAILED else "timed out"
        case TaskState.WAITING | TaskState.READY | TaskState.DISPATCHED | TaskState.RUNNING:
            return f"deployment #{row.deployment}"
        case _:
            return ""
