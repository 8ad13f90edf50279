"""The audit log: a row for each deed, kept with it or not at all, which nobody can change afterwards."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, func, insert, select, update

from bot import correlation, people
from bot.decide.deeds import By
from bot.decide.facts import Stop, TaskAction
from bot.decide.transitions import TaskState
from bot.errors import NotAllowed, StoreError
from bot.store import audit, hosting, locks, new_deployments
from bot.store.audit import Entry
from bot.store.database import Database
from bot.store.new_deployments import NewDeployment
from bot.store.tables import audit as audit_rows
from bot.store.tables import tasks
from tests.bot.store.simulation import ADA, Fate, Scene
from tests.bot.store.test_moves import Play

BOB = By("bob", "#7", ("approve: write (bob is write)",), "/approve", 7)


def entries(database: Database, **wanted: object) -> list[Entry]:
    with database.reading() as connection:
        return list(audit.entries(connection, **wanted))  # type: ignore[arg-type]


def told(scene: Scene) -> list[str]:
    """Who did what to which environment, and why it came to that."""
    return [
        " ".join(filter(None, (one.actor, one.deed, one.result, one.environment, *one.codes, one.detail)))
        for one in entries(scene.project.database)
    ]


def one_row(scene: Scene) -> int:
    scene.deploy({"a": ()})
    with scene.project.database.reading() as connection:
        number: int = connection.execute(select(func.min(audit_rows.c.id))).scalar_one()
    return number


# -- append-only


def test_a_row_cannot_be_changed(scene: Scene) -> None:
    number = one_row(scene)
    before = entries(scene.project.database)
    with pytest.raises(StoreError, match="append-only"), scene.project.database.writing() as connection:
        connection.execute(update(audit_rows).where(audit_rows.c.id == number).values(actor="eve"))
    assert entries(scene.project.database) == before


def test_a_row_cannot_be_deleted(scene: Scene) -> None:
    one_row(scene)
    with pytest.raises(StoreError, match="append-only"), scene.project.database.writing() as connection:
        connection.execute(delete(audit_rows))
    assert len(entries(scene.project.database)) == 1


def test_a_row_cannot_be_replaced(scene: Scene) -> None:
    """SQLite's `INSERT OR REPLACE` deletes what is in its way without asking the trigger on deletes."""
    number = one_row(scene)
    before = entries(scene.project.database)
    values = {**dict.fromkeys(("actor", "deed", "result", "repository", "origin", "detail", "correlation"), "eve")}
    new = insert(audit_rows).values(id=number, at=0.0, allowed=[], codes=[], **values)
    with pytest.raises(StoreError), scene.project.database.writing() as connection:
        connection.execute(new.prefix_with("OR REPLACE", dialect="sqlite"))
    assert entries(scene.project.database) == before


def test_the_log_cannot_be_emptied_at_once(scene: Scene, kind: str) -> None:
    one_row(scene)
    if kind == "postgresql":
        with pytest.raises(StoreError, match="append-only"), scene.project.database.writing() as connection:
            connection.exec_driver_sql("TRUNCATE audit")
    assert len(entries(scene.project.database)) == 1


def test_a_deed_that_is_not_kept_leaves_no_row(scene: Scene) -> None:
    class Cut(Exception):  # noqa: N818
        pass

    with pytest.raises(Cut), scene.project.database.writing() as connection:
        new = NewDeployment(
            scene.workflow, TaskAction.DEPLOY, scene.commit, ADA, "here", tasks=(scene.task("a"),), jobs=1
        )
        new_deployments.create(connection, new, 1.0)
        raise Cut
    assert entries(scene.project.database) == []


# -- what is told


def test_a_request_says_who_where_and_by_which_rule(scene: Scene) -> None:
    before = time.time()
    with correlation.bound("guid-1"):
        number = scene.deploy({"a": ()})
    (one,) = entries(scene.project.database)
    assert before <= one.at <= time.time()
    assert (one.actor, one.deed, one.result, one.environment, one.commit) == (
        "ada", "deploy", "requested", "a", scene.commit,
    )  # fmt: skip
    assert (one.origin, one.deployment, one.allowed, one.correlation) == ("test", number, ("local user",), "guid-1")
    assert (one.repository, one.workflow, one.pull) == (scene.project.key, "headwater.yml", None)


def test_every_end_of_a_deed_is_told_and_no_end_of_a_plan(scene: Scene) -> None:
    play = Play(scene, b=Fate.FAILS)
    play.go_on(play.deploy({"a": (), "b": ("a",), "c": ("b",)}))
    play.go_on(play.deploy({"a": ()}, action=TaskAction.PLAN))
    play.go_on(play.deploy({"a": ()}, action=TaskAction.DESTROY))
    assert [one for one in told(scene) if "requested" not in one] == [
        "ada deploy succeeded a done",
        "ada deploy failed b tool-failed it broke",
        "ada deploy blocked c upstream-broken b",
        "ada destroy succeeded a done",
    ]
    assert {one.allowed for one in entries(scene.project.database)} == {("local user",)}


def test_what_follows_bears_the_id_of_its_cause(scene: Scene) -> None:
    play = Play(scene)
    with correlation.bound("guid-1"):
        number = play.deploy({"a": ()})
    with correlation.bound("guid-2"):  # somebody else's webhook wakes the driver
        play.go_on(number)
    assert [one.correlation for one in entries(scene.project.database)] == ["guid-1", "guid-1"]


def test_an_approval_is_of_a_plan_by_somebody(scene: Scene) -> None:
    play = Play(scene, a=Fate.ASKS)
    play.go_on(play.deploy({"a": ()}))
    plan = play.task(1, "a").plan
    assert plan is not None
    people.approve(scene.project, play.row("a"), BOB)
    one = entries(scene.project.database)[-1]
    assert (one.actor, one.deed, one.result, one.environment, one.detail) == (
        "bob", "approve", "done", "a", f"plan {plan.id}",
    )  # fmt: skip
    assert (one.origin, one.pull, one.allowed) == ("#7", 7, ("approve: write (bob is write)",))


def test_a_rejection_and_what_it_ends(scene: Scene) -> None:
    play = Play(scene, a=Fate.ASKS)
    play.go_on(play.deploy({"a": ()}))
    people.reject(scene.project, play.row("a"), BOB)
    assert told(scene)[1:] == ["bob reject done a", "ada deploy cancelled a rejected by bob"]


def test_what_does_not_wait_is_neither_approved_nor_told_so(scene: Scene) -> None:
    play = Play(scene)
    play.deploy({"a": ()})
    with pytest.raises(NotAllowed):
        people.approve(scene.project, play.row("a"), BOB)
    assert told(scene) == ["ada deploy requested a"]


def test_a_cancel_is_told_of_each_that_it_stops(scene: Scene) -> None:
    play = Play(scene)
    number = play.deploy({"a": (), "b": ("a",)})
    people.cancel(scene.project, [number], Stop.KILL, BOB)
    play.go_on(number)
    assert told(scene)[2:] == [
        "bob cancel requested a kill",
        "bob cancel requested b kill",
        "ada deploy cancelled a cancelled",
        "ada deploy cancelled b cancelled",
    ]


def test_a_lost_attempt_that_is_given_up(scene: Scene) -> None:
    play = Play(scene, a=Fate.ORPHANS)
    number = play.deploy({"a": ()})
    while play.task(number, "a").state is not TaskState.LOST:
        play.go_on(number, rounds=1)
    people.give_up(scene.project, play.row("a"), BOB)
    assert told(scene)[-1] == "bob give up done a"


def test_locks_are_told_when_they_are_taken_and_given_back(scene: Scene) -> None:
    values = {"state": "open", "author": "ada", "head": "c", "head_ref": "x", "base_ref": "main", "html_url": ""}
    with scene.project.database.writing() as connection:
        pull = hosting.keep_pull(connection, scene.repository, 7, values)
    number = scene.deploy({"a": (), "b": ()}, pull=pull.id)
    ids = [scene.ids["a"], scene.ids["b"]]
    with scene.project.database.writing() as connection:
        locks.take(connection, ids, pull.id, number, 1.0)
        locks.take(connection, ids, pull.id, number, 2.0)  # what is held already is not taken again
        locks.release(connection, pull.id, BOB, 3.0, ids[:1])
        locks.release(connection, pull.id, BOB, 4.0)
        locks.release(connection, pull.id, BOB, 5.0)
    assert told(scene)[2:] == [
        "ada lock taken a",
        "ada lock taken b",
        "bob lock released a",
        "bob lock released b",
    ]
    assert [one.pull for one in entries(scene.project.database)] == [7] * 6


def test_locks_that_two_give_back_at_once_are_told_once(scene: Scene) -> None:
    values = {"state": "open", "author": "ada", "head": "c", "head_ref": "x", "base_ref": "main", "html_url": ""}
    database = scene.project.database
    with database.writing() as connection:
        pull = hosting.keep_pull(connection, scene.repository, 7, values)
    number = scene.deploy({"a": (), "b": ()}, pull=pull.id)
    with database.writing() as connection:
        locks.take(connection, [scene.ids["a"], scene.ids["b"]], pull.id, number, 1.0)

    def release() -> None:
        with database.writing() as connection:
            locks.release(connection, pull.id, BOB, 3.0)

    with ThreadPoolExecutor(1) as other:
        with database.writing() as connection:
            locks.release(connection, pull.id, BOB, 3.0)
            waits = other.submit(release)
            time.sleep(0.3)
        waits.result()
    assert told(scene)[-2:] == ["bob lock released a", "bob lock released b"]
    assert sum("released" in one for one in told(scene)) == 2


def test_a_refusal_is_told_of_each_that_was_named(scene: Scene) -> None:
    more = {"repository": "acme/shop", "commit": "c", "codes": ["not-allowed"], "detail": "you may not"}
    with scene.project.database.writing() as connection:
        audit.refused(connection, BOB, "deploy", 1.0, names=["a", "B"], **more)  # type: ignore[arg-type]
        audit.refused(connection, BOB, "deploy", 2.0, names=[], **more)  # type: ignore[arg-type]
    found = entries(scene.project.database)
    assert [(one.at, one.environment, one.result) for one in found] == [
        (1.0, "a", "refused"), (1.0, "B", "refused"), (2.0, None, "refused"),
    ]  # fmt: skip
    assert [one.environment for one in entries(scene.project.database, environment="b")] == ["B"]
    assert [one.at for one in entries(scene.project.database, since=1.5)] == [2.0]
    with scene.project.database.reading() as connection:
        newest = audit.refusals(connection, "acme/shop", 0.0, 2)
        assert audit.refusals(connection, "acme/other", 0.0, 2) == []
    assert [(one.at, one.environment) for one in newest] == [(2.0, None), (1.0, "B")]


def test_hostile_text_is_kept_as_it_is(scene: Scene) -> None:
    evil = "a'); DROP TABLE audit; --\n\u202e\x1b[31m%s{0}"
    with scene.project.database.writing() as connection:
        connection.execute(update(tasks).values(alias=evil))
    by = By(evil, evil, (evil,))
    with scene.project.database.writing() as connection:
        audit.refused(
            connection, by, "deploy", 1.0, repository=evil, names=[evil], commit=None, codes=[evil], detail=evil
        )
    (one,) = entries(scene.project.database, environment=evil.upper())
    assert (one.actor, one.environment, one.allowed, one.codes, one.detail) == (evil, evil, (evil,), (evil,), evil)
