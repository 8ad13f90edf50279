"""What is written down of a deployment: moves of the table alone, once, and what each means for its environment."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from bot import people
from bot.briefing import Settings
from bot.decide.facts import Limits, Missing, Stop, TaskAction, Why
from bot.decide.reconcile import Move
from bot.decide.status import workflow_status
from bot.decide.transitions import ALLOWED, Code, DeploymentState, TaskState
from bot.drive import Driver
from bot.errors import NotAllowed
from bot.store import attempts, deployments, gathering, new_deployments, views
from bot.store.attempts import NewAttempt
from bot.store.environments import EnvironmentRow, environment_rows
from bot.store.gathering import Observed
from bot.store.new_deployments import NewDeployment
from bot.store.reports import Report
from bot.store.tables import attempts as attempt_rows
from bot.store.tables import events, tasks
from bot.store.tables import plans as plan_rows
from bot.store.values import WHOLE_WORKFLOW, forget, read_kept
from bot.store.views import TaskView
from tests.bot.store.simulation import ADA, LIMITS, PLAN, Fate, Peers, Scene

S = TaskState


class Play:
    """A scene with its peers and a driver, gone on with step by step."""

    def __init__(self, scene: Scene, **fates: Fate) -> None:
        self.scene, self.peers, self.now = scene, Peers(fates=dict(fates)), 0.0
        self.driver = Driver(scene.project, LIMITS, Settings(), executor=self.peers, clock=lambda: self.now)

    def deploy(self, needs: dict[str, tuple[str, ...]], **more: object) -> int:
        number = self.scene.deploy(needs, **more)
        self.peers.needs[number] = needs if more.get("action") is not TaskAction.DESTROY else {}
        return number

    def step(self, *numbers: int) -> None:
        for number in numbers:
            self.driver.step(number, due=True)

    def go_on(self, *numbers: int, rounds: int = 12) -> None:
        """Runners and driver in turn."""
        for _ in range(rounds):
            self.step(*numbers)
            for runner in self.peers.alive:
                self.peers.advance(runner)
            self.now += 6.0
        self.step(*numbers)

    def task(self, number: int, alias: str) -> TaskView:
        return next(task for task in self.view(number).tasks if task.alias == alias)

    def view(self, number: int) -> views.DeploymentView:
        with self.scene.project.database.reading() as connection:
            found = views.deployment(connection, number)
        assert found is not None
        return found

    def states(self, number: int) -> dict[str, str]:
        return {task.alias: f"{task.state} ({task.code})" for task in self.view(number).tasks}

    def row(self, alias: str) -> EnvironmentRow:
        with self.scene.project.database.reading() as connection:
            return next(one for one in environment_rows(connection, self.scene.repository) if one.alias == alias)


@pytest.fixture
def play(scene: Scene) -> Play:
    return Play(scene)


def put(play: Play, number: int, alias: str, state: TaskState) -> int:
    """Put a task somewhere, whatever the table says."""
    task = play.task(number, alias)
    with play.scene.project.database.writing() as connection:
        connection.execute(update(tasks).where(tasks.c.id == task.id).values(state=state.value))
    return task.id


# -- the rows of the table that rows make: see BY_ROWS in tests/bot/decide/test_transitions.py


@pytest.mark.parametrize("state", [S.WAITING, S.READY, S.NEEDS_APPROVAL])
def test_a_newer_deployment_supersedes_what_never_started(play: Play, state: TaskState) -> None:
    old = play.deploy({"a": (), "b": ("a",)})
    put(play, old, "a", state)
    new = play.deploy({"a": ()})
    assert play.states(old)["a"] == "cancelled (superseded)"
    assert play.task(old, "a").detail == f"#{new}"
    play.step(old)
    assert play.states(old)["b"] == "blocked (upstream-broken)"
    play.go_on(old, new)
    assert play.view(old).state is DeploymentState.SUPERSEDED
    assert play.view(new).state is DeploymentState.SUCCEEDED


def test_what_was_handed_on_is_not_looked_at_until_its_runner_says_something(play: Play) -> None:
    number = play.deploy({"a": (), "b": ("a",)})

    def to_look_at() -> list[str]:
        query = select(tasks.c.alias).where(tasks.c.deployment_id == number, tasks.c.dirty.is_(True))
        with play.scene.project.database.reading() as connection:
            return list(connection.execute(query.order_by(tasks.c.alias)).scalars())

    assert to_look_at() == ["a", "b"]
    play.step(number)
    assert play.states(number)["a"] == "dispatched (dispatched)"
    assert to_look_at() == []
    play.go_on(number)
    assert play.view(number).state is DeploymentState.SUCCEEDED


def test_a_ready_task_is_dispatched_and_its_deployment_runs(play: Play) -> None:
    number = play.deploy({"a": (), "b": ("a",)})
    assert play.view(number).state is DeploymentState.QUEUED
    play.step(number)
    assert play.states(number) == {"a": "dispatched (dispatched)", "b": "waiting (submitted)"}
    assert play.view(number).state is DeploymentState.RUNNING


def test_a_ready_task_whose_value_went_away_cannot_start(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    number = play.deploy({"a": ()}, jobs=1)
    put(play, number, "a", S.READY)
    lacking = (Missing("TOKEN", "TOKEN", Why.SECRET),)
    brief = type("Lacking", (), {"inputs": type("None", (), {"missing": lacking})})
    monkeypatch.setattr("bot.briefing.Briefing.brief", lambda _self, _task: brief)
    play.step(number)
    assert play.states(number) == {"a": "failed (cannot-start)"}
    assert play.task(number, "a").detail == "no value for TOKEN: the secret TOKEN is not set"


def test_rejecting_cancels_and_blocks_and_the_deployment_counts_as_cancelled(play: Play) -> None:
    play.peers.fates["a"] = Fate.ASKS
    number = play.deploy({"a": (), "b": ("a",), "c": ()})
    play.go_on(number)
    assert play.states(number)["a"] == "needs approval (plan-differs)"
    people.reject(play.scene.project, play.row("a"), ADA)
    play.go_on(number)
    assert play.states(number) == {
        "a": "cancelled (rejected)",
        "b": "blocked (upstream-broken)",
        "c": "succeeded (done)",
    }
    assert play.view(number).state is DeploymentState.CANCELLED
    assert play.row("a").facts.unfinished is False


# -- moves


def test_no_move_outside_of_the_table_is_written(play: Play) -> None:
    number = play.deploy({"a": ()})
    task = play.task(number, "a").id
    for before in S:
        for after in S:
            refused = [code for code in Code if (before, after, code) not in ALLOWED]
            with play.scene.project.database.writing() as connection:
                for code in refused:
                    with pytest.raises(ValueError, match="no such move"):
                        deployments.apply_move(connection, Move(task, before, after, code), 1.0)
    assert play.states(number) == {"a": "waiting (submitted)"}


def test_a_move_is_made_once(play: Play) -> None:
    number = play.deploy({"a": ()})
    move = Move(play.task(number, "a").id, S.WAITING, S.READY, Code.UPSTREAMS_DONE)
    with play.scene.project.database.writing() as connection:
        assert deployments.apply_move(connection, move, 1.0)
        assert not deployments.apply_move(connection, move, 2.0)
        count = select(func.count()).select_from(events).where(events.c.kind == "task")
        assert connection.execute(count).scalar() == 1


def test_a_deployment_ends_once(play: Play) -> None:
    number = play.deploy({})
    with play.scene.project.database.writing() as connection:
        assert deployments.finish(connection, number, DeploymentState.SUCCEEDED, 1.0)
        assert not deployments.finish(connection, number, DeploymentState.FAILED, 2.0)
    assert play.view(number).state is DeploymentState.SUCCEEDED


def test_a_kill_is_never_softened(play: Play) -> None:
    number = play.deploy({"a": ()})
    for how in (Stop.GRACEFULLY, Stop.KILL, Stop.GRACEFULLY):
        people.cancel(play.scene.project, [number], how, ADA)
    with play.scene.project.database.reading() as connection:
        told = deployments.flags(connection, number)
    assert told is not None
    assert told.stop is Stop.KILL


# -- once


def add_attempt(play: Play, task: int, name: str, *, alias: str = "a", mutates: bool = True) -> None:
    with play.scene.project.database.writing() as connection:
        new = NewAttempt(name, task, play.scene.ids[alias], 1, mutates, b"k" * 32, ["hunter22"])
        attempts.add(connection, play.scene.project.vault, [new], 1.0)


def test_the_database_itself_refuses_a_second_attempt_that_may_change_an_environment(play: Play) -> None:
    task = play.task(play.deploy({"a": (), "b": ()}), "a").id
    add_attempt(play, task, "first")
    with pytest.raises(Exception, match=r"(?i)unique") as refused:
        add_attempt(play, task, "second")
    assert isinstance(refused.value.__cause__, IntegrityError)
    add_attempt(play, task, "a plan", mutates=False)
    add_attempt(play, task, "elsewhere", alias="b")
    with play.scene.project.database.writing() as connection:
        assert attempts.ended(connection, "first", 2.0)
    add_attempt(play, task, "third")


REPORT = {"attempt": "x", "result": "succeeded", "applied": True, "duration": 2.0}


def nested(depth: int) -> object:
    """A list within a list, so deep."""
    found: object = None
    for _ in range(depth):
        found = [found]
    return found


def test_what_was_reported_is_written_once_and_not_written_over(play: Play) -> None:
    task = play.task(play.deploy({"a": ()}), "a").id
    add_attempt(play, task, "x")
    with play.scene.project.database.writing() as connection:
        assert attempts.reported(connection, "x", Report.of({**REPORT, "plan": PLAN}), 2.0)
        assert not attempts.reported(connection, "x", Report.of({**REPORT, "result": "failed", "plan": PLAN}), 3.0)
        assert not attempts.ended(connection, "x", 4.0)
        assert not attempts.revoked(connection, "x", "late", 5.0)
        row = connection.execute(select(attempt_rows)).one()
        assert (row.result, row.ended_at, row.revoked, row.active) == ("succeeded", 2.0, False, False)
        assert connection.execute(select(func.count()).select_from(plan_rows)).scalar() == 1


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"result": "splendid"},
        {**REPORT, "plan": {"text": "no digest"}},
        {**REPORT, "duration": "long"},
        {**REPORT, "duration": float("nan")},
        {**REPORT, "outputs": [1]},
        {**REPORT, "outputs": {"nul \0": {"value": 1}}},
        {**REPORT, "outputs": {"x" * 256: {"value": 1}}},
        {**REPORT, "plan": {**PLAN, "digest": 1}},
        {**REPORT, "plan": {**PLAN, "leaves": ["x"]}},
        {**REPORT, "plan": {**PLAN, "add": "many"}},
        {**REPORT, "plan": {**PLAN, "changes": [{}]}},
        {**REPORT, "plan": {**PLAN, "changes": [{"address": "a", "actions": [{}]}]}},
        {**REPORT, "plan": {**PLAN, "changes": [{"address": "a", "actions": ["create"], "previous": 1}]}},
        {**REPORT, "plan": {**PLAN, "add": 10**400}},
        {**REPORT, "plan": {**PLAN, "unseen": [{}]}},
        {**REPORT, "duration": 10**400},
        {**REPORT, "duration": 1e308},
        {**REPORT, "duration": -1},
        {**REPORT, "applied": "yes"},
        {**REPORT, "error": {}},
        {**REPORT, "outputs": {"a": 1}},
        {**REPORT, "outputs": {"a": {"value": nested(101), "sensitive": False}}},
        {**REPORT, "outputs": {"a": {"value": nested(900), "sensitive": False}}},
        {**REPORT, "outputs": {"a": {"value": [float("inf")], "sensitive": False}}},
    ],
)
def test_a_report_that_is_none_counts_as_none(play: Play, found: dict[str, object]) -> None:
    """The tool runs beside the report and could write there: the outcome is then unknown, and nothing breaks."""
    number = play.deploy({"a": ()})
    play.step(number)
    (runner,) = play.peers.runners.values()
    play.peers.advance(runner)
    play.step(number)
    runner.report, runner.life = found, runner.life.ENDED
    play.now += 6.0
    play.step(number)
    play.now += 6.0
    play.step(number)
    assert play.states(number) == {"a": "failed (outcome-unknown)"}


def test_texts_that_databases_refuse_are_kept_nevertheless(play: Play) -> None:
    number = play.deploy({"a": ()})
    add_attempt(play, play.task(number, "a").id, "x")
    report = Report.of({**REPORT, "error": "nul \0 half \ud800", "plan": {**PLAN, "text": "nul \0 half \ud800"}})
    with play.scene.project.database.writing() as connection:
        attempts.reported(connection, "x", report, 2.0)
    assert play.task(number, "a").error == "nul \N{REPLACEMENT CHARACTER} half ?"


# -- approvals


def test_an_approval_covers_the_plan_that_was_shown_and_is_used_up_by_another(play: Play) -> None:
    play.peers.fates["a"] = Fate.ASKS
    number = play.deploy({"a": ()})
    play.go_on(number)
    people.approve(play.scene.project, play.row("a"), ADA)
    play.step(number)
    newest = play.peers.runners[play.task(number, "a").attempt or ""]
    newest.accept = {"shown": {"x": "something else by now"}}
    play.go_on(number)
    assert play.states(number) == {"a": "needs approval (plan-differs)"}
    assert len(play.peers.runners) == 2
    people.approve(play.scene.project, play.row("a"), ADA)
    play.go_on(number)
    assert play.states(number) == {"a": "succeeded (done)"}


def test_attempts_that_were_claimed_do_not_count_as_starts_that_failed(play: Play) -> None:
    play.peers.fates["a"] = Fate.ASKS
    number = play.deploy({"a": ()})
    for _ in range(LIMITS.starts):
        play.go_on(number)
        people.approve(play.scene.project, play.row("a"), ADA)
        play.step(number)
        for runner in play.peers.runners.values():
            runner.accept = {"shown": None}
    play.peers.fates["a"] = Fate.CANNOT_START
    play.go_on(number)
    people.approve(play.scene.project, play.row("a"), ADA)
    play.step(number)
    play.step(number)
    assert play.states(number) == {"a": "dispatched (dispatched)"}
    play.go_on(number)
    assert play.states(number) == {"a": "failed (cannot-start)"}


def test_approving_what_does_not_wait_is_refused(play: Play) -> None:
    play.deploy({"a": ()})
    for decide in (people.approve, people.reject):
        with pytest.raises(NotAllowed, match="does not wait for approval"):
            decide(play.scene.project, play.row("a"), ADA)


def test_what_waits_for_approval_gives_way_to_a_newer_deployment(play: Play) -> None:
    """Else the newer one would wait for an approval that nobody knows is wanted."""
    play.peers.fates["a"] = Fate.ASKS
    old = play.deploy({"a": ()})
    play.step(old)
    new = play.deploy({"a": ()})
    play.go_on(old, new)
    assert play.states(old) == {"a": "cancelled (superseded)"}
    assert play.states(new) == {"a": "needs approval (plan-differs)"}


def test_whether_only_people_can_go_on(play: Play) -> None:
    play.peers.fates.update(a=Fate.ASKS, b=Fate.LATE)
    number = play.deploy({"a": (), "b": ()})

    def waits() -> bool:
        with play.scene.project.database.reading() as connection:
            return gathering.waits_for_people(connection, number)

    assert not waits()
    play.go_on(number, rounds=3)
    assert play.states(number)["a"] == "needs approval (plan-differs)"
    assert not waits()  # b is at work
    play.go_on(number)
    assert waits()


# -- queueing


def test_deploys_of_one_environment_queue_in_order(play: Play) -> None:
    first = play.deploy({"a": ()})
    play.step(first)
    second = play.deploy({"a": (), "b": ()}, action=TaskAction.DESTROY)
    play.step(second)
    assert play.states(second) == {"a": "waiting (submitted)", "b": "dispatched (dispatched)"}
    play.go_on(first, second)
    assert play.states(first) == {"a": "succeeded (done)"}
    assert play.states(second) == {"a": "succeeded (done)", "b": "succeeded (done)"}
    assert not play.row("a").deployed


def test_a_deployment_all_of_whose_tasks_wait_for_another_is_queued(play: Play) -> None:
    first = play.deploy({"a": ()})
    play.step(first)
    second = play.deploy({"a": ()})
    play.step(second)
    assert play.view(second).state is DeploymentState.QUEUED
    play.go_on(first, second)
    assert play.view(second).state is DeploymentState.SUCCEEDED


def test_plans_neither_queue_nor_supersede(play: Play) -> None:
    first = play.deploy({"a": ()})
    plan = play.deploy({"a": ()}, action=TaskAction.PLAN)
    play.step(first, plan)
    assert play.states(first) == {"a": "dispatched (dispatched)"}
    assert play.states(plan) == {"a": "dispatched (dispatched)"}


def test_a_deploy_waits_for_the_destroy_of_what_it_needs_and_does_not_start_without_it(play: Play) -> None:
    play.go_on(play.deploy({"a": ()}))
    destroy = play.deploy({"a": ()}, action=TaskAction.DESTROY)
    deploy = play.deploy({"b": ()}, elsewhere={"b": ("a",)})
    play.step(destroy, deploy)
    assert play.task(deploy, "b").behind == destroy
    play.go_on(destroy, deploy)
    assert play.states(destroy) == {"a": "succeeded (done)"}
    assert play.states(deploy) == {"b": "failed (cannot-start)"}
    assert play.task(deploy, "b").detail == "a is not deployed, which it needs: deploy that first, or with it"


def test_a_deploy_waits_for_what_is_at_work_on_what_it_needs_whoever_came_first(play: Play) -> None:
    play.go_on(play.deploy({"a": ()}))
    first = play.deploy({"b": ()}, elsewhere={"b": ("a",)})
    second = play.deploy({"a": ()})
    play.step(second, first)
    assert play.task(first, "b").behind == second
    play.go_on(second, first)
    assert play.states(first) == {"b": "succeeded (done)"}


def test_a_destroy_that_waits_for_an_approval_keeps_nobody_waiting(play: Play) -> None:
    play.go_on(play.deploy({"a": ()}))
    destroy = play.deploy({"a": ()}, action=TaskAction.DESTROY)
    put(play, destroy, "a", TaskState.NEEDS_APPROVAL)
    deploy = play.deploy({"b": ()}, elsewhere={"b": ("a",)})
    play.go_on(deploy)
    assert play.states(deploy) == {"b": "succeeded (done)"}


def test_a_destroy_waits_for_the_deploy_of_what_needs_it(play: Play) -> None:
    play.go_on(play.deploy({"a": ()}))
    deploy = play.deploy({"b": ()}, elsewhere={"b": ("a",)})
    play.step(deploy)
    destroy = play.deploy({"a": ()}, action=TaskAction.DESTROY)
    play.step(destroy)
    assert play.task(destroy, "a").behind == deploy
    play.go_on(deploy, destroy)
    assert play.states(destroy) == {"a": "succeeded (done)"}


# -- what an end means for the environment


def test_a_success_moves_last_deployed_on_and_a_failure_does_not(play: Play) -> None:
    first = play.deploy({"a": ()})
    play.go_on(first)
    row = play.row("a")
    assert (row.deployed, row.commit, row.success_id) == (True, play.scene.commit, play.task(first, "a").id)
    assert row.durations == {"deploy": 1.5}
    play.peers.fates["a"] = Fate.FAILS
    second = play.deploy({"a": ()})
    play.go_on(second)
    failed = play.row("a")
    assert (failed.deployed, failed.success_id, failed.facts.unfinished) == (True, row.success_id, True)


def test_what_was_left_half_done_stays_so_until_a_success_whatever_blocks_it_meanwhile(play: Play) -> None:
    play.peers.fates["b"] = Fate.FAILS
    play.go_on(play.deploy({"b": ()}))
    play.peers.fates.update(a=Fate.FAILS)
    play.go_on(play.deploy({"a": (), "b": ("a",)}))
    assert play.row("b").facts.state is S.BLOCKED
    assert play.row("b").facts.unfinished
    assert str(workflow_status([play.row("b").facts])) == "Failed"
    play.peers.fates.clear()
    play.go_on(play.deploy({"a": (), "b": ("a",)}))
    assert not play.row("b").facts.unfinished


def test_a_success_without_changes_is_no_news_for_what_lies_downstream(play: Play) -> None:
    play.go_on(play.deploy({"a": (), "b": ("a",)}))
    before = play.row("a").success_id
    play.peers.fates["a"] = Fate.CHANGES_NOTHING
    play.go_on(play.deploy({"a": ()}))
    assert play.row("a").success_id == before
    assert play.row("b").seen == {str(play.row("a").id): before}


def test_a_destroyed_environment_keeps_its_name_and_nothing_else(play: Play) -> None:
    play.go_on(play.deploy({"a": ()}))
    play.go_on(play.deploy({"a": ()}, action=TaskAction.DESTROY))
    row = play.row("a")
    assert (row.deployed, row.commit, row.deployed_at, row.success_id, row.seen) == (False, None, None, None, {})
    assert row.used


def test_an_old_plan_without_changes_does_not_count_once_somebody_has_worked_on_the_environment(play: Play) -> None:
    """The plan is as old as its attempt's beginning, however late it is reported."""
    play.peers.fates["a"] = Fate.CHANGES_NOTHING
    early = play.deploy({"a": ()}, action=TaskAction.PLAN)
    play.step(early)
    (planner,) = play.peers.alive
    deploy = play.deploy({"a": ()})
    while play.states(deploy) != {"a": "succeeded (no-changes)"}:
        play.step(deploy)
        for runner in play.peers.alive:
            if runner is not planner:
                play.peers.advance(runner)
    play.go_on(early)
    late = play.deploy({"a": ()}, action=TaskAction.PLAN)
    play.go_on(late)
    assert has_empty_plan(play, early) is False
    assert has_empty_plan(play, late) is True


def test_an_old_plan_without_changes_does_not_count_once_what_it_needs_has_changed(play: Play) -> None:
    play.go_on(play.deploy({"a": (), "b": ("a",)}))
    play.peers.fates["b"] = Fate.CHANGES_NOTHING
    number = play.deploy({"b": ()}, action=TaskAction.PLAN)
    play.go_on(number)
    assert has_empty_plan(play, number, "b", needs="a")
    play.peers.fates["a"] = Fate.CHANGES_NOTHING
    play.go_on(play.deploy({"a": ()}))
    assert has_empty_plan(play, number, "b", needs="a"), "what changed nothing is no news"
    play.peers.fates["a"] = Fate.FAILS
    play.go_on(play.deploy({"a": ()}))
    assert not has_empty_plan(play, number, "b", needs="a"), "it is half done"
    play.peers.fates["a"] = Fate.CHANGES_NOTHING
    play.go_on(play.deploy({"a": ()}))
    assert not has_empty_plan(play, number, "b", needs="a"), "the attempt that failed may have changed it"


def test_what_a_failed_attempt_left_is_news_once_it_succeeds_without_changes(play: Play) -> None:
    play.go_on(play.deploy({"a": (), "b": ("a",)}))
    before = play.row("a").success_id
    play.peers.fates["a"] = Fate.FAILS
    play.go_on(play.deploy({"a": ()}))
    play.peers.fates["a"] = Fate.CHANGES_NOTHING
    play.go_on(play.deploy({"a": ()}))
    assert play.row("a").success_id != before
    assert play.row("b").seen == {str(play.row("a").id): before}, "so b is to be looked at again"


def has_empty_plan(play: Play, number: int, alias: str = "a", needs: str | None = None) -> bool:
    """Whether a deploy to which that plan is shown now would take it for "no changes"."""
    shown = play.task(number, alias).plan
    assert shown is not None
    assert shown.empty
    scene = play.scene
    upstreams = () if needs is None else (scene.ids[needs],)
    task = replace(scene.task(alias, shown_plan=shown.id), upstreams=upstreams)
    new = NewDeployment(
        scene.workflow, TaskAction.DEPLOY, scene.commit, ADA, scene.project.place, tasks=(task,), jobs=1
    )
    with scene.project.database.writing() as connection:
        told = deployments.flags(connection, new_deployments.create(connection, new, time.time()))
        assert told is not None
        (facts,) = gathering.gather(connection, told, Observed(), {}, Limits()).tasks
    return facts.empty_plan


def test_given_values_are_kept_once_and_what_is_forgotten_later_stays_so(play: Play) -> None:
    project, workflow = play.scene.project, play.scene.workflow
    number = play.deploy({"a": (), "b": ("a",)}, given=project.vault.seal({"SIZE": "large"}))
    play.step(number)
    with project.database.writing() as connection:
        assert read_kept(connection, project.vault, workflow) == {WHOLE_WORKFLOW: {"SIZE": "large"}}
        forget(connection, workflow, ["SIZE"])
    play.go_on(number)
    assert play.states(number) == {"a": "succeeded (done)", "b": "succeeded (done)"}
    with project.database.reading() as connection:
        assert read_kept(connection, project.vault, workflow) == {}
