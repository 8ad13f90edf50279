"""A long history: what is old goes, what is needed stays, and the database grows no more."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, func, insert, select, update

from bot.decide.transitions import Code, DeploymentState, TaskState
from bot.store import conversation, deliveries, expiring, hosting, publications, remote_jobs
from bot.store.database import Database
from bot.store.declared import repository_id
from bot.store.deliveries import Arrived
from bot.store.hosted_tables import attempt_logs, commands, dispatches, locks, pull_plans, pulls, remote_attempts, shows
from bot.store.hosted_tables import publications as publication_table
from bot.store.publications import Kind
from bot.store.tables import attempts, deployments, environments, events, metadata, plans, tasks, workflows

DAY = 86_400.0
KEEP_DAYS, KEEP_HISTORY_DAYS = 5, 20
TEXT = 20_000


def one(connection: Connection, table: Any, **values: object) -> int:
    """A new row; its number."""
    key = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    number: int = key[0]
    return number


@dataclass
class History:
    """One repository with one environment: each day a pull request is planned, deployed, merged and deployed again."""

    database: Database
    day: int = 0

    def __post_init__(self) -> None:
        with self.database.writing() as connection:
            self.repository = repository_id(connection, "github:1")
            self.workflow = one(connection, workflows, repository_id=self.repository, file="headwater.yml", name="shop")
            self.environment = one(
                connection, environments, workflow_id=self.workflow, alias="db", alias_key="db", slug="db", path="db",
                tool="script", state_id="db-1", digest_key=b"k",
            )  # fmt: skip

    @property
    def now(self) -> float:
        return self.day * DAY

    def deployment(self, connection: Connection, action: str, pull: int | None, *, ended: bool = True) -> int:
        """A deployment with its plan, its attempt, its job and its log."""
        number = one(
            connection, deployments, workflow_id=self.workflow, action=action, commit="c" * 40,
            state=(DeploymentState.SUCCEEDED if ended else DeploymentState.RUNNING).value, actor="ada", origin="test",
            place="github-actions", jobs=4, pull_id=pull, created_at=self.now, finished_at=self.now if ended else None,
        )  # fmt: skip
        plan = one(
            connection, plans, environment_id=self.environment, commit="c" * 40, digest="d" * 64, summary={},
            leaves={"x": "y" * 1000}, text=os.urandom(TEXT // 2).hex(), touches=0, created_at=self.now,
        )  # fmt: skip
        task = one(
            connection, tasks, deployment_id=number, environment_id=self.environment, alias="db", action=action,
            commit="c" * 40, source_commit="c" * 40, position=0, plan_id=plan, created_at=self.now,
            state=(TaskState.SUCCEEDED if ended else TaskState.RUNNING).value, code=Code.DONE.value,
        )  # fmt: skip
        attempt, dispatch = f"{number}-{task}-1-abcd", one(
            connection, dispatches, key=f"key-{number}", repository_id=self.repository, deployment_id=number,
            state="ended", created_at=self.now,
        )  # fmt: skip
        connection.execute(insert(attempts).values(
            id=attempt, task_id=task, environment_id=self.environment, number=1, mutates=action != "plan", touches=0,
            active=not ended, seal_key=b"s", sensitive=b"s", created_at=self.now, ended_at=self.now if ended else None,
        ))  # fmt: skip
        connection.execute(insert(remote_attempts).values(
            attempt_id=attempt, repository_id=self.repository, deployment_id=number, job="plan", slug="db", runs_on=[],
            environment="e", dispatch_id=dispatch, offered_at=self.now, report=os.urandom(TEXT),
        ))  # fmt: skip
        connection.execute(insert(attempt_logs).values(attempt_id=attempt, place=0, data=os.urandom(TEXT)))
        one(connection, events, at=self.now, kind="task", deployment_id=number, task_id=task)
        if action == "deploy":
            values = {"last_task_id": task, **({"success_id": task, "deployed": True} if ended else {})}
            connection.execute(update(environments).values(values))
        return number

    def pull(self, *, state: str = "merged") -> tuple[int, int, int]:
        """A pull request with its plan and its deploy; their numbers."""
        self.day += 1
        with self.database.writing() as connection:
            values: dict[str, object] = {
                "state": state, "author": "ada", "head": "h" * 40, "head_ref": "b", "base_ref": "main", "html_url": "",
            }  # fmt: skip
            pull = hosting.keep_pull(connection, self.repository, self.day, values)
            planned = self.deployment(connection, "plan", pull.id)
            deployed = self.deployment(connection, "deploy", pull.id)
            conversation.add_plan(
                connection, pull.id, {"commit": "c", "base": "b", "deployments": [planned], "created_at": self.now}
            )
            conversation.keep_command(connection, {
                "repository_id": self.repository, "number": self.day, "comment_id": self.day, "line": 1, "actor": "ada",
                "verb": "deploy", "command": {}, "state": "done", "deployments": [deployed], "created_at": self.now,
            })  # fmt: skip
            told = {"deployments": [deployed], "said": [], "problems": [], "created_at": self.now}
            story = conversation.keep_story(connection, self.repository, "main", f"{self.day:040}", told)
            for kind, key, shown in ((Kind.PLAN, self.day, planned), (Kind.STORY, story.id, deployed)):
                posted = publications.want(
                    connection, self.repository, kind, str(key), self.now, number=self.day, deployments=[shown]
                )
                publications.write(connection, posted, {"posted_at": self.now, "github_id": posted})
            body = os.urandom(TEXT)
            deliveries.record(connection, [Arrived(f"{self.day}", "push", body, outcome="done")], self.now)
            one(connection, events, at=self.now, kind="moved")
        return pull.id, planned, deployed

    def expire(self) -> None:
        """As a sweep does it."""
        bulk, history = self.now - KEEP_DAYS * DAY, self.now - KEEP_HISTORY_DAYS * DAY
        steps: list[Callable[[Connection], int]] = [
            partial(deliveries.forget_before, moment=bulk, most=3),
            partial(remote_jobs.forget_logs_before, moment=bulk, most=3),
            partial(expiring.forget_texts, before=bulk, most=3),
            partial(expiring.forget_deployments, before=history, most=3),
            partial(expiring.forget_talk, before=history, most=3),
            partial(expiring.forget_pulls, most=3),
        ]
        for step in steps:
            for _ in range(1000):
                with self.database.writing() as connection:
                    if not step(connection):
                        break
            else:
                raise AssertionError(f"{step} never ends")
        self.database.shrink(1000)

    def count(self, table: Any) -> int:
        with self.database.reading() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def numbers(self, table: Any) -> set[int]:
        with self.database.reading() as connection:
            return set(connection.execute(select(table.c.id)).scalars())


def test_a_long_history_leaves_a_database_of_bounded_size(tmp_path: Path) -> None:
    file = tmp_path / "headwater.db"
    history = History(Database.file(file))
    sizes, rows = [], []
    for _ in range(5):
        for _ in range(40):
            history.pull()
            history.expire()
        history.database.engine.dispose()  # the last connection takes the log into the file
        sizes.append(file.stat().st_size)
        rows.append({table.name: history.count(table) for table in metadata.sorted_tables if table.name != "work"})
    assert sizes[-1] < sizes[0] * 1.1
    assert rows[0] == rows[1] == rows[-1]
    kept = KEEP_HISTORY_DAYS
    assert rows[-1]["deployments"] <= 2 * kept + 4
    assert rows[-1]["deliveries"] <= KEEP_DAYS + 2
    assert rows[-1]["pulls"] <= kept + 2


def test_the_file_gives_back_what_it_needs_no_more(tmp_path: Path) -> None:
    database = Database.file(tmp_path / "headwater.db")
    with database.writing() as connection:
        deliveries.record(connection, [Arrived(f"{n}", "push", os.urandom(TEXT), outcome="") for n in range(50)], 1.0)
    with database.writing() as connection:
        assert deliveries.forget_before(connection, 2.0, 100) == 50

    def pages() -> int:
        with database.reading() as connection:
            found: int = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            return found

    before = pages()
    database.shrink(100)
    assert pages() == before - 100
    database.shrink(10_000)
    assert pages() < before / 2
    database.engine.dispose()


def test_what_goes_is_found_by_an_index_and_so_is_whatever_refers_to_it(tmp_path: Path) -> None:
    history = History(Database.file(tmp_path / "headwater.db"))
    for _ in range(2 * KEEP_HISTORY_DAYS):
        history.pull()
    asked: dict[str, Any] = {}

    def hear(_: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        asked[statement] = values

    event.listen(history.database.engine, "before_cursor_execute", hear)
    history.expire()
    event.remove(history.database.engine, "before_cursor_execute", hear)
    deletes = [one for one in asked if one.startswith("DELETE")]
    assert {one.split()[2] for one in deletes} >= {"tasks", "plans", "attempts", "dispatches", "pulls", "publications"}
    with history.database.reading() as connection:
        plain = {one: looked_through(connection, one, values) for one, values in asked.items() if " FROM " in one}
    assert sorted({(one.split()[0], step) for one, found in plain.items() for step in found}) == []
    history.database.engine.dispose()


def looked_through(connection: Connection, statement: str, values: Any) -> list[str]:
    """The steps that read a whole table, or all rows of a repository, for each row of another one or for one that goes.

    SQLite tells each step with its number and that of the step that it belongs to, and of a DELETE also how it finds
    what refers to a row.
    """
    again, found = {0} if statement.startswith("DELETE") else set[int](), []
    for number, parent, _, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        if step.startswith("CORRELATED") or parent in again:
            again.add(number)
            whole = step.startswith("SCAN") and step.split()[1] in metadata.tables
            found += [step] if whole or step.endswith("(repository_id=?)") else []
    return found


def test_what_is_needed_stays_however_old_it_is(database: Database) -> None:
    history = History(database)
    opened, planned, deployed = history.pull(state="open")
    held, held_plan, held_deploy = history.pull(state="closed")
    with database.writing() as connection:
        connection.execute(insert(locks).values(
            environment_id=history.environment, pull_id=held, deployment_id=held_deploy, taken_at=history.now
        ))  # fmt: skip
        unfinished = history.deployment(connection, "deploy", None, ended=False)
        gone = history.deployment(connection, "plan", None)
    for _ in range(3):
        _, _, merged = history.pull()
    history.day += 1000
    history.expire()
    assert history.numbers(deployments) == {planned, deployed, held_plan, held_deploy, unfinished, merged}
    assert history.numbers(pulls) >= {opened, held}
    with database.reading() as connection:
        assert expiring.is_expired(connection, gone)
        assert not expiring.is_expired(connection, merged + 1)
        texts = connection.execute(select(plans.c.text)).scalars().all()
        assert len(texts) == 6
        assert all(texts)
        assert connection.execute(select(func.count()).select_from(attempt_logs)).scalar() == 1
        story = conversation.story_before(connection, history.repository, "main", "elsewhere")
        assert story is not None
        assert story.deployments == (merged,)
    assert history.count(pull_plans) >= 2
    assert history.count(commands) >= 2
    assert history.count(shows) == history.count(publication_table)


def test_texts_go_before_the_rows_that_tell_of_them(database: Database) -> None:
    history = History(database)
    _, planned, _ = history.pull()
    history.pull()
    history.day += KEEP_DAYS + 1
    history.expire()
    with database.reading() as connection:
        row = connection.execute(
            select(plans.c.text, plans.c.digest, remote_attempts.c.report)
            .join(tasks, tasks.c.plan_id == plans.c.id)
            .join(attempts, attempts.c.task_id == tasks.c.id)
            .join(remote_attempts, remote_attempts.c.attempt_id == attempts.c.id)
            .where(tasks.c.deployment_id == planned)
        ).one()
    assert (row.text, row.digest, row.report) == ("", "d" * 64, None)
