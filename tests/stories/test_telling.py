"""What people are told before, while and after: files left out, other deployments, old states, why and what next."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import update

from bot.store.database import Database
from bot.store.expiring import forget_deployments
from bot.store.tables import plans
from tests.stories.conftest import MakeWorld
from tests.stories.world import CHAIN, DIAMOND


def test_uncommitted_files_that_are_left_out_are_told(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    assert "left out" not in world.headwater("plan").out
    (world.repository / "envs/b/want").write_text("b-draft\n")
    assert "1 uncommitted file left out ('--work-tree' takes what lies there)" in world.headwater("plan").out
    assert "left out" not in world.headwater("plan", "--work-tree").out


def test_a_workflow_file_that_is_not_committed_is_told_as_that(make_world: MakeWorld) -> None:
    world = make_world({"a": ()})
    text = (world.repository / "headwater.yml").read_text()
    world.commit({"headwater.yml": None})
    (world.repository / "headwater.yml").write_text(text)
    answer = world.headwater("plan")
    assert answer.code == 2, answer
    assert "headwater.yml is not committed yet" in answer.err
    assert world.headwater("plan", "--work-tree").code == 0


def test_an_old_local_state_is_never_left_behind_in_silence(make_world: MakeWorld) -> None:
    """Deploying with an empty state would create everything a second time."""
    world = make_world({})
    workflow = "environments:\n  net:\n    vcs: {type: terraform, path: net}\n"
    world.commit({"headwater.yml": workflow, "net/main.tf": 'resource "terraform_data" "it" {}\n'})
    (world.repository / "net/terraform.tfstate").write_text("{}")
    assert "a terraform.tfstate lies beside the code" in world.headwater("plan").out
    for verb in (["deploy", "--auto-approve"], ["adopt"]):
        answer = world.headwater(*verb)
        assert answer.code == 2, answer
        assert "'net': a terraform.tfstate lies beside the code" in answer.err
    backend = 'terraform {\n  backend "local" {\n    path = "/tmp/elsewhere"\n  }\n}\n'
    world.commit({"net/backend.tf": backend})
    assert "lies beside the code" not in world.headwater("plan").out


def test_what_waits_for_approval_is_told_before_the_question(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND, {"db": "requiresApproval: true"})
    assert "db: will wait for approval (requiresApproval)" in world.headwater("plan").out


def test_a_deployment_whose_place_is_taken_is_told(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, {"b": "requiresApproval: true"})
    assert world.headwater("deploy", "--auto-approve").code == 3
    assert "deployment #2 has not begun with b, c: this takes its place" in world.headwater("plan").out


def test_explain_says_whose_approval_it_is_that_frees_it(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, {"b": "requiresApproval: true"})
    world.headwater("deploy", "--auto-approve")
    assert "Next: headwater approve b" in world.headwater("explain", "c").out
    assert "Next: headwater show 2" in world.headwater("explain", "b").out


@pytest.mark.parametrize("command", ["explain", "outputs"])
def test_an_alias_that_is_none_is_answered_with_those_that_there_are(make_world: MakeWorld, command: str) -> None:
    world = make_world(CHAIN)
    world.deployed()
    assert "known are: a, b, c" in world.headwater(command, "nowhere").err


def test_explain_knows_what_the_file_no_longer_has(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, top="settings: {environmentRemovalStrategy: destroy}")
    world.deployed()
    world.define({"a": (), "b": ("a",)}, top="settings: {environmentRemovalStrategy: destroy}")
    assert world.headwater("deploy", "--auto-approve").code == 3
    answer = world.headwater("explain", "c")
    assert answer.code == 0, answer
    assert "gone from the workflow file" in answer.out
    assert "Next: headwater approve c" in answer.out


def test_only_needs_to_know_what(make_world: MakeWorld) -> None:
    answer = make_world(CHAIN).headwater("deploy", "--only", "--auto-approve")
    assert answer.code == 2, answer
    assert "--only, but what?" in answer.err


def test_a_failed_plan_is_shown_with_its_reason(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.tell("b", "plan", "fail")
    world.headwater("plan")
    assert "`plan` failed (exit code 1)." in world.headwater("show", "1").out


def test_what_did_not_change_is_counted_apart(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.deployed()
    world.want("b", "b-2")
    assert "Deployed 3 of 3 (2 unchanged)" in world.headwater("deploy", "--auto-approve").out


def test_machines_are_told_nothing_where_nothing_is_done(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.deployed()
    for verb in ("retry", "cancel", "adopt"):
        answer = world.headwater(verb, "--json")
        assert (answer.code, answer.out) == (0, ""), answer


def test_what_has_expired_says_so(make_world: MakeWorld) -> None:
    world = make_world({"a": ()})
    world.headwater("plan")
    world.want("a", "2")
    world.headwater("deploy", "--auto-approve")
    database = Database.file(world.state / "headwater.db")
    with database.writing() as connection:
        assert forget_deployments(connection, time.time() + 1, 1) == 1
        assert connection.execute(update(plans).values(text="")).rowcount
    assert "Older ones may have expired" in world.headwater("history", "--plans").err
    expired = world.headwater("show", "1")
    assert expired.code == 2
    assert "deployment #1 has expired" in expired.err
    assert "Its text has expired" in world.headwater("show", "2").out
