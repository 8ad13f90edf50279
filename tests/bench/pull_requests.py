"""Pull requests on the GitHub on localhost: from webhook to dispatch, and what a deployment of 100 environments takes.

`headwater serve` as an operator starts it, with the settings that it comes with, and jobs as processes. Actions' start
delay is played in real time. `python -m tests.bench.pull_requests [idle] [large] [killed] [deploy]`;
and, only where it is asked for since it takes a quarter of an hour, `many`.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bot.settings import Settings
from bot.store.hosted_tables import dispatches, remote_attempts
from bot.store.tables import deployments
from bot.working.pulling import PLAN_JOBS
from planner.schedule import critical_path, wave_makespan
from tests.bench.bare import cpu_of_keeping, processor_seconds
from tests.bench.deploying import LAYERS, environments
from tests.conversations.outside import OutsideTown
from tests.github import GitHub, git_http

LARGE, COUNT = 1000, 100
START_DELAY = 15.0  # seconds from a dispatch until a job of GitHub Actions begins
_IDLE_SECONDS = 20.0
_AS_IT_COMES = (
    "beat_seconds", "silence_seconds", "claim_seconds", "gather_seconds", "edit_seconds", "edits_a_minute", "poll_seconds",
    "sweep_seconds", "stop_seconds",
)  # fmt: skip
_EDIT = re.compile(r"/issues/comments/\d+$")
_AT_ONCE = {
    f"envs/all/{step}": ("100755", f"#!/bin/sh\n{text}\n")
    for step, text in (("plan", "echo + 1; exit 2"), ("apply", ""), ("destroy", ""))
}
_DISPATCH = re.compile(r"/actions/workflows/[^/]+/dispatches$")


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parts = {"idle": _idle, "large": _large, "killed": _killed, "deploy": _deploy, "many": _many}
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for name in arguments or [one for one in parts if one != "many"]:
        parts[name]()


@contextmanager
def _town(name: str, start_delay: float = 0.0, **more: object) -> Iterator[OutsideTown]:
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder, GitHub(Path(folder) / "github") as github:
        (home := Path(folder) / name).mkdir()
        settings = {one: Settings.model_fields[one].default for one in _AS_IT_COMES}
        town = OutsideTown(home, github, more={**settings, "log_level": "warning", **more})
        github.actions.start_delay = start_delay
        try:
            yield town
        finally:
            town.stop()


def _idle() -> None:
    """What a server takes that has nothing to do, after it worked on one small pull request."""
    with _town("idle") as town:
        town.setup(_files(LAYERS)[0])
        town.pull({"envs/e0/more": "more\n"})
        town.settle(120)
        before, start = _cpu(town), time.monotonic()
        time.sleep(_IDLE_SECONDS)
        share = (_cpu(town) - before) / (time.monotonic() - start)
        print(f"idle bot                  {_memory(town):7.0f} MiB   {share:.1%} of a core")


def _large() -> None:
    """From the webhook of a pull request that affects 1,000 environments to its first dispatch; no job runs."""
    with _town("large") as town, _fetches() as fetches:
        town.setup(_files(LARGE)[0])
        town.pull({"envs/e999/more": "more\n"})  # a server that has seen this repository before
        town.settle(60)
        town.github.actions.most_jobs = 0
        fetches.clear()
        opened: list[float] = []
        town.github.hooks.watchers.append(
            lambda event, _shape: opened.append(time.monotonic()) if event == "pull_request" else None
        )
        before = len(town.github.rest.calls)
        town.pull({f"envs/e{number}/more": "more\n" for number in range(LARGE)})
        while not any(_DISPATCH.search(path) for _, path, _ in town.github.rest.calls[before:]):
            time.sleep(0.002)
        took, fetched = time.monotonic() - opened[0], sum(end - start for start, end in fetches if end > opened[0])
    print(f"{LARGE} environments, webhook to dispatch {took:6.2f} s, of it {fetched:.2f} s while git fetches")


def _killed() -> None:
    """kill -9 while 1,000 tasks are under way, as many of them with GitHub as may be at once: how soon it goes on after that."""
    with _town("killed", jobs=500) as town:
        town.setup(_files(LARGE)[0])
        town.github.actions.most_jobs = 0
        town.pull({f"envs/e{number}/more": "more\n" for number in range(LARGE)})
        while _in_flight(town) < PLAN_JOBS or not town.github.hooks.idle:
            time.sleep(0.1)
        town.kill()
        calls, start = len(town.github.rest.calls), time.monotonic()
        town.github.actions.most_jobs = 4
        town.start_server()
        answers = time.monotonic() - start
        while len(town.github.rest.calls) == calls:
            time.sleep(0.002)
        asks = time.monotonic() - start
        while not _claimed(town):
            time.sleep(0.01)
        claimed = time.monotonic() - start
    print(f"kill -9 with {LARGE} tasks under way, {PLAN_JOBS} with GitHub: the next process answers after {answers:.1f} s, asks GitHub after {asks:.1f} s, "
          f"and has given a job its task after {claimed:.1f} s")  # fmt: skip


def _in_flight(town: OutsideTown) -> int:
    with town.server.database.reading() as connection:
        started = dispatches.c.run_id.is_not(None)
        query = select(func.count()).select_from(remote_attempts.join(dispatches)).where(started)
        return int(connection.execute(query).scalar_one())


def _claimed(town: OutsideTown) -> bool:
    with town.server.database.reading() as connection:
        return (
            connection.execute(select(remote_attempts.c.claimed).where(remote_attempts.c.claimed)).first() is not None
        )


def _deploy() -> None:
    """A deployment of 100 environments whose applies take 4 to 24 seconds each, jobs starting 15 seconds late."""
    with _town("deploy", START_DELAY) as town:
        files, graph, durations = _files(COUNT)
        town.setup(files)
        pull = town.pull({f"envs/e{number}/more": "more\n" for number in range(COUNT)})
        town.settle(600)
        webhooks: list[tuple[str, bytes]] = []
        town.github.hooks.watchers.append(lambda event, shape: webhooks.append((event, json.dumps(shape).encode())))
        cpu, calls = _cpu(town), len(town.github.rest.calls)
        pull.comment("/deploy")
        _wait_for_the_end(town)
        town.settle(600)
        cpu, made = _cpu(town) - cpu, town.github.rest.calls[calls:]
        span = _span(town)
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        bare = cpu_of_keeping(webhooks, Path(folder) / "bare")
    edits = sum(1 for method, path, _ in made if method == "PATCH" and _EDIT.search(path))
    delayed = {alias: one + START_DELAY for alias, one in durations.items()}
    critical, waves = critical_path(graph, delayed)[0], wave_makespan(graph, delayed, COUNT)
    print(f"{COUNT} environments of {LAYERS} layers, each job begins {START_DELAY:g} s after its dispatch")
    print(f"critical path             {critical:7.1f} s")
    print(f"Headwater's makespan      {span:7.1f} s   ratio {span / critical:.3f}")
    print(f"level waves, no overhead  {waves:7.1f} s   ratio {waves / critical:.3f}")
    print(f"GitHub calls              {len(made) - edits:7} and {edits} edits of comments   {_kinds(made)}")
    print(f"CPU of the bot            {cpu / COUNT * 1000:7.1f} ms an environment")
    print(
        f"a bare Flask keeps its {len(webhooks)} webhooks, and does no more {bare / COUNT * 1000:7.1f} ms   ratio {cpu / bare:.1f}"
    )


def _many() -> None:
    """1,000 environments planned and deployed in jobs of GitHub's, whose scripts do nothing."""
    with _town("many") as town:
        workflow = re.sub(r"envs/e\d+", "envs/all", environments(LARGE).files["headwater.yml"])
        town.setup({"headwater.yml": workflow, **_AT_ONCE})
        pull = town.pull({"envs/all/more": "more\n"})
        start = time.monotonic()
        town.settle(3600)
        planned, start = time.monotonic() - start, time.monotonic()
        before = _cpu(town)
        pull.comment("/deploy")
        _wait_for_the_end(town)
        town.settle(600)
        deployed, cpu, newest = time.monotonic() - start, _cpu(town) - before, _newest(town)
        calls, sizes, memory = list(town.github.rest.calls), _bodies(town), _memory(town)
        with town.server.database.reading() as connection:
            of_run = select(func.count()).select_from(remote_attempts).group_by(remote_attempts.c.dispatch_id)
            legs = sorted(connection.execute(of_run).scalars())
    refused = Counter(status for _, _, status in calls if status >= 400)
    print(
        f"{LARGE} environments planned in {planned:.0f} s and deployed in {deployed:.0f} s: {newest.state}; memory {memory:.0f} MiB"
    )
    print(f"CPU of the bot            {cpu / LARGE * 1000:7.1f} ms an environment (the deployment)")
    print(f"dispatches                {len(legs):7}   of at most {legs[-1]} jobs, median {statistics.median(legs):g}")
    print(f"GitHub calls              {len(calls):7}   refused: {dict(refused) or 'none'}   {_kinds(calls)}")
    print(f"comments                  {len(sizes):7}   the largest of {max(sizes)} characters")


def _bodies(town: OutsideTown) -> list[int]:
    """How long the comments on pull requests were, after each of their edits."""
    return [len(body) for one in town.repository.comments.values() for _, body in one.history]


def _files(count: int) -> tuple[dict[str, Any], Any, dict[str, float]]:
    made = environments(count)
    files = {path: ("100755", text) if "/" in path else text for path, text in made.files.items()}
    return files, made.graph, made.durations


def _wait_for_the_end(town: OutsideTown) -> None:
    while _newest(town).finished_at is None or _newest(town).action != "deploy":
        time.sleep(0.2)


def _span(town: OutsideTown) -> float:
    newest = _newest(town)
    assert newest.state == "succeeded", newest
    return float(newest.finished_at - newest.created_at)


def _newest(town: OutsideTown) -> Any:
    with town.server.database.reading() as connection:
        return connection.execute(select(deployments).order_by(deployments.c.id.desc())).first()


def _kinds(calls: Sequence[tuple[str, str, int]]) -> str:
    counts = Counter(
        re.sub(r"/\d+\b|/[0-9a-f]{40}", "/N", f"{method} {path.partition('?')[0]}") for method, path, _ in calls
    )
    return ", ".join(f"{count} {name.replace('/repos/acme/shop', '')}" for name, count in counts.most_common())


@contextmanager
def _fetches() -> Iterator[list[tuple[float, float]]]:
    """When each request of git began and ended at GitHub."""
    found: list[tuple[float, float]] = []
    answer = git_http.answer

    def timed(*arguments: Any) -> Any:
        start = time.monotonic()
        try:
            return answer(*arguments)
        finally:
            found.append((start, time.monotonic()))

    git_http.answer = timed  # type: ignore[assignment]
    try:
        yield found
    finally:
        git_http.answer = answer


def _cpu(town: OutsideTown) -> float:
    """Seconds of the server and of the git processes that it waited for."""
    return processor_seconds(*_pids(town))


def _memory(town: OutsideTown) -> float:
    """MiB of the server; of what its processes share, each has its part (PSS)."""
    told = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in _pids(town)]
    return sum(int(found[1]) for one in told if (found := re.search(r"(?m)^Pss:\s+(\d+)", one))) / 1024


def _pids(town: OutsideTown) -> list[int]:
    """The process that was started, and the one that works, which it has started."""
    (_, process), *_ = town.processes
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [process.pid, *map(int, children[:1])]


if __name__ == "__main__":
    main(sys.argv[1:])
