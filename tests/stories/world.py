"""A world to tell stories in: a real git repository, real processes of Headwater, and tools that keep their own log.

The tools are `script` environments. What is wanted lies in their folder (`want`), what is there in the world's folder,
so a plan is empty when nothing changed. Each step writes a line when it begins and when it ends, with its time, its
attempt and its process, to a log that Headwater knows nothing of. `World.tell` makes a step fail, sleep or hold.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.waiting import until

BEAT = 0.05
"""Seconds between two beats of a runner; silence is ten of them, an unclaimed attempt is given up after twenty."""

# One program for all steps. The attempt is known from where the worktree lies. `hold` waits until it is let go.
_STEP = r"""#!/bin/sh
step=${0##*/} alias=${PWD##*/} attempt=${PWD%%/work/envs/*} attempt=${attempt##*/}
say() { printf '%s %s %s %s %s %s\n' "$(date +%s.%N)" "$1" "$step" "$alias" "$attempt" $$ >> "$WORLD/log"; }
told="$WORLD/told/$alias/$step" have="$WORLD/have/$alias"
trap 'say interrupted; exit 130' INT TERM
[ -e "$told/deaf" ] && trap '' INT TERM
[ -e "$told/patient" ] && trap 'say patient' INT TERM
say start
[ -e "$told/sleep" ] && sleep "$(cat "$told/sleep")"
while [ -e "$told/hold" ] && [ ! -e "$WORLD/over" ]; do sleep 0.02; done
if [ -e "$told/fail" ]; then echo "$alias: $step was told to fail" >&2; say fail; exit 1; fi
trap '' INT TERM # from here on: what is done is said too
code=0
case $step in
plan)
  if [ ! -e "$have" ]; then echo "Plan: 1 to add, 0 to change, 0 to destroy."; code=2
  elif ! cmp -s want "$have"; then printf '~ %s -> %s\n' "$(cat "$have")" "$(cat want)"; code=2; fi
  [ -e "$told/text" ] && { cat "$told/text"; code=2; } ;;
apply) cp want "$have" ;;
destroy) rm -f "$have" ;;
outputs) printf '{"value": "%s"}\n' "$(cat "$have")" ;;
esac
say end
exit $code
"""
STEPS = ("plan", "apply", "destroy", "outputs")

_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}

DIAMOND: Mapping[str, Sequence[str]] = {"net": (), "db": ("net",), "eks": ("net",), "app": ("db", "eks")}
CHAIN: Mapping[str, Sequence[str]] = {"a": (), "b": ("a",), "c": ("b",)}


@dataclass(frozen=True)
class Answer:
    """What a command of Headwater gave back."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Line:
    """One line of the tools' own log: `event` is start, end, fail or interrupted."""

    time: float
    event: str
    step: str
    alias: str
    attempt: str
    pid: int


@dataclass(frozen=True)
class Span:
    """A step from its start to its end; `end` and `event` are None where it never said that it ended (killed)."""

    step: str
    alias: str
    attempt: str
    pid: int
    start: float
    end: float | None = None
    event: str | None = None


class Running:
    """A command of Headwater at work, in a process group of its own as a shell would make it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to the whole group, as a terminal sends it."""
        os.killpg(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """kill -9 of the command alone."""
        self.process.kill()
        self.process.wait(10)

    def answer(self, seconds: float = 60) -> Answer:
        """Wait until it ends."""
        out, err = self.process.communicate(timeout=seconds)
        return Answer(self.process.returncode, out, err)


@dataclass
class World:
    """A repository, its state, its tools. Make one with `World.make`; call `end` when the story is over."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _running: list[Running] = field(default_factory=list)

    @classmethod
    def make(
        cls,
        folder: Path,
        needs: Mapping[str, Sequence[str]],
        extra: Mapping[str, str] | None = None,
        top: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> World:
        """A world whose workflow `world` has these environments, committed.

        `extra`: more YAML of an environment (`"requiresApproval: true"`); `top`: more YAML of the file.
        """
        world = cls(folder, dict(environment or {}))
        for name in ("have", "told"):
            (folder / name).mkdir(parents=True)
        world.repository.mkdir()
        world.git("init", "--quiet", "--initial-branch=main")
        world.define(needs, extra, top)
        return world

    # -- the repository

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def state(self) -> Path:
        """Headwater's state folder."""
        return self.repository / ".git" / "headwater"

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            check=False,
            cwd=self.repository,
            env={**os.environ, **_GIT},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def define(self, needs: Mapping[str, Sequence[str]], extra: Mapping[str, str] | None = None, top: str = "") -> str:
        """Write the workflow file, a folder for each new environment, and commit; the commit's SHA."""
        files = {"headwater.yml": workflow_file(needs, extra or {}, top)}
        for alias in needs:
            if not (self.repository / "envs" / alias / "want").exists():
                files[f"envs/{alias}/want"] = f"{alias}-1\n"
            for step in STEPS:
                files[f"envs/{alias}/{step}"] = _STEP
        return self.commit(files)

    def commit(self, files: Mapping[str, str | None], message: str = "Change") -> str:
        """Write files (None removes one) and commit them; the commit's SHA."""
        for name, text in files.items():
            path = self.repository / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755 if text.startswith("#!") else 0o644)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def want(self, alias: str, text: str) -> str:
        """Have another thing wanted of an environment, committed."""
        return self.commit({f"envs/{alias}/want": f"{text}\n"})

    # -- Headwater

    def headwater(
        self,
        *arguments: str,
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        seconds: float = 60,
    ) -> Answer:
        """Run a command to its end."""
        return self.start(*arguments, input=input, env=env).answer(seconds)

    def start(
        self,
        *arguments: str,
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "bot.cli.main"),
    ) -> Running:
        """Start a command and return at once."""
        stdin: Any = subprocess.DEVNULL
        if input is not None:
            file = self.folder / f"stdin-{len(self._running)}"
            file.write_text(input)
            stdin = file.open()
        process = subprocess.Popen(
            [sys.executable, "-P", *program, *arguments],
            cwd=self.repository,
            env=self._environment(env or {}),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self._running.append(Running(process))
        return self._running[-1]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
        own = {"WORLD": str(self.folder), "HEADWATER_BEAT_SECONDS": str(BEAT), "NO_COLOR": "1", "PYTHONUTF8": "1"}
        return {**outer, **_GIT, **own, **self.environment, **more}

    def status(self) -> dict[str, Any]:
        """The one workflow as `status --json` tells it; the command must succeed."""
        answer = self.headwater("status", "--json")
        assert answer.code == 0 and "Traceback" not in answer.err, str(answer)
        (workflow,) = answer.json["workflows"]
        return dict(workflow)

    def states(self) -> dict[str, str]:
        """Alias -> state."""
        return {one["alias"]: one["state"] for one in self.status()["environments"]}

    def deployed(self) -> World:
        """Deploy all of it, which must succeed."""
        answer = self.headwater("deploy", "--auto-approve")
        assert answer.code == 0, str(answer)
        return self

    # -- the tools

    def tell(self, alias: str, step: str, what: str, text: str = "") -> None:
        """Have a step `fail`, `sleep` (text: seconds), `hold` (until `let_go`), or print `text` as its plan.

        `deaf` ones hear no SIGINT; `patient` ones write it down and go on.
        """
        place = self.folder / "told" / alias / step
        place.mkdir(parents=True, exist_ok=True)
        (place / what).write_text(text)

    def let_go(self, alias: str, step: str, what: str = "hold") -> None:
        """Take back what a step was told."""
        (self.folder / "told" / alias / step / what).unlink()

    def have(self) -> dict[str, str]:
        """What is really there: alias -> what was applied last."""
        return {path.name: path.read_text().strip() for path in sorted((self.folder / "have").iterdir())}

    def tool_log(self) -> list[Line]:
        """What the tools wrote, in the order of time."""
        path = self.folder / "log"
        rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [Line(float(row[0]), row[1], row[2], row[3], row[4], int(row[5])) for row in rows]

    def spans(self, *steps: str) -> list[Span]:
        """The steps of these names from start to end, in the order of their starts."""
        found: dict[tuple[str, int], Span] = {}
        for line in self.tool_log():
            key = (line.attempt, line.pid)
            if line.event == "start":
                found[key] = Span(line.step, line.alias, line.attempt, line.pid, line.time)
            elif key in found:
                begun = found[key]
                found[key] = Span(begun.step, begun.alias, begun.attempt, begun.pid, begun.start, line.time, line.event)
        return [span for span in found.values() if span.step in (steps or STEPS)]

    def applied(self) -> list[str]:
        """The aliases whose apply succeeded, in the order of their ends."""
        done = [span for span in self.spans("apply") if span.event == "end"]
        return [span.alias for span in sorted(done, key=lambda span: span.end or 0.0)]

    def wait_for(self, event: str, step: str, alias: str, seconds: float = 20) -> Line:
        """Wait until the tools' log has such a line; the newest one."""
        found: Line = until(
            lambda: next(
                (one for one in reversed(self.tool_log()) if (one.event, one.step, one.alias) == (event, step, alias)),
                None,
            ),
            f"{event} of {step} of {alias}",
            seconds,
        )
        return found

    def runner_of(self, attempt: str) -> int:
        """The process of the runner that has this attempt."""
        return int(json.loads((self.state / "attempts" / attempt / "claim").read_text())["pid"])

    def left_over(self) -> list[str]:
        """What attempts should have removed: worktrees, scratch, raw logs."""
        attempts = self.state / "attempts"
        names = ("work", "scratch", "raw", "mirror")
        found = [str(path.relative_to(self.state)) for name in names for path in attempts.glob(f"*/{name}")]
        return found + [f"worktrees/{path.name}" for path in (self.state / "mirror.git" / "worktrees").glob("*")]

    def end(self) -> None:
        """End every process of this world."""
        (self.folder / "over").touch()
        for one in self._running:
            if one.process.poll() is None:
                one.process.kill()
            one.process.communicate()
        for pid in set(_runners(self.state)) | {line.pid for line in self.tool_log()}:
            _kill_if_ours(pid, self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


def workflow_file(needs: Mapping[str, Sequence[str]], extra: Mapping[str, str], top: str = "") -> str:
    """The text of a workflow file over `script` environments below `envs/`."""
    lines = ["name: world", *top.splitlines(), "environments:"]
    for alias, upstreams in needs.items():
        lines += [f"  {alias}:", f"    vcs: {{type: script, path: envs/{alias}}}"]
        if upstreams:
            lines.append(f"    needs: [{', '.join(upstreams)}]")
        lines += [f"    {line}" for line in extra.get(alias, "").splitlines()]
    return "\n".join(lines) + "\n"


def overlaps(spans: Iterable[Span]) -> list[tuple[Span, Span]]:
    """Pairs of steps on one environment that were at work at the same time."""
    ordered = sorted(spans, key=lambda span: span.start)
    return [
        (one, other)
        for number, one in enumerate(ordered)
        for other in ordered[number + 1 :]
        if one.alias == other.alias and one.end is not None and other.start < one.end
    ]


def _runners(state: Path) -> list[int]:
    found = []
    for claim in state.glob("attempts/*/claim"):
        try:
            found.append(int(json.loads(claim.read_text())["pid"]))
        except (ValueError, KeyError, OSError):
            continue
    return found


def _kill_if_ours(pid: int, folder: Path) -> None:
    """Kill a process, if its number still belongs to one of this world."""
    try:
        if f"WORLD={folder}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            os.kill(pid, signal.SIGKILL)
    except OSError:
        return
