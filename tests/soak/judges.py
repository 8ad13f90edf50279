"""The seven invariants, each a pure function from what a run left behind to what is wrong with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise

from tests.soak.allowed import only_allowed
from tests.soak.records import TAKEN_OUT, Records, Task, changing
from tests.soak.tools import KILLED, Span, named, spans
from tests.soak.truth import one_truth

_LASTS = 8.0
"""Seconds after the end of a fault in which things may still fail by it."""
_SETTLED = frozenset({"done", "refused", "asked"})  # asked: people are, and a comment says so


def order(records: Records) -> Iterator[str]:
    """I1: no deploy starts before each upstream has succeeded, no destroy before all that needs it is destroyed."""
    there: dict[str, str] = {}
    applied: set[tuple[str, str]] = set()
    at_work: dict[str, Span] = {}
    ends = {one.end: one for one in changing(records) if one.end is not None}
    starts = {one.start: one for one in changing(records)}
    for number, line in enumerate(records.log):
        if number in starts:
            span = starts[number]
            if span.step == "apply":
                yield from _below(span, records, there, applied, at_work)
            else:
                yield from _above(span, records, there, at_work)
            at_work[span.environment] = span
        if number in ends:
            span = ends[number]
            at_work.pop(span.environment, None)
            if line.event == "end" and span.step == "apply":
                there[span.environment] = span.text
                applied.add((span.environment, span.text))
            elif line.event == "end":
                there.pop(span.environment, None)


def _below(
    span: Span, records: Records, there: dict[str, str], applied: set[tuple[str, str]], at_work: dict[str, Span]
) -> Iterator[str]:  # fmt: skip
    texts = records.texts.get(span.commit, {})
    base = records.texts.get(records.bases.get(span.commit, records.bases.get("main", "")), {})
    undeployed = span.commit in records.main and (  # what is merged need not be there
        not records.continuous or _restored(records, span)
    )
    for upstream in records.needs[span.environment]:
        wanted = texts.get(upstream)
        busy = at_work.get(upstream)
        if upstream not in there and (busy is None or busy.step == "apply"):
            yield f"{named(span)} began before {upstream} was there"
        elif busy is not None and busy.text == wanted and (upstream, wanted) not in applied:
            yield f"{named(span)} began while {upstream} was being deployed"
        elif wanted != base.get(upstream) and (upstream, wanted) not in applied and not undeployed:
            yield f"{named(span)} began before {upstream} was {wanted}"


def _restored(records: Records, span: Span) -> bool:
    """Whether it was asked for, and not merged: what was merged beside it may wait for an approval."""
    number = records.attempts_of_jobs.get(span.job, "").partition("-")[0]
    return any(str(one.id) == number and not one.continuous for one in records.deployments)


def _above(span: Span, records: Records, there: dict[str, str], at_work: dict[str, Span]) -> Iterator[str]:
    forgotten = _forgotten(records)
    for name, needs in records.needs.items():
        if span.environment in needs and (name in at_work or (name in there and name not in forgotten)):
            yield f"{named(span)} began while {name} was there, which needs it"


def once(records: Records) -> Iterator[str]:
    """I2: an attempt runs once, and nothing is ever done to one environment twice at the same time."""
    by_environment: dict[str, list[Span]] = defaultdict(list)
    for one in changing(records):
        by_environment[one.environment].append(one)
    for found in by_environment.values():
        for earlier, later in pairwise(found):
            if earlier.end is None or earlier.end > later.start:
                yield f"{named(later)} began before {named(earlier)} had ended"
    often = Counter((records.attempts_of_jobs.get(one.job, f"job {one.job}"), one.step) for one in spans(records.log))
    for (attempt, step), times in often.items():
        if times > 1:
            yield f"attempt {attempt} did its {step} {times} times"


def nothing_lost(records: Records) -> Iterator[str]:
    """I3: what was accepted has come to an end that a person can see; nothing stays pending."""
    if records.left:
        yield f"it did not come to rest: {records.left[:600]}"
    for guid, outcome in records.webhooks.items():
        if outcome is None:
            yield f"webhook {guid} was accepted, and nothing became of it"
    for one in records.deployments:
        if one.state in ("queued", "running") and not one.waits:
            yield f"deployment {one.id} is {one.state}, and nobody is asked for anything"
    heard = {one.comment: one for one in records.commands}
    for remark in records.remarks:
        if remark.bot or not remark.body.startswith("/") or remark.id not in records.heard:
            continue
        command = heard.get(remark.id)
        if command is None:
            yield f"{remark.who}'s {remark.body!r} on #{remark.pull} was accepted, and is no command"
        elif command.state not in _SETTLED and not _waits(records, command.comment):
            yield f"{remark.who}'s {remark.body!r} on #{remark.pull} is still {command.state}"
        elif not remark.reactions and not any(
            one.bot and one.pull == remark.pull and one.at >= remark.at for one in records.remarks
        ):
            yield f"{remark.who}'s {remark.body!r} on #{remark.pull} got no answer"


def _waits(records: Records, comment: int) -> bool:
    """Whether a command is answered by what waits for people."""
    (command,) = [one for one in records.commands if one.comment == comment]
    waiting = {one.id for one in records.deployments if one.waits}
    return bool(command.waits) or bool(waiting & set(command.deployments))


def convergence(records: Records) -> Iterator[str]:
    """I4: what is there is what should be, or what a fault really broke says so."""
    for name, text in records.final.items():
        if records.state.get(name) != text:
            yield f"{name} is {records.state.get(name)}, not {text}"
    made = {one.text for one in records.deeds if one.kind == "made"} | _forgotten(records)  # Headwater need not know
    for one in records.environments:
        wanted = records.texts.get(one.commit or "", {}).get(one.name)
        here = records.state.get(one.name)
        if records.final and (not one.deployed or one.unfinished):
            yield f"{one.name} is not known to be deployed"
        if one.unfinished:
            continue
        if one.deployed and here != wanted:
            yield f"{one.name} is {here}, and is said to be deployed as {wanted}"
        if not one.deployed and here is not None and one.name not in made:
            yield f"{one.name} is {here}, and is said not to be deployed"
    yield from _failed(records)
    if records.continuous and not records.final:
        yield from _merged(records)


def _failed(records: Records) -> Iterator[str]:
    """What failed did so for a reason: its tool failed, what it needs was not there, or a fault went on at the time."""
    broken = {one.job for one in spans(records.log) if one.event in ("fail", KILLED)}
    gone = {one.environment for one in changing(records) if one.step == "destroy"}
    for task in records.tasks:
        if task.state not in ("failed", "timed out"):
            continue
        attempts = [one for one in records.attempts if one.task == task.id]
        begun = min((one.begun for one in attempts), default=task.ended)
        faults = any(one.begun <= task.ended and begun <= one.over + _LASTS for one in records.weather)
        without = task.code == "cannot-start" and any(one in gone for one in records.needs[task.environment])
        if not (faults or without or any(one.job in broken for one in attempts)):
            yield f"{task.environment} of deployment {task.deployment} failed ({task.code}), and nothing had gone wrong"


def _merged(records: Records) -> Iterator[str]:
    """What was merged is there, or somebody is told why it is not."""
    texts = records.texts[records.main[-1]]
    locked = {name for name, _ in records.locks} | _forgotten(records)
    applied = {one.environment for one in changing(records)}
    for name, text in texts.items():
        if records.state.get(name) == text or name in locked or name not in applied:
            continue
        tasks = [one for one in records.tasks if one.environment == name and _text(records, one) == text]
        if not any(one.state != "succeeded" for one in tasks):
            yield f"{name} is {records.state.get(name)}; {text} was merged, and nothing says why it is not deployed"


def _forgotten(records: Records) -> set[str]:
    """What left the workflow file, and is new where it came back: nobody had read a plan of it since."""
    return {one.who for one in records.deeds if one.kind == TAKEN_OUT}


def no_leak(records: Records) -> Iterator[str]:
    """I7: no secret is written anywhere."""
    for where, text in records.spoken.items():
        for what, secret in records.secrets.items():
            if secret in text:
                at = text.index(secret)
                yield f"{what} is in {where}: …{text[max(0, at - 80) : at]!r}"


def _text(records: Records, task: Task) -> str | None:
    return records.texts.get(task.commit, {}).get(task.environment)


JUDGES: dict[str, Callable[[Records], Iterator[str]]] = {
    "I1 order": order,
    "I2 once": once,
    "I3 nothing lost": nothing_lost,
    "I4 convergence": convergence,
    "I5 only what was allowed": only_allowed,
    "I6 one truth": one_truth,
    "I7 no leak": no_leak,
}
