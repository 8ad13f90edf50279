"""Faults of the store, and of the clock by which it is written."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from sqlalchemy import create_engine

from tests.soak.faults import Fault, restarts
from tests.soak.world import World


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
    function = (
        "CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF random() < 0.2 THEN PERFORM nextval('collisions'); "
        "RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF; RETURN NULL; END $$"
    )
    tables = ("work", "deliveries", "tasks", "attempts", "publications")
    with world.engine.begin() as connection:
        connection.exec_driver_sql("CREATE SEQUENCE collisions")
        connection.exec_driver_sql(function)
    for name in tables:
        with world.engine.begin() as connection:
            connection.exec_driver_sql(
                f"CREATE TRIGGER collide AFTER INSERT OR UPDATE ON {name} EXECUTE FUNCTION collide()"
            )
    world.over.wait(fault.seconds + 1.0)
    for name in tables:
        with world.engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TRIGGER collide ON {name}")
    with world.engine.begin() as connection:
        met = connection.exec_driver_sql("SELECT is_called FROM collisions").scalar_one()
        connection.exec_driver_sql("DROP FUNCTION collide")
        connection.exec_driver_sql("DROP SEQUENCE collisions")
    return int(met)


def _full(world: World, fault: Fault) -> int:
    """No file can be made longer, as on a full disk: the kernel refuses every such write of the server's processes."""
    found = [pid for one in world.processes.alive() for pid in one.parts().values()]
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    world.over.wait(fault.seconds)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return int(bool(found))


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
