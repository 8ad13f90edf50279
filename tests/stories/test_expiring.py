"""What the command line keeps of itself: what is old goes, once a day, and what is deployed is known for ever."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

from tests.stories.conftest import MakeWorld
from tests.stories.world import World

LONG = 400 * 86_400.0


def a_year_goes_by(world: World) -> None:
    """All that is stored becomes so much older, with its files."""
    with closing(sqlite3.connect(world.state / "headwater.db")) as store, store:
        store.execute(f"UPDATE deployments SET created_at = created_at - {LONG}, finished_at = finished_at - {LONG}")
        store.execute(f"UPDATE attempts SET ended_at = ended_at - {LONG}")
    for one in (*(world.state / "attempts").iterdir(), world.state / "expired"):
        if one.exists():
            at = one.stat().st_mtime - LONG
            os.utime(one, (at, at))


def deployments(world: World) -> list[int]:
    with closing(sqlite3.connect(world.state / "headwater.db")) as store:
        return [number for (number,) in store.execute("SELECT id FROM deployments ORDER BY id")]


def test_old_history_goes_with_its_logs(make_world: MakeWorld) -> None:
    world = make_world({"a": ()})
    for number in range(3):
        world.want("a", str(number))
        world.deployed()
    before = deployments(world)
    a_year_goes_by(world)
    assert world.headwater("status").code == 0
    assert deployments(world) == before[-1:]
    assert list((world.state / "attempts").iterdir()) == []
    assert world.headwater("explain", "a").code == 0
    assert "deployed" in world.headwater("status").out
    world.want("a", "again")
    world.deployed()
    a_year_goes_by(world)
    os.utime(world.state / "expired")  # it looked just now
    assert world.headwater("status").code == 0
    assert len(deployments(world)) == 3
