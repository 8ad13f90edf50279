"""What may be applied, and who has to be asked first."""

from __future__ import annotations

from tests.stories.conftest import MakeWorld
from tests.stories.world import CHAIN, DIAMOND

ASKS = {"db": "requiresApproval: true"}
NEW_EACH_TIME = '#!/bin/sh\necho "now $(date +%s%N)"\nexit 2\n'


def test_yes_deploys_what_was_shown(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    answer = world.headwater("deploy", input="y\n")
    assert answer.code == 0, answer
    assert world.applied() == ["a", "b", "c"]
    assert "Deploy this?" in answer.err


def test_no_does_nothing(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    answer = world.headwater("deploy", input="n\n")
    assert answer.code == 130, answer
    assert "Nothing was done." in answer.out
    assert world.applied() == []
    assert world.status()["status"] == "Inactive"


def test_nobody_there_to_be_asked_is_told(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    answer = world.headwater("deploy")
    assert answer.code == 2, answer
    assert "--auto-approve" in answer.err
    assert world.applied() == []


def test_requires_approval_waits_while_all_else_goes_on(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND, ASKS)
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 3, answer
    assert world.applied() == ["net", "eks"]
    assert world.states() == {"net": "deployed", "db": "needs approval", "eks": "deployed", "app": "in progress"}
    assert world.status()["status"] == "Deploy in progress"
    assert "headwater approve db" in answer.out

    approved = world.headwater("approve", "db")
    assert approved.code == 0, approved
    assert world.applied() == ["net", "eks", "db", "app"]
    assert world.status()["status"] == "Active"


def test_yes_at_the_question_is_no_approval_either(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, {"b": "requiresApproval: true"})
    answer = world.headwater("deploy", input="y\n")
    assert answer.code == 3, answer
    assert world.applied() == ["a"]


def test_a_rejected_approval_cancels_it_and_blocks_what_lies_downstream(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND, ASKS)
    world.headwater("deploy", "--auto-approve")
    answer = world.headwater("reject", "db")
    assert answer.code == 0, answer
    assert world.states() == {"net": "deployed", "db": "cancelled", "eks": "deployed", "app": "blocked"}
    assert world.applied() == ["net", "eks"]
    assert world.status()["status"] == "Active"


def test_a_plan_that_differs_from_the_one_shown_waits(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.commit({"envs/b/plan": NEW_EACH_TIME})
    answer = world.headwater("deploy", input="y\n")
    assert answer.code == 3, answer
    assert world.applied() == ["a"]
    assert world.states() == {"a": "deployed", "b": "needs approval", "c": "in progress"}


def test_a_script_whose_text_is_never_the_same_asks_each_time(make_world: MakeWorld) -> None:
    """Its text is one whole: an approval of one text covers no other."""
    world = make_world(CHAIN)
    world.commit({"envs/b/plan": NEW_EACH_TIME})
    world.headwater("deploy", input="y\n")
    answer = world.headwater("approve", "b")
    assert answer.code == 3, answer
    assert world.applied() == ["a"]


def test_auto_approve_takes_what_differs_too(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.commit({"envs/b/plan": NEW_EACH_TIME})
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 0, answer
    assert world.applied() == ["a", "b", "c"]


def test_approving_what_does_not_wait_is_refused(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.deployed()
    for verb in ("approve", "reject"):
        answer = world.headwater(verb, "b")
        assert answer.code == 2, answer
        assert "does not wait for approval" in answer.err


def test_a_new_deploy_takes_the_place_of_what_waits(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, {"b": "requiresApproval: true"})
    world.headwater("deploy", "--auto-approve")
    world.want("b", "b-2")
    world.headwater("deploy", "--auto-approve")
    assert world.states() == {"a": "deployed", "b": "needs approval", "c": "in progress"}
    shown = world.headwater("show", "2", "--json").json
    assert {one["alias"]: one["code"] for one in shown["environments"]}["b"] == "superseded"
    answer = world.headwater("approve", "b")
    assert answer.code == 0, answer
    assert world.have() == {"a": "a-1", "b": "b-2", "c": "c-1"}
