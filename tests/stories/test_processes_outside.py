"""Deploying survives what is around it: folders, disks, clocks, and other versions of itself."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.stories.conftest import MakeWorld
from tests.stories.world import CHAIN, Answer, World

_MAIN = "import runpy; runpy.run_module('bot.cli.main', run_name='__main__')"

# Root may write everywhere, so that capability is given up first; who is not root never had it.
BOUND_BY_PERMISSIONS = (
    "import ctypes, os, sys\n"
    "for capability in (1, 2): ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-P', '-m', 'bot.cli.main', *sys.argv[1:]])"
)
SMALL_FILES = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); {_MAIN}"
CLOCK_GOES_BACK = (
    "import time; real, begun = time.time, time.time()\n"
    f"time.time = lambda: begun - 3600 - 60 * (real() - begun)\n{_MAIN}"
)


def run_as(world: World, program: str, *arguments: str) -> Answer:
    """A command of Headwater within a small program that makes its surroundings worse."""
    return world.start(*arguments, program=("-c", program)).answer()


def told_without_fault(answer: Answer) -> bool:
    """Whether it failed in words for people."""
    return answer.code == 1 and "Traceback" not in answer.err and "fault in Headwater" not in answer.err


def test_a_state_folder_that_cannot_be_written_is_told_and_nothing_is_lost(make_world: MakeWorld) -> None:
    world = make_world(CHAIN).deployed()
    world.want("b", "b-2")
    paths = [world.state, *world.state.iterdir()]
    modes = [(path, path.stat().st_mode) for path in paths]
    for path in paths:
        path.chmod(0o500 if path.is_dir() else 0o400)
    answer = run_as(world, BOUND_BY_PERMISSIONS, "deploy", "--auto-approve")
    for path, mode in modes:
        if path.exists():
            path.chmod(mode)
    assert told_without_fault(answer), str(answer)
    assert "written" in answer.err, str(answer)
    assert world.applied() == ["a", "b", "c"]
    assert world.status()["status"] == "Active"


def test_a_state_folder_that_cannot_be_made_is_told(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    git = world.repository / ".git"
    git.chmod(0o500)
    answer = run_as(world, BOUND_BY_PERMISSIONS, "deploy", "--auto-approve")
    git.chmod(0o755)
    assert told_without_fault(answer), str(answer)
    assert "--state" in answer.err
    assert world.applied() == []


def test_files_that_cannot_grow_are_told_and_nothing_is_lost(make_world: MakeWorld) -> None:
    """The nearest thing to a full disk that everybody may make: no file beyond 20 kB."""
    world = make_world(CHAIN).deployed()
    world.want("b", "b-2")
    answer = run_as(world, SMALL_FILES, "deploy", "--auto-approve")
    assert told_without_fault(answer), str(answer)
    assert world.status()["status"] in ("Active", "Deploy in progress", "Failed")
    _mended(world)


def test_a_full_disk_is_told_and_nothing_is_lost(make_world: MakeWorld) -> None:
    world = make_world(CHAIN).deployed()
    world.want("b", "b-2")
    full = world.folder / "full"
    full.mkdir()
    room = sum(path.stat().st_size for path in world.state.rglob("*") if path.is_file()) // 1024 + 10_000
    if not _may_mount():
        pytest.skip("this machine lets nobody make a small disk")
    script = (
        f"mount -t tmpfs -o size={room}k none {full} && cp -a {world.state}/. {full} && "
        f"head -c 100000000 /dev/zero > {full}/filler; "  # to the last byte
        f'"$0" -P -m bot.cli.main --state {full} "$@"; code=$?; '
        f"rm {full}/filler; "
        f'"$0" -P -m bot.cli.main --state {full} retry --auto-approve >&2; '
        f'"$0" -P -m bot.cli.main --state {full} deploy --since-deployed --auto-approve >&2 || code=9; exit $code'
    )
    program = f"import os, sys; os.execvp('unshare', ['unshare', '-Urm', 'sh', '-c', {script!r}, sys.executable, *sys.argv[1:]])"
    answer = run_as(world, program, "deploy", "--auto-approve")
    assert told_without_fault(answer), str(answer)
    assert "disk" in answer.err or "space" in answer.err, str(answer)
    assert world.have()["b"] == "b-2"


def _may_mount() -> bool:
    tried = subprocess.run(
        ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
    )
    return tried.returncode == 0


def _mended(world: World) -> None:
    world.headwater("retry", "--auto-approve")
    answer = world.headwater("deploy", "--since-deployed", "--auto-approve")
    assert answer.code == 0, str(answer)
    assert world.have() == {"a": "a-1", "b": "b-2", "c": "c-1"}
    assert world.status()["status"] == "Active"


def test_a_database_of_a_newer_version_is_left_alone(make_world: MakeWorld) -> None:
    world = make_world(CHAIN).deployed()
    database = sqlite3.connect(world.state / "headwater.db")
    with database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in (("status",), ("deploy", "--auto-approve"), ("retry",)):
        answer = world.headwater(*command)
        assert told_without_fault(answer), str(answer)
        assert "newer Headwater" in answer.err
    with database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    database.close()


def test_a_database_that_is_none_is_told(make_world: MakeWorld) -> None:
    world = make_world(CHAIN).deployed()
    for path in world.state.glob("headwater.db*"):
        path.unlink()
    (world.state / "headwater.db").write_bytes(b"these are no pages of a database" * 200)
    answer = world.headwater("status")
    assert told_without_fault(answer), str(answer)
    assert "not a Headwater database" in answer.err


@pytest.mark.parametrize("command", [("deploy", "--since-deployed"), ("deploy",), ("retry",), ("destroy",)])
def test_caches_may_be_removed_at_any_time(make_world: MakeWorld, command: tuple[str, ...]) -> None:
    world = make_world(CHAIN).deployed()
    world.want("b", "b-2")
    world.tell("b", "apply", "fail")
    assert world.headwater("deploy", "--auto-approve").code == 1
    world.let_go("b", "apply", "fail")
    for name in ("cache", "mirror.git"):
        shutil.rmtree(world.state / name, ignore_errors=True)
    assert world.states()["b"] == "failed"
    answer = world.headwater(*command, "--auto-approve")
    assert answer.code == 0, str(answer)
    assert world.have() == ({} if command == ("destroy",) else {"a": "a-1", "b": "b-2", "c": "c-1"})
    assert world.left_over() == []


def test_what_was_killed_goes_on_without_its_mirror(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.tell("a", "apply", "hold")
    deploy = world.start("deploy", "--auto-approve")
    world.wait_for("start", "apply", "a")
    deploy.kill()
    world.let_go("a", "apply")
    world.wait_for("end", "outputs", "a")
    (world.state / "mirror.git").rename(world.state.parent / "gone.git")  # at once: the runner may be tidying up in it
    assert world.headwater("retry", "--auto-approve").code == 0
    assert world.applied() == ["a", "b", "c"]


def test_a_clock_that_goes_back_changes_nothing(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    assert run_as(world, CLOCK_GOES_BACK, "deploy", "--auto-approve").code == 0
    assert world.applied() == ["a", "b", "c"]
    world.want("b", "b-2")
    answer = run_as(world, CLOCK_GOES_BACK, "deploy", "--since-deployed", "--auto-approve")
    assert answer.code == 0, str(answer)
    assert "b: deployed" in answer.out, str(answer)
    assert world.have()["b"] == "b-2"
    assert world.status()["status"] == "Active"
    world.tell("b", "apply", "fail")
    world.want("b", "b-3")
    assert run_as(world, CLOCK_GOES_BACK, "deploy", "--since-deployed", "--auto-approve").code == 1
    assert "told to fail" in world.headwater("logs", "b").out  # the newest attempt, though not by the clock
    for command in ("history", "status"):
        shown = world.headwater(command)
        assert shown.code == 0 and " -" not in shown.out.replace(" - ", ""), str(shown)


def test_a_report_that_a_tool_has_written_over_is_no_report(make_world: MakeWorld) -> None:
    """A tool runs beside its attempt's files, so what is found there is not believed blindly."""
    world = make_world(CHAIN)
    script = Path(world.repository / "envs/b/apply").read_text()
    lie = script.replace("say end\n", "say end; echo '[]' > ../../../report.json; kill -9 $PPID\n")
    world.commit({"envs/b/apply": lie})
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 1, str(answer)
    assert world.states() == {"a": "deployed", "b": "failed", "c": "blocked"}
    assert world.left_over() == []


def test_what_steers_git_from_outside_does_not_reach_the_mirror(make_world: MakeWorld) -> None:
    """Hooks of a server set these; with them the mirror would write elsewhere."""
    world = make_world(CHAIN)
    steering = {
        "GIT_OBJECT_DIRECTORY": str(world.folder / "elsewhere"),
        "GIT_NAMESPACE": "other",
        "GIT_INDEX_FILE": "x",
    }
    answer = world.headwater("deploy", "--auto-approve", env=steering)
    assert answer.code == 0, answer
    assert not (world.folder / "elsewhere").exists()


def test_nobody_else_can_read_the_state(make_world: MakeWorld) -> None:
    """Also where the folder was there before, open to all."""
    world = make_world(CHAIN)
    open_folder = world.folder / "open"
    open_folder.mkdir(mode=0o755)
    assert world.headwater("deploy", "--auto-approve", "--state", str(open_folder)).code == 0
    readable = [
        path.relative_to(open_folder).parts[0]
        for path in open_folder.rglob("*")
        if path.is_file() and path.stat().st_mode & 0o077 and _reachable(open_folder, path)
    ]
    assert set(readable) <= {"cache"}  # what the repository says anyway


def _reachable(top: Path, path: Path) -> bool:
    """Whether others may go down to it."""
    return all(parent.stat().st_mode & 0o011 for parent in path.parents if parent.is_relative_to(top))
