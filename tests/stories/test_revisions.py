"""Environments at a revision of their own: changed when that moves, whatever else is committed."""

from __future__ import annotations

from tests.stories.conftest import MakeWorld
from tests.stories.world import World

PAIR = {"a": (), "b": ()}


def changed(world: World) -> dict[str, list[tuple[str, str]]]:
    """Alias -> codes and details, since each was last deployed."""
    answer = world.headwater("affected", "--since-deployed", "--json")
    assert answer.code == 0, answer
    return {
        one["alias"]: [(why["code"], why["detail"]) for why in one["reasons"]]
        for workflow in answer.json["workflows"]
        for one in workflow["environments"]
    }


def test_a_branch_that_moved_is_a_change_and_nothing_else_is(make_world: MakeWorld) -> None:
    world = make_world(PAIR, {"b": "revision: stable"})
    world.git("branch", "stable")
    first = world.git("rev-parse", "stable")
    world.deployed()
    world.want("b", "b-on-main")
    assert changed(world) == {}
    world.git("branch", "--force", "stable", "main")
    moved = ("revision-moved", f"stable is {world.git('rev-parse', 'main')[:12]}, was {first[:12]}")
    assert changed(world) == {"b": [moved]}

    world.tell("b", "apply", "fail")
    assert world.headwater("deploy", "--since-deployed", "--auto-approve").code == 1
    assert [code for code, _ in changed(world)["b"]] == ["unfinished", "revision-moved"]
    assert changed(world)["b"][1] == moved
    world.let_go("b", "apply", "fail")
    assert world.headwater("deploy", "--since-deployed", "--auto-approve").code == 0
    assert changed(world) == {}
    assert world.have() == {"a": "a-1", "b": "b-on-main"}


def test_a_deploy_without_changes_takes_note_of_the_revision(make_world: MakeWorld) -> None:
    world = make_world(PAIR, {"b": "revision: stable"})
    world.git("branch", "stable")
    world.deployed()
    world.commit({"README": "nothing that a plan would see\n"})
    world.git("branch", "--force", "stable", "main")
    assert list(changed(world)) == ["b"]
    assert world.headwater("deploy", "--since-deployed", "--auto-approve").code == 0
    assert changed(world) == {}
    assert world.applied() == ["a", "b"] or world.applied() == ["b", "a"]


def test_what_only_a_deploy_fills_in_is_not_asked_for(make_world: MakeWorld) -> None:
    world = make_world(PAIR, {"b": "revision: ${REV}"})
    assert world.headwater("deploy", "--auto-approve", "-v", "REV=main").code == 0
    assert changed(world) == {}


def test_a_disabled_environment_may_name_a_branch_that_is_gone(make_world: MakeWorld) -> None:
    world = make_world(PAIR, {"b": "revision: gone\ndisabled: true"}).deployed()
    assert changed(world) == {}


def test_a_branch_that_is_gone_is_told(make_world: MakeWorld) -> None:
    world = make_world(PAIR).deployed()
    world.define(PAIR, {"b": "revision: gone"})
    answer = world.headwater("affected", "--since-deployed")
    assert (answer.code, "no commit is called 'gone' here" in answer.err) == (2, True), answer


def test_errors_in_the_files_are_told_and_not_compared(make_world: MakeWorld) -> None:
    world = make_world(PAIR).deployed()
    world.define(PAIR, {"b": "needs: [nobody]"})
    answer = world.headwater("affected", "--since-deployed")
    assert (answer.code, "headwater.yml:7:13: 'b' needs" in answer.err) == (2, True), answer


def test_the_own_address_means_this_repository_in_the_mirror_too(make_world: MakeWorld) -> None:
    world = make_world(PAIR)
    world.git("remote", "add", "origin", "https://example.com/own/repo.git")
    text = (world.repository / "headwater.yml").read_text()
    world.commit(
        {"headwater.yml": text.replace("path: envs/b", "path: envs/b, repository: https://example.com/own/repo")}
    )
    world.deployed()
    world.want("b", "b-2")
    assert changed(world) == {"b": [("file-changed", "envs/b/want")]}
