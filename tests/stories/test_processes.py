"""Deploying survives what happens to its processes: kill -9, pauses, Ctrl-C, two at once, time-outs."""

from __future__ import annotations

import os
import signal
from itertools import pairwise

import pytest

from tests.stories.conftest import MakeWorld
from tests.stories.world import CHAIN, DIAMOND, Running, World, overlaps
from tests.waiting import until


def holding(world: World, alias: str = "db") -> tuple[Running, str]:
    """A deploy at work whose `alias` is held in its apply; the command and that attempt."""
    world.tell(alias, "apply", "hold")
    deploy = world.start("deploy", "--auto-approve")
    return deploy, world.wait_for("start", "apply", alias).attempt


def applies_of(world: World, alias: str) -> list[str | None]:
    """How each apply of an environment ended."""
    return [span.event for span in world.spans("apply") if span.alias == alias]


def settled(world: World, status: str = "Active") -> None:
    """All is as wanted: each attempt worked once, never two at a time, nothing is left behind."""
    assert world.status()["status"] == status
    changing = world.spans("apply", "destroy")
    assert len({span.attempt for span in changing}) == len(changing)
    assert not overlaps(changing)
    assert world.left_over() == []


def test_killing_the_command_leaves_its_tool_at_work_and_its_report_counts(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    deploy, _ = holding(world)
    deploy.kill()
    assert world.status()["status"] == "Deploy in progress"
    world.let_go("db", "apply")
    until(lambda: world.states()["db"] == "deployed", "the report of the runner that went on")
    assert "app" not in world.applied()  # status takes in; it starts nothing
    assert world.headwater("retry", "--auto-approve").code == 0
    assert sorted(world.applied()) == ["app", "db", "eks", "net"]
    settled(world)


def test_a_dead_runners_tool_is_waited_for_and_retry_plans_first(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    deploy, attempt = holding(world)
    os.kill(world.runner_of(attempt), signal.SIGKILL)
    until(lambda: world.states()["db"] == "lost", "db is lost")
    assert deploy.process.poll() is None  # it waits
    world.let_go("db", "apply")
    assert deploy.answer().code == 1
    (db,) = [one for one in world.status()["environments"] if one["alias"] == "db"]
    assert (db["state"], db["deployed"]) == ("failed", False)
    assert "outcome unknown" in world.headwater("status").out
    assert world.headwater("retry", "--auto-approve").code == 0
    assert applies_of(world, "db") == ["end"]  # the plan found it done
    settled(world)


def test_a_tool_that_is_killed_fails_and_says_how(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    deploy, _ = holding(world, "b")
    os.killpg(world.wait_for("start", "apply", "b").pid, signal.SIGKILL)
    answer = deploy.answer()
    assert answer.code == 1 and "SIGKILL" in answer.out, str(answer)
    assert world.states() == {"a": "deployed", "b": "failed", "c": "blocked"}
    world.let_go("b", "apply")
    assert world.headwater("retry", "--auto-approve").code == 0
    settled(world)


def test_a_runner_that_was_paused_reports_late_and_that_counts(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    deploy, attempt = holding(world, "b")
    runner = world.runner_of(attempt)
    os.kill(runner, signal.SIGSTOP)
    until(lambda: world.states()["b"] == "lost", "b is lost")
    world.let_go("b", "apply")
    world.wait_for("end", "apply", "b")
    assert world.states()["b"] == "lost"  # its runner lives, so it may do anything yet
    os.kill(runner, signal.SIGCONT)
    assert deploy.answer().code == 0
    assert world.applied() == ["a", "b", "c"]
    settled(world)


def test_ctrl_c_once_lets_the_tool_end_by_itself(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    deploy, _ = holding(world, "b")
    deploy.interrupt()
    answer = deploy.answer()
    assert answer.code == 130, str(answer)
    assert applies_of(world, "b") == ["interrupted"]
    assert world.states() == {"a": "deployed", "b": "cancelled", "c": "cancelled"}
    assert world.status()["status"] == "Failed"  # it had begun to apply
    world.let_go("b", "apply")
    assert world.headwater("retry", "--auto-approve").code == 0
    settled(world)


def test_ctrl_c_twice_kills(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.tell("b", "apply", "deaf")
    deploy, _ = holding(world, "b")
    deploy.interrupt()
    assert "stopping gracefully" in (deploy.process.stderr.readline() + deploy.process.stderr.readline())  # type: ignore[union-attr]
    assert deploy.process.poll() is None
    deploy.interrupt()
    assert deploy.answer(20).code == 130
    assert applies_of(world, "b") == [None]  # it had no time to say anything
    assert world.left_over() == []


def test_ctrl_c_thrice_leaves_what_cannot_be_ended(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    deploy, attempt = holding(world, "b")
    runner = world.runner_of(attempt)
    os.kill(runner, signal.SIGSTOP)
    for said in ("stopping gracefully", "killing"):
        deploy.interrupt()
        lines = deploy.process.stderr
        assert lines is not None
        while said not in (line := lines.readline()):
            assert line, "it ended before it said so"
    deploy.interrupt()
    assert deploy.answer(20).code == 130
    os.kill(runner, signal.SIGCONT)
    until(lambda: world.states()["b"] == "cancelled", "the late report")
    assert world.left_over() == []


def test_a_dead_runners_tool_is_interrupted_once_only(make_world: MakeWorld) -> None:
    """A second SIGINT would make Terraform drop its state."""
    world = make_world(CHAIN)
    world.tell("b", "apply", "patient")
    deploy, attempt = holding(world, "b")
    os.kill(world.runner_of(attempt), signal.SIGKILL)
    until(lambda: world.states()["b"] == "lost", "b is lost")
    cancel = world.start("cancel")
    until(lambda: [line for line in world.tool_log() if line.event == "patient"], "the tool is told")
    for _ in range(3):
        world.headwater("status")
    assert len([line for line in world.tool_log() if line.event == "patient"]) == 1
    world.let_go("b", "apply")
    assert cancel.answer().code == 0
    assert deploy.answer().code == 1
    assert world.states()["b"] == "failed"


def test_cancel_from_another_terminal(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    deploy, _ = holding(world)
    world.wait_for("end", "outputs", "eks")
    assert world.headwater("cancel").code == 0
    assert deploy.answer().code == 130
    assert applies_of(world, "db") == ["interrupted"]
    assert applies_of(world, "app") == []
    assert world.headwater("cancel").out.startswith("Nothing to cancel")
    assert world.left_over() == []


def test_of_two_deploys_at_once_the_second_queues_and_takes_over_what_never_started(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    first, _ = holding(world)
    world.wait_for("end", "outputs", "eks")
    second = world.start("deploy", "--auto-approve")
    until(lambda: "superseded" in world.headwater("show", "2").out, "the second is submitted")
    assert applies_of(world, "db") == [None]
    world.let_go("db", "apply")
    one, other = first.answer(), second.answer()
    assert (one.code, other.code) == (130, 0), f"{one}\n{other}"
    assert applies_of(world, "app") == ["end"]
    assert applies_of(world, "db") == ["end"]  # the second found nothing left to do
    settled(world)


def test_a_diamond_starts_its_child_once_under_two_drivers(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    first, _ = holding(world, "net")
    second = world.start("retry", "--auto-approve")
    third = world.start("retry", "--auto-approve")
    until(lambda: world.headwater("status").code == 0, "they are up")
    world.let_go("net", "apply")
    answers = [one.answer() for one in (first, second, third)]
    assert [one.code for one in answers] == [0, 0, 0], "\n".join(map(str, answers))
    assert sorted(world.applied()) == ["app", "db", "eks", "net"]
    assert len([span for span in world.spans("plan") if span.alias == "app"]) == 2  # for review, and in its turn
    settled(world)


def test_retry_force_takes_a_lost_one_for_ended(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    deploy, attempt = holding(world, "b")
    runner = world.runner_of(attempt)
    os.kill(runner, signal.SIGSTOP)
    until(lambda: world.states()["b"] == "lost", "b is lost")
    deploy.kill()
    world.let_go("b", "apply")
    world.wait_for("end", "apply", "b")
    assert world.headwater("retry", "--force", "--auto-approve").code == 0
    assert world.applied() == ["a", "b", "c"]  # planned first: it was done
    os.kill(runner, signal.SIGCONT)
    until(lambda: not world.left_over(), "the old runner tidies up")
    settled(world)


def test_a_failure_blocks_its_descendants_only_and_retry_goes_on_there(make_world: MakeWorld) -> None:
    world = make_world({**DIAMOND, "lone": ()})
    world.tell("db", "apply", "fail")
    assert world.headwater("deploy", "--auto-approve").code == 1
    assert world.states() == {
        "net": "deployed",
        "db": "failed",
        "eks": "deployed",
        "app": "blocked",
        "lone": "deployed",
    }
    world.let_go("db", "apply", "fail")
    before = len(world.spans("apply"))
    assert world.headwater("retry", "--auto-approve").code == 0
    assert [span.alias for span in world.spans("apply")[before:]] == ["db", "app"]
    settled(world)


def test_a_retry_leaves_what_needs_something_that_failed_in_another_deployment(make_world: MakeWorld) -> None:
    """Deployed beside that, and not after it, it would go upon what was there before if that fails once more."""
    world = make_world(CHAIN)
    world.tell("a", "apply", "fail")
    assert world.headwater("deploy", "--auto-approve").code == 1
    assert world.headwater("deploy", "a", "--only", "--auto-approve").code == 1
    again = world.headwater("retry", "--auto-approve")
    assert again.code == 1 and "b, c: left; 'headwater retry' again once" in again.err, str(again)
    assert world.applied() == []
    world.let_go("a", "apply", "fail")
    assert world.headwater("retry", "--auto-approve").code == 0
    assert world.applied() == ["a"]
    assert world.headwater("retry", "--auto-approve").code == 0
    assert world.applied() == ["a", "b", "c"]
    settled(world)


def test_fail_fast_starts_nothing_more(make_world: MakeWorld) -> None:
    world = make_world({"a": (), "b": (), "c": ("b",)})
    world.tell("a", "apply", "fail")
    assert world.headwater("deploy", "--auto-approve", "--fail-fast", "--jobs", "1").code == 1
    assert [span.alias for span in world.spans("apply")][-1] == "a"
    assert set(world.states().values()) <= {"failed", "cancelled", "deployed"}
    assert world.states()["c"] == "cancelled" or world.applied() == ["b", "c"]


@pytest.mark.parametrize("failing", [None, "db"])
def test_one_job_comes_to_the_same_as_many(make_world: MakeWorld, failing: str | None) -> None:
    ends = []
    for jobs in ("1", "8"):
        world = make_world({**DIAMOND, "lone": ()})
        if failing:
            world.tell(failing, "apply", "fail")
        code = world.headwater("deploy", "--auto-approve", "--jobs", jobs).code
        ends.append((code, world.states(), world.have(), world.status()["status"]))
        if jobs == "1":
            spans = sorted(world.spans("apply"), key=lambda span: span.start)
            assert all(one.end <= other.start for one, other in pairwise(spans) if one.end)
    assert ends[0] == ends[1]


def test_a_tool_that_takes_too_long_is_stopped(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, extra={"b": "timeout: 1s"})
    deploy, _ = holding(world, "b")
    answer = deploy.answer()
    assert answer.code == 1 and "timeout of 1 s" in answer.out, str(answer)
    assert applies_of(world, "b") == ["interrupted"]
    assert world.states() == {"a": "deployed", "b": "failed", "c": "blocked"}
    world.let_go("b", "apply")
    assert world.headwater("retry", "--auto-approve").code == 0
    settled(world)
