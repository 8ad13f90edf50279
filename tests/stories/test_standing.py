"""What `status` and `outputs` show: of this repository alone, and of what is deployed."""

from __future__ import annotations

from pathlib import Path

from tests.stories.conftest import MakeWorld
from tests.stories.world import World


def outputs(world: World) -> dict[str, dict[str, str]]:
    answer = world.headwater("outputs", "--json")
    assert answer.code == 0, answer
    return dict(answer.json)


def test_two_repositories_in_one_database_show_their_own(make_world: MakeWorld, tmp_path: Path) -> None:
    shared = {"HEADWATER_DATABASE_URL": f"sqlite:///{tmp_path}/shared.db"}
    one = make_world({"a": ()}, environment=shared)
    other = make_world({"a": (), "b": ("a",)}, environment=shared)
    one.want("a", "one")
    one.deployed()
    assert (other.status()["status"], outputs(other)) == ("Inactive", {"a": {}, "b": {}})
    other.deployed()
    assert outputs(one) == {"a": {"value": "one"}}
    assert outputs(other) == {"a": {"value": "a-1"}, "b": {"value": "b-1"}}


def test_what_is_gone_from_its_file_stands_last(make_world: MakeWorld) -> None:
    world = make_world({"a": (), "b": ()}).deployed()
    world.define({"a": (), "new": ()})
    status = world.status()
    shown = [(one["alias"], one["state"], one["outputs"]) for one in status["environments"]]
    assert shown == [
        ("a", "deployed", {"value": "a-1"}),
        ("new", "not deployed", {}),
        ("b", "deployed", {"value": "b-1"}),
    ]
    assert (status["status"], status["partial"], status["deployed"], status["of"]) == ("Active", True, 2, 3)
    assert "not in the file" in world.headwater("status").out
    assert world.headwater("destroy", "--auto-approve").code == 0
    assert [one["outputs"] for one in world.status()["environments"]] == [{}] * len(world.states())


def test_a_renamed_environment_is_shown_as_itself(make_world: MakeWorld) -> None:
    world = make_world({"a": ()}).deployed()
    world.commit(
        {"headwater.yml": "name: world\nenvironments:\n  z: {vcs: {type: script, path: envs/a}, movedFrom: A}\n"}
    )
    assert [(one["alias"], one["state"]) for one in world.status()["environments"]] == [("z", "deployed")]
