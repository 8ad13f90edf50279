"""The world itself: what its tools write is what happened."""

from __future__ import annotations

from tests.stories.conftest import MakeWorld
from tests.stories.world import CHAIN


def test_tools_tell_what_they_did(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    assert world.headwater("deploy", "--auto-approve").code == 0
    assert world.applied() == ["a", "b", "c"]
    assert world.have() == {"a": "a-1", "b": "b-1", "c": "c-1"}
    assert world.status()["status"] == "Active"
    world.want("b", "b-2")
    assert world.headwater("deploy", "--since-deployed", "--auto-approve").code == 0
    assert world.applied() == ["a", "b", "c", "b"]
    assert world.left_over() == []


def test_a_tool_can_be_made_to_fail(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.tell("b", "apply", "fail")
    assert world.headwater("deploy", "--auto-approve").code == 1
    assert world.states() == {"a": "deployed", "b": "failed", "c": "blocked"}
    assert [span.event for span in world.spans("apply")] == ["end", "fail"]
