"""Killed at every point, one after another, everything still comes to its end.

The points are counted over all processes of a command (bot/runner/crash.py), so both the command and its runners die,
each at every store commit and every start of a process. `HEADWATER_TEST_CRASH=all` in the environment visits every
point of every story (`make crash`); by default a sample of each.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.judge import Ending, judge
from tests.crash.zygote import QuickWorld
from tests.stories.world import DIAMOND, Answer, World

NEEDS = DIAMOND
WORKERS = 3
"""Most of a story is waiting, so more of them than there are cores."""


@dataclass(frozen=True)
class Story:
    """A command that is killed: what comes before it, what mends it, and how all must end."""

    name: str
    command: tuple[str, ...]
    before: Callable[[World], None]
    mend: Callable[[World], Answer]
    ending: Ending
    sample: int = 1  # every so-many-th point by default
    first: int = 1_000_000  # and of these no more
    extra: dict[str, str] | None = None


def _nothing(world: World) -> None:
    """The repository is as it was made."""


def _deployed(world: World) -> None:
    world.deployed()


def _half_failed(world: World) -> None:
    """`db` failed, so `app` is blocked; the cause is mended."""
    world.tell("db", "apply", "fail")
    assert world.headwater("deploy", "--auto-approve").code == 1
    world.let_go("db", "apply", "fail")


def _waiting(world: World) -> None:
    """`app` waits for approval."""
    assert world.headwater("deploy", "--auto-approve").code == 3


def _at_work(world: World) -> None:
    """A deploy was killed while `db` was at work, which goes on."""
    world.tell("db", "apply", "sleep", "0.5")
    deploy = world.start("deploy", "--auto-approve")
    world.wait_for("start", "apply", "db")
    deploy.kill()


def _all_dead(world: World) -> None:
    """Both the command and the runner of `db` were killed; its tool came to its end alone."""
    world.tell("db", "apply", "hold")
    deploy = world.start("deploy", "--auto-approve")
    db = world.wait_for("start", "apply", "db")
    world.wait_for("end", "outputs", "eks")
    deploy.kill()
    os.kill(world.runner_of(db.attempt), signal.SIGKILL)
    world.let_go("db", "apply")
    world.wait_for("end", "apply", "db")


def _never_started(world: World) -> None:
    """`app` was approved; who would have started its runner was killed when that attempt had been written down."""
    _waiting(world)
    for command in (("approve", "app"), ("retry", "--auto-approve")):  # the second, once it is approved
        for at in range(1, 30):
            (world.folder / "points").unlink(missing_ok=True)
            answer = world.headwater(*command, env=_crashing(world, at))
            if _written_down_only(world):
                (world.folder / "points").unlink()
                return
            if answer.code != -signal.SIGKILL:
                break
    raise AssertionError("no attempt was ever written down and not started")


def _written_down_only(world: World) -> bool:
    with closing(sqlite3.connect(world.state / "headwater.db")) as database:
        active = [row[0] for row in database.execute("SELECT id FROM attempts WHERE active")]
    return any(not (world.state / "attempts" / attempt).exists() for attempt in active)


def _deploy_again(world: World) -> Answer:
    world.headwater("retry", "--auto-approve")
    return world.headwater("deploy", "--auto-approve")


def _destroy_again(world: World) -> Answer:
    world.headwater("retry", "--auto-approve")
    return world.headwater("destroy", "--auto-approve")


def _approve_again(world: World) -> Answer:
    answer = world.headwater("retry", "--auto-approve")
    return world.headwater("approve", "app") if answer.code == 3 else answer


ASKS = {"app": "requiresApproval: true"}
DONE = Ending("Active", dict.fromkeys(NEEDS, "deployed"), applies=frozenset(NEEDS))
STORIES = (
    Story("deploy", ("deploy", "--auto-approve"), _nothing, _deploy_again, DONE, sample=7),
    Story(
        "destroy",
        ("destroy", "--auto-approve"),
        _deployed,
        _destroy_again,
        Ending("Inactive", dict.fromkeys(NEEDS, "destroyed"), destroys=frozenset(NEEDS)),
        sample=9,
    ),
    Story("retry", ("retry", "--auto-approve"), _half_failed, _deploy_again, DONE, sample=8),
    Story("revoke", ("retry", "--auto-approve"), _never_started, _approve_again, DONE, sample=2, first=16, extra=ASKS),
    Story("bury", ("retry", "--auto-approve"), _all_dead, _deploy_again, DONE, first=10),
    Story("cancel", ("cancel",), _at_work, _deploy_again, DONE, sample=3),
    Story("approve", ("approve", "app"), _waiting, _approve_again, DONE, sample=3, extra=ASKS),
)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_killed_at_each_point(story: Story, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    points = _count(story, tmp_path / "count")
    visited = list(range(1, points + 1))
    if os.environ.get("HEADWATER_TEST_CRASH") != "all":
        visited = visited[: story.first : story.sample]
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = {at: pool.submit(_killed_at, story, tmp_path / f"at{at}", at) for at in visited}
        failures = list(_failures(jobs))
    record_property("crash points", f"{story.name}: {points} crash points, killed at {len(visited)} of them")
    assert not failures, "\n\n".join(failures)


def _failures(jobs: dict[int, Future[None]]) -> Iterator[str]:
    for at, job in jobs.items():
        if (error := job.exception()) is not None:
            yield f"point {at}: {error}"


def _count(story: Story, folder: Path) -> int:
    """How many points the story passes when nobody dies."""
    world = QuickWorld.make(folder, NEEDS, story.extra)
    try:
        story.before(world)
        answer = _command(world, story)
        assert answer.code in (0, 130), str(answer)
        return len(_passed(world))
    finally:
        world.end()


def _killed_at(story: Story, folder: Path, at: int) -> None:
    world = QuickWorld.make(folder, NEEDS, story.extra)
    try:
        story.before(world)
        _command(world, story, at)
        passed = _passed(world)
        died = passed[at - 1] if at <= len(passed) else "nobody: this run had fewer points"
        try:
            world.status()  # it must be able to say how things stand
            answer = story.mend(world)
            assert answer.code == 0, f"the mend failed: {answer}"
            judge(world, NEEDS, story.ending)
        except AssertionError as error:
            raise AssertionError(f"killed: {died}\n{error}") from error
    finally:
        world.end()


def _command(world: World, story: Story, at: int | None = None) -> Answer:
    return world.headwater(*story.command, env=_crashing(world, at))


def _crashing(world: World, at: int | None = None) -> dict[str, str]:
    """What has points counted, and kills at one of them."""
    points = {"HEADWATER_CRASH_LOG": str(world.folder / "points")}
    return points if at is None else {**points, "HEADWATER_CRASH_AT": str(at)}


def _passed(world: World) -> list[str]:
    return [line.strip() for line in (world.folder / "points").read_text().splitlines()]
