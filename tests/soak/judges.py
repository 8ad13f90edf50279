"""The seven invariants, each a pure function from what a run left behind to what is wrong with it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from tests.soak.records import TAKEN_OUT, Deed, Records, Task
from tests.soak.story import ALSO
from tests.soak.tools import Span, spans

MAY_DEPLOY = frozenset({"write", "maintain", "admin"})
_ENDED = frozenset({"succeeded", "failed", "timed out", "cancelled", "blocked", "skipped"})
_SETTLED = frozenset({"done", "refused", "asked"})  # asked: people are, and a comment says so


def order(records: Records) -> Iterator[str]:
    """I1: no deploy starts before each upstream has succeeded, no destroy before all that needs it is destroyed."""
    there: dict[str, str] = {}
    applied: set[tuple[str, str]] = set()
    at_work: dict[str, Span] = {}
    ends = {one.end: one for one in _changing(records) if one.end is not None}
    starts = {one.start: one for one in _changing(records)}
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
            yield f"{_named(span)} began before {upstream} was there"
        elif busy is not None and busy.text == wanted and (upstream, wanted) not in applied:
            yield f"{_named(span)} began while {upstream} was being deployed"
        elif wanted != base.get(upstream) and (upstream, wanted) not in applied and not undeployed:
            yield f"{_named(span)} began before {upstream} was {wanted}"


def _restored(records: Records, span: Span) -> bool:
    """Whether it was asked for, and not merged: what was merged beside it may wait for an approval."""
    number = records.attempts_of_jobs.get(span.job, "").partition("-")[0]
    return any(str(one.id) == number and not one.continuous for one in records.deployments)


def _above(span: Span, records: Records, there: dict[str, str], at_work: dict[str, Span]) -> Iterator[str]:
    for name, needs in records.needs.items():
        if span.environment in needs and (name in there or name in at_work):
            yield f"{_named(span)} began while {name} was there, which needs it"


def once(records: Records) -> Iterator[str]:
    """I2: an attempt runs once, and nothing is ever done to one environment twice at the same time."""
    by_environment: dict[str, list[Span]] = defaultdict(list)
    for one in _changing(records):
        by_environment[one.environment].append(one)
    for found in by_environment.values():
        for earlier, later in pairwise(found):
            if earlier.end is None or earlier.end > later.start:
                yield f"{_named(later)} began before {_named(earlier)} had ended"
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
    if records.continuous and not records.final:
        yield from _merged(records)


def _merged(records: Records) -> Iterator[str]:
    """What was merged is there, or somebody is told why it is not."""
    texts = records.texts[records.main[-1]]
    locked = {name for name, _ in records.locks} | _forgotten(records)
    applied = {one.environment for one in _changing(records)}
    for name, text in texts.items():
        if records.state.get(name) == text or name in locked or name not in applied:
            continue
        tasks = [one for one in records.tasks if one.environment == name and _text(records, one) == text]
        if not any(one.state != "succeeded" for one in tasks):
            yield f"{name} is {records.state.get(name)}; {text} was merged, and nothing says why it is not deployed"


def _forgotten(records: Records) -> set[str]:
    """What left the workflow file, and is new where it came back: nobody had read a plan of it since."""
    return {one.who for one in records.deeds if one.kind == TAKEN_OUT}


_ASKS = ("/deploy", "/destroy", "/approve", "/retry", "/restore", "/adopt")


def only_allowed(records: Records) -> Iterator[str]:
    """I5: each deploy ran at a commit that somebody who might had asked for before, of a plan that they could have read.

    So were the reviews and the approvals that it takes. What reads outputs of others may come out differently, unread.
    """
    main = set(records.main)
    for one in _changing(records):
        before = [deed for deed in records.deeds if deed.after <= one.start and _might(records, deed, one)]
        unapproved = one.step == "apply" and one.environment in records.asking and not _approved(records, before, one)
        if one.commit not in main:
            said = [deed for deed in before if deed.kind == "say" and deed.head == one.commit]
            asked = [deed for deed in said if deed.text.startswith(_ASKS)]
            if not asked:
                yield f"{_named(one)} ran at {one.commit[:7]}, which nobody who may had asked for"
            elif (
                one.step == "apply"
                and not records.needs[one.environment]
                and not any(_read(deed, one) for deed in asked)
            ):
                yield f"{_named(one)} ran, which nobody could read who asked for it"
            elif _powerless(records, {deed.who for deed in asked}, one):
                yield f"{_named(one)} was begun after all who had asked for it might not any more"
            elif records.approvals and not _reviewed(records, before, one.commit):
                yield f"{_named(one)} ran at {one.commit[:7]} without a review of it"
        if unapproved:
            yield f"{_named(one)} ran without an approval"


def _read(deed: Deed, span: Span) -> bool:
    """Whether a plan had been shown of what a deploy made."""
    return any(line.split()[-1:] == [span.text] and f" {span.environment}: " in line for line in deed.read.splitlines())


def _powerless(records: Records, who: set[str], span: Span) -> bool:
    """Whether what a deploy waited for last ended, and it began, while none of them might deploy, as was known by then."""
    above = [
        one.end
        for one in spans(records.log)
        if one.environment in records.needs[span.environment] and one.commit == span.commit and one.step == "apply"
    ]
    ended = max((end for end in above if end is not None and end < span.start), default=None)
    if ended is None:
        return False

    def might(login: str) -> bool:
        told = [
            deed.kind for deed in records.deeds if deed.who == login and deed.kind in _POWER and deed.after <= ended
        ]
        again = [deed for deed in records.deeds if deed.who == login and deed.kind == "regained"]
        return told[-1:] != ["lost"] or any(ended < deed.after <= span.start for deed in again)

    return not any(might(login) for login in who)


_POWER = ("lost", "regained")


def _might(records: Records, deed: Deed, span: Span) -> bool:
    """Whether who did it might then, or got the power before this began: GitHub tells what somebody may now."""
    later = [each for each in records.deeds if each.at >= deed.at and each.after <= span.start]
    given = {f"{deed.who} {role}" for role in MAY_DEPLOY}
    return any(
        (each.who == deed.who and each.role in MAY_DEPLOY) or (each.kind == "permit" and each.text in given)
        for each in later
    )


def _reviewed(records: Records, before: Sequence[Deed], commit: str) -> bool:
    authors = {one.number: one.author for one in records.pulls}
    return any(one.kind == "review" and one.head == commit and one.who != authors.get(one.pull) for one in before)


def _approved(records: Records, before: Sequence[Deed], span: Span) -> bool:
    """Whether somebody else who may had written `/approve ENVIRONMENT`."""
    authors = {one.number: one.author for one in records.pulls}
    return any(
        one.kind == "say" and one.text.split()[:1] == ["/approve"]
        and {span.environment, span.environment + ALSO} & set(one.text.split())
        and one.who != authors.get(one.pull)
        for one in before
    )  # fmt: skip


def one_truth(records: Records) -> Iterator[str]:
    """I6: what people see says what the store says; no environment has two owners, no lock is left behind."""
    yield from _owners(records)
    pulls = {one.number: one for one in records.pulls}
    for name, number in records.locks:
        if number not in pulls or pulls[number].state == "merged":
            yield f"{name} is locked by #{number}, which was merged"
    if records.final and records.locks:
        yield f"locks are left: {list(records.locks)}"
    if records.left:
        return  # nothing has come to rest that could be compared
    often = Counter(one.body.partition("\n")[0] for one in records.remarks if one.bot)
    for marker, times in often.items():
        if times > 1:
            yield f"{times} comments are {marker}"
    for one in records.pulls:
        plans = [each for each in records.remarks if each.bot and each.pull == one.number and _is_plan(each.body)]
        if one.state == "open" and _touches(records, one.head) and not any(one.head[:7] in each.body for each in plans):
            yield f"#{one.number} has no plan comment of its head {one.head[:7]}"
    begun = {one.id for one in records.deployments if one.action != "plan"}
    for command in records.commands:
        if command.state in ("refused", "asked") and begun & set(command.deployments):
            yield f"/{command.verb} on #{command.pull} is {command.state}, though it has begun"
    busy = any(one.state in ("queued", "running") and not one.waits for one in records.deployments)
    asked = {f"<!-- headwater deployment c{one.id} -->" for one in records.commands if one.verb in _OF_THEN}
    for remark in records.remarks:
        then = remark.body.partition("\n")[0] in asked
        if remark.bot and "◐" in remark.body and not busy and not then:
            yield f"a comment on #{remark.pull} says that something goes on: {remark.body[:200]!r}"
        for number in re.findall(r"queued behind deployment (\d+)", remark.body) if remark.bot and not then else ():
            if any(one.id == int(number) and one.state not in ("queued", "running") for one in records.deployments):
                yield f"a comment on #{remark.pull} says that it queues behind {number}, which has ended"
    for check in records.checks:
        if check.status != "completed" and not any(one.state in ("queued", "running") for one in records.deployments):
            yield f"check {check.name!r} of {check.head[:7]} is still {check.status}"
    yield from _said_of_tasks(records)
    yield from _concluded(records)


def _concluded(records: Records) -> Iterator[str]:
    """The check of a head's deploys has passed if, and only if, the newest of them did."""
    main = set(records.main)
    made = [one for one in records.deployments if not one.continuous and one.action in ("deploy", "destroy", "adopt")]
    newest = {(one.name, one.head): one for one in records.checks if one.name.startswith(_DEPLOYS)}
    for check in newest.values():
        pulls = {deed.pull for deed in records.deeds if deed.head == check.head}
        if check.status != "completed" or any(one.pull in pulls and one.commit in main for one in made):
            continue  # what is restored is told there as well
        deploys = [one for one in made if one.commit == check.head]
        good = bool(deploys) and max(deploys, key=lambda one: one.id).state == "succeeded"
        if good != (check.conclusion == "success"):
            yield f"check {check.name!r} of {check.head[:7]} is {check.conclusion}, and its deployments are {deploys}"


_DEPLOYS = "headwater deploy: "
_FREES = ("/unlock", "/restore", "/destroy")


def _owners(records: Records) -> Iterator[str]:
    """What one pull request deployed is its own until it is merged, or somebody frees it."""
    main, pulls = set(records.main), {one.head: one.pull for one in records.deeds if one.pull}
    owners: dict[str, tuple[int, int]] = {}  # environment -> pull request, and the line at which it began to deploy
    for one in _changing(records):
        pull = None if one.commit in main else pulls.get(one.commit)
        if pull is None and one.commit not in main:
            continue
        owner, since = owners.get(one.environment, (pull, 0))
        if owner != pull and not any(_frees(deed, owner, since) for deed in records.deeds if deed.after <= one.start):
            yield f"{_named(one)} ran for {_whose(pull)} while it belonged to {_whose(owner)}"
        if one.event == "end" and one.step == "apply" and pull is not None:
            owners[one.environment] = (pull, one.start)
        elif one.event == "end":
            owners.pop(one.environment, None)


def _frees(deed: Deed, owner: int | None, since: int) -> bool:
    """Whether it frees what its owner began to deploy at that line; a merge also what is deployed after it."""
    if deed.kind == "merge":
        return deed.pull == owner
    return deed.kind == "say" and deed.text.startswith(_FREES) and deed.after >= since


def _whose(pull: int | None) -> str:
    return "the default branch" if pull is None else f"#{pull}"


def _touches(records: Records, head: str) -> bool:
    """Whether a commit wants something else of an environment than where its branch began."""
    base = records.texts.get(records.bases.get(head, ""))
    return base is not None and records.texts.get(head) != base


def _is_plan(body: str) -> bool:
    return body.startswith("<!-- headwater plan")


_OF_THEN = frozenset({"status", "explain", "help"})
"""Commands whose answers say how things stood when somebody asked."""
_SIGNS = {"succeeded": "✓–", "failed": "✗", "timed out": "✗", "cancelled": "⊘", "blocked": "⊘", "needs approval": "!"}


def _said_of_tasks(records: Records) -> Iterator[str]:
    """Of each environment that a comment tells of, the newest task is told with its state."""
    tasks: dict[int, list[Task]] = defaultdict(list)
    for one in records.tasks:
        tasks[one.deployment].append(one)
    for comment, deployments in records.told.items():
        body = next((one.body for one in records.remarks if one.id == comment), None)
        if body is None:
            yield f"comment {comment} is not there"
            continue
        told = [each for deployment in sorted(deployments) for each in tasks[deployment]]
        newest = {one.environment: one for one in told if one.action in ("deploy", "destroy")}
        for task in newest.values():
            if task.state not in _SIGNS:
                continue
            alias = task.alias or task.environment
            rows = [line for line in body.splitlines() if line.startswith(f"| `{alias}` |")]
            if not any(sign in row for row in rows for sign in _SIGNS[task.state]):
                yield f"{task.environment} of deployment {task.deployment} is {task.state}, and {rows} is said"


def no_leak(records: Records) -> Iterator[str]:
    """I7: no secret is written anywhere."""
    for where, text in records.spoken.items():
        for what, secret in records.secrets.items():
            if secret in text:
                at = text.index(secret)
                yield f"{what} is in {where}: …{text[max(0, at - 80) : at]!r}"


def _changing(records: Records) -> list[Span]:
    return [one for one in spans(records.log) if one.step in ("apply", "destroy")]


def _named(span: Span) -> str:
    return f"the {span.step} of {span.environment} ({span.text}, job {span.job})"


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
