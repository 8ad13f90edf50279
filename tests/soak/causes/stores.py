"""Faults of the store, and of the clock by which it is written."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from tests.soak.faults import Fault, restarts
from tests.soak.world import World

_WRITTEN = ("work", "deliveries", "tasks", "attempts", "publications")


def _locked(world: World, fault: Fault) -> int:
    """Somebody else writes to the SQLite file, for seconds."""
    file = world.folder / "headwater.db"
    with contextlib.closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        world.over.wait(fault.seconds + 1.0)
        connection.execute("ROLLBACK")
    return 1


def _gone(world: World, fault: Fault) -> int:
    """Every session ends, whatever it was at, and none begins for a while; or PostgreSQL is killed and started anew."""
    if restarts(fault):
        return _restarted(world)
    name = world.engine.url.database or ""
    others = create_engine(world.engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    ended = 0
    with others.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        end = time.monotonic() + fault.seconds
        while time.monotonic() < end:
            query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
            ended += int(connection.exec_driver_sql(query, (name,)).scalar() or 0)
            time.sleep(0.05)
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    others.dispose()
    return int(ended > 0)


def _restarted(world: World) -> int:
    """PostgreSQL is killed at once, and finds out at its start what was committed."""
    with world.engine.connect() as connection:
        data = Path(str(connection.exec_driver_sql("SHOW data_directory").scalar_one()))
    process = int((data / "postmaster.pid").read_text().split()[0])
    control = Path(f"/proc/{process}/exe").readlink().with_name("pg_ctl")
    command = [str(control), "restart", "-m", "immediate", "-w", "-s", "-D", str(data), "-l", str(data / "log")]
    subprocess.run(command, check=True, user=data.stat().st_uid, stdin=subprocess.DEVNULL, cwd="/")
    return 1


def _answer_lost(world: World, fault: Fault) -> int:
    """The line is cut when PostgreSQL has committed, and before it could say so."""
    between = world.between
    if between is None:
        return 0
    before = between.lost
    between.cut = 1 + fault.choice % 3
    world.wait_for(lambda: between.cut == 0, fault.seconds + 3.0)
    between.cut = 0
    return int(between.lost > before)


def _collisions(world: World, fault: Fault) -> int:
    """PostgreSQL gives up some transactions, as it does with one of two that wait for each other."""
    with _refusing(world, f"collide_{fault.choice}", "40P01", "deadlock detected", 0.2) as refused:
        world.over.wait(fault.seconds + 1.0)
        return refused()


def _full(world: World, fault: Fault) -> int:
    """The disk is full: no file of the server's processes can be made longer, and PostgreSQL writes nothing more."""
    found = [pid for one in world.processes.alive() for pid in one.parts().values()]
    with contextlib.ExitStack() as mended:
        for pid in found:
            mended.callback(_limit, pid, resource.RLIM_INFINITY)
            _limit(pid, 4096)
        if world.scenario.database == "sqlite":
            world.over.wait(fault.seconds)
            return int(bool(found))
        message = "could not extend file: No space left on device"
        refused = mended.enter_context(_refusing(world, f"full_{fault.choice}", "53100", message, 1.0))
        world.over.wait(fault.seconds)
        return refused()


def _limit(pid: int, most: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


@contextlib.contextmanager
def _refusing(world: World, name: str, code: str, message: str, share: float) -> Iterator[Callable[[], int]]:
    """Have PostgreSQL refuse a share of what is written; gives what tells whether it did."""
    _patiently(
        world,
        f"CREATE SEQUENCE IF NOT EXISTS {name}",
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF random() < {share} THEN PERFORM nextval('{name}'); "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = '{code}'; END IF; RETURN NULL; END $$",
        *(
            f"CREATE OR REPLACE TRIGGER {name} AFTER INSERT OR UPDATE ON {one} EXECUTE FUNCTION {name}()"
            for one in _WRITTEN
        ),
    )
    try:
        yield lambda: int(_patiently(world, f"SELECT is_called FROM {name}"))
    finally:
        _patiently(
            world,
            *(f"DROP TRIGGER IF EXISTS {name} ON {one}" for one in _WRITTEN),
            f"DROP FUNCTION IF EXISTS {name}",
            f"DROP SEQUENCE IF EXISTS {name}",
        )


def _patiently(world: World, *statements: str) -> Any:
    """Run each in a transaction of its own, again and again where another fault is in the way; gives the last answer."""
    found = None
    for statement in statements:
        for turn in count():
            try:
                with world.engine.begin() as connection:
                    answer = connection.exec_driver_sql(statement)
                    found = answer.scalar() if answer.returns_rows else None
                break
            except DBAPIError:
                if turn == 200:
                    raise
                time.sleep(0.1)
    return found


def _torn(world: World, fault: Fault) -> int:
    """Power is lost in the middle of a write: at the end of the log of SQLite stands half a page that means nothing."""
    world.processes.kill(*world.processes.alive())
    file = world.folder / "headwater.db-wal"
    torn = file.exists() and file.stat().st_size > 0
    if torn:
        with file.open("ab") as stream:
            stream.write(os.urandom(1000 + fault.choice % 3000))
    world.processes.start_all()
    return int(torn)


def _wrong_clock(world: World, fault: Fault) -> int:
    """A machine whose clock is wrong by an hour, or by five minutes, at 1:100; it is set right after a while.

    It is wrong from a start on, or steps under a process that goes on, and steps back.
    """
    processes = world.processes
    found = processes.alive("worker") or processes.alive("serve")
    if not found:
        return 0
    wrong = (36.0, -36.0, 3.0, -3.0)[fault.choice % 4]
    if fault.choice // 4 % 2:
        stepped = processes.step(found[0], wrong)
        world.over.wait(fault.seconds + 1.0)
        processes.step(found[0], 0.0)
        return int(stepped)
    processes.ahead = wrong
    _again(world, found[0].number)
    processes.ahead = 0.0
    world.over.wait(fault.seconds + 1.0)
    _again(world, found[0].number)
    return 1


def _again(world: World, number: int) -> None:
    """End a process in good order, and start it anew."""
    for one in world.processes.alive():
        if one.number == number:
            one.forked.signal(signal.SIGTERM)
            if not one.wait(6):
                world.processes.kill(one)
    world.processes.start_all()


CAUSES = {
    9: _full,
    10: _locked,
    11: _gone,
    12: _answer_lost,
    13: _collisions,
    14: _torn,
    41: _wrong_clock,
}
