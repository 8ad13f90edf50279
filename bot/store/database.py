"""The database itself: connecting, the one function that commits, and migrations.

SQLite runs in WAL mode with `synchronous=FULL`; what will write begins with `BEGIN IMMEDIATE`. PostgreSQL comes by URL.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib import resources
from pathlib import Path

from sqlalchemy import Connection, Engine, Text, create_engine, event, inspect
from sqlalchemy import column as sql_column
from sqlalchemy import select as sql_select
from sqlalchemy import table as sql_table
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import StoreError
from bot.runner.crash import point
from bot.store.turns import Turns

REVISION = "0010"
"""The newest migration, so that an up-to-date database costs no import of Alembic."""

_PATIENCE = 30.0
"""Seconds to wait for other writers."""

_POOL = {"pool_size": 16, "max_overflow": 48}
"""A connection for each thread of a server: those of its web and of its workers."""


class Database:
    """A database by URL; opening it brings it up to date. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        scheme, _, file = url.partition(":///")
        self._mine = threading.local()  # the transaction that this thread is in
        self._turns = Turns(_PATIENCE, Path(f"{file}-turn") if scheme == "sqlite" and file else None)

    @classmethod
    def file(cls, path: Path) -> Database:
        """The SQLite database in this file."""
        return cls(f"sqlite:///{path}")

    @cached_property
    def engine(self) -> Engine:
        """The engine, with the database at our revision."""
        try:
            engine = _engine(self.url)
            self._bring_up_to_date(engine)
        except (ArgumentError, NoSuchModuleError) as error:
            raise StoreError(f"{shown_url(self.url)} is not a database URL: {error}") from error
        except DBAPIError as error:
            raise _explained(error, self.url) from error
        except ModuleNotFoundError as error:
            raise StoreError(
                f"{shown_url(self.url)}: the driver for that database is not installed ({error.name})",
                "for PostgreSQL: pip install 'headwater[postgres]'",
            ) from error
        return engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view to read from."""
        try:
            with self.engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN")
                else:
                    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                yield connection
        except DBAPIError as error:
            raise _explained(error, self.url) from error

    @contextmanager
    def writing(self, *, first: bool = False) -> Iterator[Connection]:
        """One transaction: all of it is kept, or none. The one place where anything is committed.

        Within another one of the same thread it is a part of that: kept with it, and undone alone if it fails.
        `first`: before all others of this process that wait to write, since somebody outside waits for the answer.
        """
        if (whole := getattr(self._mine, "connection", None)) is not None:
            part = whole.begin_nested()
            try:
                yield whole
            except DBAPIError:
                raise  # the whole of it has failed, or is to: its savepoint may be gone with it
            except BaseException:
                part.rollback()
                raise
            part.commit()
            return
        try:
            with self._turn(first=first), self.engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                self._mine.connection = connection
                try:
                    yield connection
                finally:
                    del self._mine.connection
                point("before commit")
                connection.commit()
                point("after commit")
        except DBAPIError as error:
            raise _explained(error, self.url) from error

    def copy_to(self, file: Path) -> None:
        """Copy a SQLite database as it is at one moment, compact, also while others write. Raises StoreError."""
        try:
            file.touch(mode=0o600, exist_ok=False)
            with self.engine.connect() as connection:
                connection.exec_driver_sql("VACUUM INTO ?", (str(file),))
        except (DBAPIError, OSError) as error:
            mend = "see that its folder is there, and has space"
            raise StoreError(f"{file} could not be written: {error}", mend) from None

    def shrink(self, pages: int) -> None:
        """Give up to so many free pages of a SQLite file back to the disk. (PostgreSQL sees to that by itself.)"""
        if self.engine.dialect.name == "sqlite":
            with self.writing() as connection:
                free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
                for _ in range(min(free, pages)):  # Python's driver takes one step of it, which is one page
                    connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")

    @contextmanager
    def _turn(self, *, first: bool) -> Iterator[None]:
        """On SQLite, wait until nobody else writes."""
        if self.engine.dialect.name != "sqlite":
            yield
            return
        with self._turns.turn(first=first) as mine:
            if not mine:
                raise _locked(shown_url(self.url))
            yield

    def _bring_up_to_date(self, engine: Engine) -> None:
        with engine.connect() as connection:
            found = _revision(connection)
        if found == REVISION:
            return
        if found is not None and found > REVISION:
            raise StoreError(
                f"the database {shown_url(self.url)} is of a newer Headwater (its schema is {found}, "
                f"this one knows {REVISION})",
                "use the Headwater that wrote it, or a newer one",
            )
        _migrate(engine)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        address = url.replace("postgresql://", "postgresql+psycopg://", 1)
        return create_engine(address, pool_pre_ping=True, **_POOL)
    lent = {"timeout": _PATIENCE, "check_same_thread": False, "isolation_level": None}
    engine = create_engine(url, connect_args=lent, **_POOL)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    if connection.execute("PRAGMA page_count").fetchone() == (0,):  # later it would do nothing but wait for who writes
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_PATIENCE * 1000:.0f}"):
        connection.execute(f"PRAGMA {pragma}")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = sql_table("alembic_version", sql_column("version_num", Text))
    return connection.execute(sql_select(version.c.version_num)).scalar()


def _migrate(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415 (costs 0.2 s, and is needed once in a database's life)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(resources.files("bot.store") / "migrations"))
    with engine.connect() as connection, _whole(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _whole(connection: Connection) -> Iterator[None]:
    """A transaction for migrations, one at a time.

    SQLite makes some tables anew: what others refer to is away meanwhile, and is judged at the end.
    """
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4839201)")
        yield
        connection.commit()
        return
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    try:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        yield
        if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            raise StoreError("the database refers to rows that are not there", "restore it from a backup")
        connection.commit()
    finally:
        connection.rollback()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def shown_url(url: str) -> str:
    """The address as it may be shown: without user and password."""
    head, at, tail = url.rpartition("@")
    return f"{head.split('://')[0]}://…@{tail}" if at else url


def _locked(where: str) -> StoreError:
    return StoreError(
        f"the database {where} stayed locked for {_PATIENCE:g} s", "see what else writes to it, and try again"
    )


def _explained(error: DBAPIError, url: str) -> StoreError:
    said = str(error.orig)
    where = shown_url(url)
    if "readonly" in said or "unable to open" in said or "Permission denied" in said:
        return StoreError(f"the database {where} cannot be written: {said}", "check the state folder's permissions")
    if "disk is full" in said or "No space left" in said:
        return StoreError(f"the disk is full: {where} could not be written", "free some space; nothing was lost")
    if "disk I/O error" in said:  # SQLite's word also for a full disk, where its index of the log cannot grow
        return StoreError(
            f"the disk did not take or give what {where} holds: {said}", "see that it has space; nothing was lost"
        )
    if "locked" in said:
        return _locked(where)
    if "not a database" in said or "malformed" in said:
        return StoreError(f"{where} is not a Headwater database: {said}", "restore it from a backup, or move it away")
    return StoreError(f"the database {where} did not answer: {said.strip()}", "check that it runs, and try again")
