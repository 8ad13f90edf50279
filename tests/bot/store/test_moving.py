"""Environments and workflows that are renamed take their state, history and kept values along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.decide.deeds import Deed
from bot.store import audit
from bot.store.declared import detach, environment_ids, take_names, take_workflows, workflow_id
from bot.store.environments import EnvironmentRow, environment_rows, identify
from bot.store.tables import environments, workflows
from bot.store.values import WHOLE_WORKFLOW, forget, keep, read_kept
from planner.definition import Environment, Tool, Workflow
from planner.problems import Place
from tests.bot.store.simulation import ADA, Scene


def a_workflow(paths: Mapping[str, str], *, file: str = "headwater.yml", **moved_from: str) -> Workflow:
    """A workflow of environments with these paths."""
    return Workflow(
        file,
        "w",
        tuple(
            Environment(alias, alias, Place(file), tool=Tool.SCRIPT, path=path, moved_from=moved_from.get(alias))
            for alias, path in paths.items()
        ),
    )


class Stored:
    """The rows of a scene, and what a deploy of other files makes of them."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.database = scene, scene.project.database

    def deployed(self, *aliases: str) -> None:
        with self.database.writing() as connection:
            for alias in aliases:
                of_it = environments.c.id == self.scene.ids[alias]
                values = {"deployed": True, "commit": "c", "last_task_id": 1}
                connection.execute(update(environments).where(of_it).values(values))
            unused = environments.c.deployed.is_(False)
            connection.execute(update(environments).where(unused).values(detached=True))

    def deploy(self, *declared: Workflow) -> dict[str, int]:
        """What a deploy of these files does before anything starts; file and alias -> id."""
        found: dict[str, int] = {}
        with self.database.writing() as connection:
            rows = environment_rows(connection, self.scene.repository)
            who = identify(rows, declared)
            take_workflows(connection, self.scene.repository, who.followed)
            names = {row.id: row.alias for row in rows if row.id in who.moves}
            for workflow in declared:
                place = workflow_id(connection, self.scene.repository, workflow)
                made = environment_ids(connection, who, workflow, place, workflow.environments)
                ids = {made[one.alias]: one for one in workflow.environments}
                was = {row.id: row for row in rows}
                moved = {one: names[one] for one in ids if one in names}
                take_names(connection, ids, was, (place, workflow.file), moved, ADA, 5.0)
                found |= {f"{workflow.file} {one.alias}": number for number, one in ids.items()}
        return found

    def told(self) -> list[str]:
        """What the audit log tells of environments that were moved or detached."""
        with self.database.reading() as connection:
            return [
                f"{one.actor} {one.deed} {one.result} {one.workflow} {one.environment} {one.commit}: {one.detail}"
                for one in audit.entries(connection)
                if one.deed in (Deed.MOVE, Deed.DETACH)
            ]

    def planned(self, workflow: Workflow) -> dict[str, int]:
        """Rows as a plan makes them: nothing is renamed."""
        with self.database.writing() as connection:
            who = identify(environment_rows(connection, self.scene.repository), [])
            place = workflow_id(connection, self.scene.repository, workflow)
            return environment_ids(connection, who, workflow, place, workflow.environments)

    def rows(self) -> dict[str, EnvironmentRow]:
        with self.database.reading() as connection:
            return {f"{row.file} {row.alias}": row for row in environment_rows(connection, self.scene.repository)}

    def kept(self, workflow: int) -> dict[int, dict[str, Any]]:
        with self.database.reading() as connection:
            return read_kept(connection, self.scene.project.vault, workflow)

    def keep(self, environment: int, values: Mapping[str, Any]) -> None:
        with self.database.writing() as connection:
            vault = self.scene.project.vault
            keep(connection, vault, self.scene.workflow, environment, values, 1, 1.0)


@pytest.fixture
def stored(scene: Scene) -> Stored:
    return Stored(scene)


def test_a_renamed_environment_keeps_its_row_and_what_is_kept_for_it(stored: Stored) -> None:
    stored.deployed("a", "b")
    was = stored.rows()["headwater.yml a"]
    stored.keep(was.id, {"SIZE": "large"})
    stored.deploy(a_workflow({"network": "a", "b": "b"}))
    row = stored.rows()["headwater.yml network"]
    assert (row.id, row.state_id, row.digest_key, row.commit) == (was.id, was.state_id, was.digest_key, "c")
    assert stored.kept(stored.scene.workflow) == {row.id: {"SIZE": "large"}}
    assert stored.told() == ["ada move done headwater.yml network c: was a"]


def test_what_was_renamed_and_laid_elsewhere_is_known_by_its_former_names(stored: Stored) -> None:
    stored.deployed("a")
    number = stored.scene.ids["a"]
    assert stored.deploy(a_workflow({"a": "elsewhere"}))["headwater.yml a"] == number
    assert stored.deploy(a_workflow({"network": "elsewhere"}))["headwater.yml network"] == number
    assert stored.deploy(a_workflow({"network": "stacks/network"}))["headwater.yml network"] == number
    for file in ({"a": "a"}, {"a": "elsewhere"}, {"network": "elsewhere"}, {"network": "stacks/network"}):
        assert list(stored.deploy(a_workflow(file)).values()) == [number]
    assert len(stored.rows()["headwater.yml network"].former) == 3


def test_a_row_that_was_only_planned_gives_its_name_up(stored: Stored) -> None:
    stored.deployed("a")
    planned = stored.planned(a_workflow({"network": "a"}))
    assert stored.deploy(a_workflow({"network": "a"})) == {"headwater.yml network": stored.scene.ids["a"]}
    assert planned["network"] != stored.scene.ids["a"]
    assert set(stored.rows()) == {"headwater.yml network"}


def test_an_environment_that_goes_to_another_file_takes_its_kept_values_along(stored: Stored) -> None:
    stored.deployed("a", "b")
    stored.keep(stored.scene.ids["a"], {"SIZE": "large"})
    stored.keep(WHOLE_WORKFLOW, {"REGION": "eu"})
    stored.deploy(a_workflow({"b": "b"}), a_workflow({"a": "a"}, file="other.yml"))
    row = stored.rows()["other.yml a"]
    assert row.id == stored.scene.ids["a"]
    assert stored.kept(row.workflow_id) == {row.id: {"SIZE": "large"}}
    assert stored.kept(stored.scene.workflow) == {WHOLE_WORKFLOW: {"REGION": "eu"}}


@pytest.mark.parametrize("planned_before", [False, True])
def test_a_vanished_file_takes_its_workflow_along(stored: Stored, planned_before: bool) -> None:
    stored.deployed("a", "b")
    stored.keep(WHOLE_WORKFLOW, {"REGION": "eu"})
    moved = a_workflow({"a": "a", "b": "b", "new": "new"}, file="stacks/headwater.yml")
    if planned_before:
        stored.planned(moved)
    stored.deploy(moved)
    rows = stored.rows()
    assert set(rows) == {f"stacks/headwater.yml {alias}" for alias in ("a", "b", "new")}
    assert {row.workflow_id for row in rows.values()} == {stored.scene.workflow}
    assert rows["stacks/headwater.yml a"].id == stored.scene.ids["a"]
    assert stored.kept(stored.scene.workflow) == {WHOLE_WORKFLOW: {"REGION": "eu"}}
    with stored.database.reading() as connection:
        assert list(connection.execute(select(workflows.c.file)).scalars()) == ["stacks/headwater.yml"]


def test_what_is_detached_is_nobodys_and_its_name_is_free(stored: Stored) -> None:
    stored.deployed("a", "b")
    with stored.database.writing() as connection:
        detach(connection, [stored.rows()["headwater.yml a"]], ADA, 6.0)
    assert set(stored.rows()) == {"headwater.yml b"}
    found = stored.deploy(a_workflow({"a": "a", "b": "b"}))
    assert found["headwater.yml a"] != stored.scene.ids["a"]
    assert stored.told() == ["ada detach done headwater.yml a c: deployed at c"]


def test_a_kept_value_is_replaced_and_forgotten_by_name(stored: Stored) -> None:
    stored.keep(WHOLE_WORKFLOW, {"REGION": "eu", "SIZE": [1]})
    stored.keep(WHOLE_WORKFLOW, {"REGION": "us"})
    stored.keep(stored.scene.ids["a"], {"REGION": "af"})
    assert stored.kept(stored.scene.workflow) == {
        WHOLE_WORKFLOW: {"REGION": "us", "SIZE": [1]},
        stored.scene.ids["a"]: {"REGION": "af"},
    }
    with stored.database.writing() as connection:
        assert forget(connection, stored.scene.workflow, ["REGION"], stored.scene.ids["a"]) == 1
        assert forget(connection, stored.scene.workflow, ["REGION", "NOTHING"]) == 1
    assert stored.kept(stored.scene.workflow) == {WHOLE_WORKFLOW: {"SIZE": [1]}}
