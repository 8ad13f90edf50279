"""A town for each conversation; the stories about state also on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bot.store.conftest import migrated_postgres, postgres  # noqa: F401  (fixtures)
from tests.conversations.outside import OutsideTown
from tests.conversations.town import Town
from tests.github import GitHub
from tests.github_itself.judge import judged

SHOP = """name: shop
triggers: {deployOnMerge: true}
environments:
  network:
    vcs: {type: script, path: network}
  db:
    vcs: {type: script, path: db}
    needs: [network]
  api:
    vcs: {type: script, path: api}
    needs: [db]
    variables:
      DB: ${environments.db.outputs.id}
"""


@contextmanager
def _country(folder: Path) -> Iterator[tuple[GitHub, list[Town]]]:
    """A GitHub, and the towns on it, which are stopped in the end; what went wrong there fails the test."""
    made: list[Town] = []
    github = GitHub(folder / "github")
    with judged(github), github:
        (folder / "town").mkdir()
        yield github, made
        for town in made:
            town.stop()
    assert not github.errors, "\n".join(github.errors)


@pytest.fixture
def make_town(tmp_path: Path) -> Iterator[Callable[..., Town]]:
    """Makes a town; what its server did wrong fails the test."""
    with _country(tmp_path) as (github, made):

        def make(database_url: str | None = None, **settings: object) -> Town:
            town = Town(tmp_path / "town", github, database_url, more=settings)
            made.append(town)
            return town

        yield make


on_both = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)
"""For stories about state: they are told on SQLite and on PostgreSQL."""


@pytest.fixture
def make_outside(tmp_path: Path) -> Iterator[Callable[..., OutsideTown]]:
    """Makes a shop whose server runs as processes of its own, which can be killed."""
    with _country(tmp_path) as (github, made):

        def make(database_url: str | None = None, roles: tuple[str, ...] = ("serve",)) -> OutsideTown:
            town = OutsideTown(tmp_path / "town", github, database_url, roles=roles)
            made.append(town)
            town.setup({"headwater.yml": SHOP, **town.environments(network="n1", db="d1", api="a1")})
            return town

        yield make


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str | None:
    """Where the server keeps what it knows: the address of a new PostgreSQL database, or None for its own SQLite.

    Those that are told on one database alone are told on PostgreSQL with `HEADWATER_TEST_STORE=postgresql`.
    """
    if getattr(request, "param", os.environ.get("HEADWATER_TEST_STORE", "sqlite")) == "sqlite":
        return None
    template = request.getfixturevalue("migrated_postgres")
    address: str = request.getfixturevalue("postgres")(template)
    return address


@pytest.fixture
def town(make_town: Callable[..., Town], store: str | None) -> Town:
    """A town with nothing in its repository yet."""
    return make_town(store)


@pytest.fixture
def shop(town: Town) -> Town:
    """A town with `network` <- `db` <- `api`, nothing deployed."""
    town.setup({"headwater.yml": SHOP, **town.environments(network="n1", db="d1", api="a1")})
    return town
