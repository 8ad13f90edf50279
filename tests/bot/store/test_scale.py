"""What one task's end costs in a deployment of two thousand: a number of rows that does not grow with the deployment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, update

from bot.decide.facts import Limits
from bot.decide.reconcile import Move, reconcile
from bot.decide.transitions import Code, TaskState
from bot.store import deployments, gathering, new_deployments
from bot.store.database import Database
from bot.store.declared import repository_id, workflow_id
from bot.store.gathering import Observed
from bot.store.new_deployments import NewDeployment, NewTask
from bot.store.tables import environments, tasks
from planner.definition import Workflow
from tests.bot.store.simulation import ADA

SIZES = (200, 2000)


@dataclass
class Counted:
    """How many statements were sent, and how many rows of tasks came back."""

    statements: list[tuple[str, Any]] = field(default_factory=list)
    rows: int = 0


@contextmanager
def counting(connection: Connection) -> Iterator[Counted]:
    """Count what goes over this connection: rows are counted where the driver of the database hands them out."""
    counted = Counted()

    def sent(_connection: Any, cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        counted.statements.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", sent)
    execute = Connection.execute

    def counted_execute(self: Connection, *arguments: Any, **more: Any) -> Any:
        result = execute(self, *arguments, **more)
        if not result.returns_rows:
            return result
        frozen = result.freeze()
        counted.rows += len(frozen.data)
        return frozen()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "execute", counted_execute)
        yield counted
    event.remove(connection, "before_cursor_execute", sent)


def many(connection: Connection, size: int) -> int:
    """A deployment of layers of ten, each task needing two of the layer above; its number."""
    repository = repository_id(connection, f"of {size}")
    workflow = workflow_id(connection, repository, Workflow(f"{size}.yml", "big"))
    fixed = {"workflow_id": workflow, "path": "p", "tool": "script", "digest_key": b"", "state_id": "s"}
    connection.execute(
        insert(environments),
        [{**fixed, "alias": f"e{one}", "alias_key": f"e{one}", "slug": f"e{one}"} for one in range(size)],
    )
    ids = list(connection.execute(select(environments.c.id).where(environments.c.workflow_id == workflow)).scalars())
    new = tuple(
        NewTask(
            environment=ids[one],
            alias=f"e{one}",
            action=deployments.TaskAction.DEPLOY,
            commit="c",
            source_commit="c",
            needs=(ids[one - 10], ids[one - 10 - one % 10 + (one + 1) % 10]) if one >= 10 else (),
        )
        for one in range(size)
    )
    deploy = NewDeployment(workflow, deployments.TaskAction.DEPLOY, "c", ADA, "here", new, jobs=10)
    number = new_deployments.create(connection, deploy, 1.0)
    of_it = tasks.c.deployment_id == number
    connection.execute(update(tasks).where(of_it).values(dirty=False))
    connection.execute(update(tasks).where(of_it, tasks.c.position < 10).values(state=TaskState.RUNNING.value))
    return number


def cost_of_one_end(connection: Connection, size: int) -> Counted:
    number = many(connection, size)
    first = select(tasks.c.id).where(tasks.c.deployment_id == number, tasks.c.position == 3)
    move = Move(connection.execute(first).scalar_one(), TaskState.RUNNING, TaskState.SUCCEEDED, Code.DONE)
    deployments.apply_move(connection, move, 2.0)
    told = deployments.flags(connection, number)
    assert told is not None
    with counting(connection) as counted:
        assert gathering.due_tasks(connection, number, Observed()) == []
        facts = gathering.gather(connection, told, Observed(), {}, Limits())
    assert {task.alias for task in facts.tasks if task.state is TaskState.WAITING} == {"e12", "e13"}
    assert facts.unfinished == size - 1
    assert reconcile(facts) == ()
    return counted


def test_the_end_of_one_task_costs_the_same_in_any_deployment(database: Database) -> None:
    with database.writing() as connection:
        small, large = (cost_of_one_end(connection, size) for size in SIZES)
    assert len(small.statements) == len(large.statements) <= 12
    assert small.rows == large.rows <= 60


def test_no_look_reads_all_tasks_to_find_those_that_changed(tmp_path: Path) -> None:
    """Counting them apart, which an index alone answers. (PostgreSQL plans by statistics, not by the query alone.)"""
    with Database.file(tmp_path / "headwater.db").writing() as connection:
        looks = [one for one in cost_of_one_end(connection, 200).statements if "count(*)" not in one[0]]
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", told).all() for one, told in looks]
    searches = [row.detail for plan in plans for row in plan if "tasks USING INDEX ix_tasks_d" in row.detail]
    assert len(searches) >= 4
    assert [one for one in searches if " AND " not in one] == []


def test_what_has_ended_is_looked_at_no_more(database: Database) -> None:
    with database.writing() as connection:
        number = many(connection, 20)
        running = select(tasks.c.id).where(tasks.c.deployment_id == number, tasks.c.state == TaskState.RUNNING.value)
        moves = [
            Move(one, TaskState.RUNNING, TaskState.SUCCEEDED, Code.DONE)
            for one in connection.execute(running).scalars()
        ]
        deployments.apply_moves(connection, moves, 2.0)
        dirty = select(tasks.c.state).where(tasks.c.deployment_id == number, tasks.c.dirty.is_(True))
        assert set(connection.execute(dirty).scalars()) == {TaskState.WAITING}
