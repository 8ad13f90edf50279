"""The environments' tools: scripts that log their own start and end, and what they leave behind. Judges trust this log.

An environment's state is a file of its name below the tools' folder; what is wanted is the file `wanted` beside its
scripts. Each line of the log: `event step environment job pid commit text`; the job is known from the name of the
machine, the commit from the worktree. `end` comes after the state is written, `fail` where it was not, or may not be:
who is interrupted says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_STEP = r"""#!/bin/sh
t=@TOOLS@ n=@NAME@ s=${0##*/} w=$(cat wanted)
g=; [ -f ../.git ] && read -r _ g < ../.git; read -r c < "$g/HEAD"
say() { echo "$1 $s $n ${RUNNER_NAME##* } $$ $c $w" >> $t/log; }
"""
_PLAN = (
    _STEP
    + r"""
say start
[ -e $t/sleep-plan-$n ] && sleep "$(cat $t/sleep-plan-$n)"
here=$(cat $t/state-$n 2>/dev/null)
say end
[ "$w" = "$here" ] && exit 0
if [ -n "$here" ]; then echo "~ $n: $here -> $w"; echo 'Plan: 0 to add, 1 to change, 0 to destroy.'
else echo "+ $n: $w"; echo 'Plan: 1 to add, 0 to change, 0 to destroy.'; fi
exit 2
"""
)
_APPLY = (
    _STEP
    + r"""
say start
trap 'say fail; exit 1' INT TERM
echo "the secret is $CANARY"
sleep "$(cat $t/sleep-$n 2>/dev/null || echo 0.1)"
if [ -e $t/break-$n ]; then rm $t/break-$n; say fail; echo 'it broke' >&2; exit 1; fi
echo "$w" > $t/state-$n
say end
"""
)
_DESTROY = (
    _STEP
    + r"""
say start
sleep 0.03
rm -f $t/state-$n
say end
"""
)
_OUTPUTS = r"""#!/bin/sh
printf '{"id": "%s", "password": {"value": "%s", "sensitive": true}}' "$(cat @TOOLS@/state-@NAME@)" "@OUTPUT_CANARY@"
"""
KILLED = "killed"


@dataclass(frozen=True)
class Line:
    """One line of the log."""

    event: str  # start, end, fail, killed
    step: str
    environment: str
    job: int
    pid: int
    commit: str = ""
    text: str = ""


@dataclass(frozen=True)
class Span:
    """A step from its start to its end, by the numbers of their lines; `end` and `event` None: it never ended."""

    step: str
    environment: str
    job: int
    pid: int
    commit: str
    text: str
    start: int
    end: int | None = None
    event: str | None = None


def files_of(tools: Path, name: str, text: str, output_canary: str) -> dict[str, object]:
    """The files of one environment."""
    texts = {"plan": _PLAN, "apply": _APPLY, "destroy": _DESTROY, "outputs": _OUTPUTS}
    made: dict[str, object] = {
        f"{name}/{file}": (
            "100755",
            body.replace("@TOOLS@", str(tools)).replace("@NAME@", name).replace("@OUTPUT_CANARY@", output_canary),
        )
        for file, body in texts.items()
    }
    return {**made, f"{name}/wanted": f"{text}\n"}


def read_log(text: str) -> list[Line]:
    """The lines of a log."""
    found = []
    for line in text.splitlines():
        parts = line.split(" ", 6)
        parts += [""] * (7 - len(parts))
        event, step, environment, job, pid, commit, wanted = parts
        found.append(Line(event, step, environment, int(job or 0), int(pid), commit, wanted))
    return found


def spans(lines: Iterable[Line]) -> list[Span]:
    """Each step that was begun, in the order of their starts."""
    open_: dict[tuple[str, int], int] = {}
    found: list[Span] = []
    for number, line in enumerate(lines):
        key = (line.step, line.pid)
        if line.event == "start":
            open_[key] = len(found)
            found.append(
                Span(line.step, line.environment, line.job, line.pid, line.commit, line.text, number)
            )  # fmt: skip
        elif line.event == KILLED:
            for begun in [one for one in open_ if one[1] == line.pid]:
                at = open_.pop(begun)
                found[at] = _ended(found[at], number, KILLED)
        elif key in open_:
            at = open_.pop(key)
            found[at] = _ended(found[at], number, line.event)
    return found


def named(span: Span) -> str:
    """In words."""
    return f"the {span.step} of {span.environment} ({span.text}, job {span.job})"


def _ended(span: Span, number: int, event: str) -> Span:
    return Span(
        span.step, span.environment, span.job, span.pid, span.commit, span.text, span.start, number, event
    )  # fmt: skip
