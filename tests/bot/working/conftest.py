"""A whole server's parts, on a real store; nobody works unless a test does."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.server import Server
from bot.store.database import Database
from tests.bot.store.conftest import database, kind, migrated_postgres, postgres  # noqa: F401  (fixtures)
from tests.bot.web.conftest import key_file, settings_in  # noqa: F401  (fixtures)


@pytest.fixture
def server(database: Database, tmp_path: Path, key_file: Path) -> Server:  # noqa: F811
    """A server on each database."""
    return Server(settings_in(tmp_path / "state", key_file, database_url=database.url))
