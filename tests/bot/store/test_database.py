"""The database itself: migrations, versions, transactions, and errors that people can do something about."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Column, Connection, MetaData, create_engine, func, insert, inspect, select, text
from sqlalchemy.engine import Engine

import bot.store.hosted_tables  # noqa: F401 (its tables belong to the metadata)
from bot.errors import StoreError
from bot.store.database import REVISION, Database
from bot.store.tables import metadata, repositories


def migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("bot.store") / "migrations"))
    return config


def move_to(engine: Engine, revision: str) -> None:
    config = migrations()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if revision == "base" else command.upgrade)(config, revision)
        connection.commit()


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_code_knows_its_newest_migration() -> None:
    assert ScriptDirectory.from_config(migrations()).get_current_head() == REVISION


def test_downgrading_leaves_nothing_and_upgrading_brings_all_back(database: Database) -> None:
    move_to(database.engine, "base")
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version"}
    move_to(database.engine, "head")
    assert set(metadata.tables) <= set(inspect(database.engine).get_table_names())


REVISIONS = sorted(one.revision for one in ScriptDirectory.from_config(migrations()).walk_revisions())


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_what_an_older_headwater_kept_is_there_after_the_upgrade(url: str, revision: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    move_to(engine, revision)
    kept = MetaData()
    with engine.begin() as connection:
        kept.reflect(connection)
        for table in kept.sorted_tables:
            if table.name != "alembic_version":
                connection.execute(insert(table).values({one.name: _something(one) for one in table.columns}))
    engine.dispose()
    database = Database(url)
    with database.writing() as connection:
        assert connection.scalar(select(func.count()).select_from(metadata.tables["tasks"])) == 1
        left = [one for one in kept.tables if connection.scalar(text(f"SELECT count(*) FROM {one}")) != 1]
        assert left == []
        if connection.dialect.name == "sqlite":
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def _something(column: Column[Any]) -> object:
    """A value for a column; all refer to one another."""
    kind = column.type
    if isinstance(kind, JSON):
        return []
    made = {bool: True, int: 1, float: 1.0, bytes: b"x", str: "x"}
    return made[kind.python_type]


def test_a_newer_database_is_refused_and_left_alone(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="of a newer Headwater") as refused, Database(database.url).reading():
        pass
    assert "9999" in refused.value.what
    assert refused.value.mend
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"


def test_many_that_come_at_once_migrate_it_once(url: str) -> None:
    gate, failures = threading.Barrier(6), []

    def come() -> None:
        try:
            database = Database(url)
            gate.wait()
            with database.writing() as connection:
                connection.execute(insert(repositories).values(key=threading.current_thread().name))
            database.engine.dispose()
        except Exception as error:  # noqa: BLE001  (the test fails with it)
            failures.append(error)

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = Database(url)
    with found.reading() as connection:
        assert connection.execute(select(func.count()).select_from(repositories)).scalar() == 6
    found.engine.dispose()


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    with pytest.raises(RuntimeError), database.writing() as connection:
        connection.execute(insert(repositories).values(key="half"))
        raise RuntimeError
    with database.reading() as connection:
        assert connection.execute(select(repositories)).all() == []


def test_a_transaction_within_another_is_a_part_of_it(database: Database) -> None:
    def made(connection: Connection, key: str) -> None:
        connection.execute(insert(repositories).values(key=key))

    def kept() -> list[str]:
        with database.reading() as connection:
            return sorted(connection.execute(select(repositories.c.key)).scalars())

    with pytest.raises(RuntimeError), database.writing() as outer:
        made(outer, "one")
        with database.writing() as inner:
            made(inner, "two")
        assert kept() == []
        raise RuntimeError
    assert kept() == []
    with database.writing() as outer:
        made(outer, "one")
        with pytest.raises(RuntimeError), database.writing() as inner:
            made(inner, "two")
            raise RuntimeError
        with database.writing() as inner:
            made(inner, "three")
    assert kept() == ["one", "three"]


def test_a_reader_sees_one_moment(database: Database) -> None:
    count = select(func.count()).select_from(repositories)
    with database.reading() as reader:
        assert reader.execute(count).scalar() == 0
        with database.writing() as writer:
            writer.execute(insert(repositories).values(key="new"))
        assert reader.execute(count).scalar() == 0
    with database.reading() as reader:
        assert reader.execute(count).scalar() == 1


def test_sqlite_takes_the_write_lock_before_it_reads(tmp_path: Path) -> None:
    """Else two that read and then write would fail instead of waiting for one another."""
    database = Database.file(tmp_path / "headwater.db")
    with database.writing():
        other = sqlite3.connect(tmp_path / "headwater.db", timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    database.engine.dispose()


def test_sqlite_is_durable(tmp_path: Path) -> None:
    database = Database.file(tmp_path / "headwater.db")
    with database.reading() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]
    database.engine.dispose()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "is not a database URL"),
        ("oracle+nothing://u:secret@h/db", "is not a database URL"),
        ("sqlite:////no/such/folder/x.db", "cannot be written"),
        ("postgresql://u:secret@127.0.0.1:1/db", "did not answer"),
    ],
)
def test_what_cannot_be_opened_is_told_without_its_password(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as refused, Database(url).reading():
        pass
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "headwater.db").write_text("a shopping list, long enough to be looked at " * 40)
    with (
        pytest.raises(StoreError, match="is not a Headwater database"),
        Database.file(tmp_path / "headwater.db").reading(),
    ):
        pass


def test_each_thread_of_a_server_has_a_connection(database: Database) -> None:
    with ExitStack() as many:
        for _ in range(40):  # 32 of the web, and the workers' own
            many.enter_context(database.reading())
