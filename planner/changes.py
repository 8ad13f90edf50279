"""What is changed between two commits, or since each environment was last deployed, and what lies downstream of it.

Pure: snapshots and changed paths in, affected environments with their reasons out. Same input, same bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from planner.indexing.inputs import ChangedPath, Touch
from planner.indexing.matching import Matching, matched
from planner.indexing.snapshot import EnvironmentFacts, Identity, Snapshot, WorkflowFacts
from planner.problems import PlannerError

MOST_REASONS = 50  # of one code for one environment; the last then says how many more there are


class ReasonCode(StrEnum):
    """Why an environment is affected; the order is that in which reasons are told."""

    NEW = "new"
    MOVED = "moved"
    NEVER_DEPLOYED = "never-deployed"
    UNFINISHED = "unfinished"
    DEFINITION_CHANGED = "definition-changed"
    VARIABLE_CHANGED = "variable-changed"
    REVISION_MOVED = "revision-moved"
    FILE_CHANGED = "file-changed"
    SOURCE_CHANGED = "source-changed"
    WATCH_MATCHED = "watch-matched"
    UPSTREAM_MOVED = "upstream-moved"
    UPSTREAM_AFFECTED = "upstream-affected"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an environment is affected: a code for programs, and what exactly, for people."""

    code: ReasonCode
    detail: str


@dataclass(frozen=True, slots=True)
class AffectedEnvironment:
    """An environment and whether a change concerns it. `wave` is its place in the whole graph, from 0."""

    alias: str
    slug: str
    path: str
    changed: bool
    affected: bool
    wave: int
    needs: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class RemovedEnvironment:
    """An environment that its file no longer has, and that moved nowhere."""

    alias: str
    path: str


@dataclass(frozen=True, slots=True)
class AffectedWorkflow:
    """A workflow's affected environments, in dependency order, and those taken out of it, in file order."""

    file: str
    name: str
    environments: tuple[AffectedEnvironment, ...]
    removed: tuple[RemovedEnvironment, ...]


@dataclass(frozen=True, slots=True)
class DeployedFacts:
    """What the store knows of one environment's last success, under the identity that it then had.

    `commit` is the event's commit (None: never deployed), `source_commit` that of its code where it is pinned to a
    revision or lies in another repository. `unfinished`: its last deploy failed, was lost, or was cancelled after it
    had started. `upstream_moved`: the aliases of upstreams that have deployed with changes since.
    """

    file: str
    alias: str
    commit: str | None
    path: str = ""
    source_commit: str | None = None
    unfinished: bool = False
    upstream_moved: tuple[str, ...] = ()

    @property
    def identity(self) -> Identity:
        """What the environment is known by."""
        return self.file, self.alias.casefold()


class Base(NamedTuple):
    """A commit to compare with: what was known of it, and the paths that differ from it to the head."""

    snapshot: Snapshot
    changed: Sequence[ChangedPath]


def affected(base: Base, head: Snapshot, *, everything: bool = False) -> tuple[AffectedWorkflow, ...]:
    """The affected environments by workflow; `everything` lists the unaffected ones as well.

    An environment that is read at a revision of its own, or in another repository, is not changed by the files of
    this commit, but by its definition and variables. A disabled one is never changed; the order passes through it.
    """
    match = matched(base.snapshot, head)
    removed = [(number, base.snapshot) for number in match.removed]
    return _told(head, _own_reasons(base, head, match), removed, everything=everything)


def affected_since(
    head: Snapshot,
    deployed: Iterable[DeployedFacts],
    bases: Mapping[str, Base],
    sources: Mapping[tuple[str, str], str] | None = None,
    *,
    everything: bool = False,
) -> tuple[AffectedWorkflow, ...]:
    """The same, each environment against the commit that it was last deployed at (never `HEAD^`).

    `bases` holds every commit that `deployed` names; `sources` the commits that pinned environments now come to, by
    (repository or "", revision or ""). An environment that is pinned is changed when that commit moved at all.
    Raises PlannerError for a commit that is not in `bases`.
    """
    records = {one.identity: one for one in deployed}
    compared = {
        commit: (base.snapshot, matched(base.snapshot, head)) for commit, base in _needed_bases(records, bases).items()
    }
    owners, gone = _owners(head, records, compared)
    reasons = {commit: _own_reasons(bases[commit], head, match) for commit, (_, match) in compared.items()}
    found: dict[int, list[Reason]] = {}
    for number in range(len(head.records)):
        facts = head.environment(number)
        if not facts.disabled:
            own = _since(facts, number, owners.get(number), reasons, sources or {})
            if own:
                found[number] = own
    return _told(head, found, gone, everything=everything)


def _needed_bases(records: Mapping[Identity, DeployedFacts], bases: Mapping[str, Base]) -> dict[str, Base]:
    found: dict[str, Base] = {}
    for one in records.values():
        if one.commit is None or one.commit in found:
            continue
        if one.commit not in bases:
            raise PlannerError(
                f"{one.alias!r} was last deployed at {one.commit[:12]}, which is not in this repository: "
                "run `git fetch` (a shallow clone: `git fetch --unshallow`)"
            )
        found[one.commit] = bases[one.commit]
    return found


def _owners(
    head: Snapshot, records: Mapping[Identity, DeployedFacts], compared: Mapping[str, tuple[Snapshot, Matching]]
) -> tuple[dict[int, DeployedFacts], list[tuple[int, Snapshot]]]:
    """Whose record each environment continues, and what was deployed and is in no file any more."""
    owners = {head.numbers[identity]: one for identity, one in records.items() if identity in head.numbers}
    gone: list[tuple[int, Snapshot]] = []
    for identity, one in sorted(records.items()):
        if one.commit is None or identity in head.numbers:
            continue
        snapshot, match = compared[one.commit]
        then = snapshot.numbers.get(identity)
        now = None if then is None else match.successors.get(then)
        if now is not None and (now not in owners or owners[now].commit is None):
            owners[now] = one
        elif then is not None:
            gone.append((then, snapshot))
    return owners, gone


def _since(
    facts: EnvironmentFacts,
    number: int,
    last: DeployedFacts | None,
    reasons: Mapping[str, Mapping[int, list[Reason]]],
    sources: Mapping[tuple[str, str], str],
) -> list[Reason]:
    own: list[Reason] = []
    if last is None or last.commit is None:
        own.append(Reason(ReasonCode.NEVER_DEPLOYED, "it was never deployed"))
    else:
        own += reasons[last.commit].get(number, ())
        now = sources.get(facts.pinned) if facts.pinned else None
        if now is not None and now != last.source_commit:
            was = last.source_commit[:12] if last.source_commit else "unknown"
            own.append(Reason(ReasonCode.REVISION_MOVED, f"{_pinned(facts)} is {now[:12]}, was {was}"))
    if last is not None and last.unfinished:
        own.append(Reason(ReasonCode.UNFINISHED, "its last deploy did not finish"))
    if last is not None and last.commit is not None:
        own += [Reason(ReasonCode.UPSTREAM_MOVED, alias) for alias in last.upstream_moved]
    return own


def _pinned(facts: EnvironmentFacts) -> str:
    return " ".join(part for part in facts.pinned or () if part) or "its repository"


def _own_reasons(base: Base, head: Snapshot, match: Matching) -> dict[int, list[Reason]]:
    """Why each environment is changed itself; what is disabled or unchanged is left out."""
    found: dict[int, list[Reason]] = {}
    touched = head.inputs.touched(base.changed)
    for then, paths in base.snapshot.inputs.touched(base.changed).items():
        now = match.successors.get(then)
        if now is not None:
            both = touched.setdefault(now, {})
            for path, touch in paths.items():
                both[path] = min(touch, both.get(path, touch))
    for number in sorted(match.new | match.differing.keys() | touched.keys()):
        facts = head.environment(number)
        if facts.disabled:
            continue
        if number in match.new:
            found[number] = [Reason(ReasonCode.NEW, f"it is new in {printable(facts.file)}")]
            continue
        own: list[Reason] = []
        if number in match.differing:
            own += _differences(base.snapshot.environment(match.differing[number]), facts, number in match.moved)
        if facts.pinned is None:
            own += _touch_reasons(touched.get(number, {}))
        if own:
            found[number] = own
    return found


def _touch_reasons(paths: Mapping[str, Touch]) -> list[Reason]:
    codes = {
        Touch.OWN: ReasonCode.FILE_CHANGED,
        Touch.ELSEWHERE: ReasonCode.SOURCE_CHANGED,
        Touch.WATCH: ReasonCode.WATCH_MATCHED,
    }
    return [Reason(codes[touch], printable(path)) for path, touch in sorted(paths.items())]


def _differences(then: EnvironmentFacts, now: EnvironmentFacts, moved: bool) -> Iterator[Reason]:  # noqa: FBT001
    if moved:
        there = then.alias if then.file == now.file else f"{then.alias} in {printable(then.file)}"
        yield Reason(ReasonCode.MOVED, f"from {there}")
    if then.disabled and not now.disabled:
        yield Reason(ReasonCode.DEFINITION_CHANGED, "it is no longer disabled")
    before, after = dict(then.definition), dict(now.definition)
    for what in sorted(before.keys() | after.keys()):
        if before.get(what) != after.get(what):
            yield Reason(ReasonCode.DEFINITION_CHANGED, _difference(what, before.get(what), after.get(what)))
    before, after = dict(then.variables), dict(now.variables)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield Reason(ReasonCode.VARIABLE_CHANGED, name)


def _difference(what: str, before: str | None, after: str | None) -> str:
    if what == "steps":
        return "its steps differ"
    if after is None:
        return f"{what} is no longer {before}"
    return f"{what} is {after}" + ("" if before is None else f", was {before}")


def _told(
    head: Snapshot,
    own: Mapping[int, list[Reason]],
    removed: Sequence[tuple[int, Snapshot]],
    *,
    everything: bool,
) -> tuple[AffectedWorkflow, ...]:
    """The answer: own reasons carried downstream, ordered, by workflow."""
    upstreams = _carried(head, own)
    reached = sorted(range(len(head.records)) if everything else upstreams.keys() | own.keys())
    by_file: dict[str, list[RemovedEnvironment]] = {}
    names: dict[str, str] = {}
    for number, snapshot in removed:
        facts = snapshot.environment(number)
        by_file.setdefault(facts.file, []).append(RemovedEnvironment(facts.alias, facts.path))
        names[facts.file] = _workflow_name(snapshot, facts.file)
    found: dict[str, AffectedWorkflow] = {}
    for workflow, numbers in _by_workflow(head, reached, everything=everything):
        told = tuple(_environment(head, number, own.get(number), upstreams.get(number, ())) for number in numbers)
        shown = tuple(one for one in told if everything or one.affected)
        if shown or everything:
            found[workflow.file] = AffectedWorkflow(
                workflow.file, workflow.name, shown, tuple(by_file.pop(workflow.file, ()))
            )
    if by_file:
        names |= {workflow.file: workflow.name for workflow in head.workflows if workflow.file in by_file}
    for file, gone in by_file.items():
        found[file] = AffectedWorkflow(file, names[file], (), tuple(gone))
    return tuple(found[file] for file in sorted(found))


def _workflow_name(snapshot: Snapshot, file: str) -> str:
    return next(workflow.name for workflow in snapshot.workflows if workflow.file == file)


def _by_workflow(
    head: Snapshot, reached: Sequence[int], *, everything: bool
) -> Iterator[tuple[WorkflowFacts, list[int]]]:
    """The workflows that hold any of these environments (or all), each with its own, in dependency order."""
    by_workflow: dict[int, list[int]] = {place: [] for place in range(len(head.workflows))} if everything else {}
    for number in reached:
        place = bisect_right(head.workflows, number, key=attrgetter("end"))
        by_workflow.setdefault(place, []).append(number)
    for place, numbers in by_workflow.items():
        yield head.workflows[place], sorted(numbers, key=lambda number: (head.waves[number], number))


def _carried(head: Snapshot, own: Mapping[int, list[Reason]]) -> dict[int, tuple[int, ...]]:
    """Everything downstream of what is changed: by which nearest upstreams it is affected."""
    reached = set(own)
    waiting = list(own)
    while waiting:
        for user in head.downstream[waiting.pop()]:
            if user not in reached:
                reached.add(user)
                waiting.append(user)
    through: dict[int, set[int]] = {}
    for number in sorted(reached, key=lambda one: (head.waves[one], one)):
        users = head.downstream[number]
        if users:
            passed = through.get(number, set()) if _disabled(head, number) else {number}
            for user in users:
                through.setdefault(user, set()).update(passed)
    return {number: tuple(sorted(ones)) for number, ones in through.items()}


def _disabled(head: Snapshot, number: int) -> bool:
    return head.environment(number).disabled


def _environment(
    head: Snapshot, number: int, own: list[Reason] | None, upstreams: tuple[int, ...]
) -> AffectedEnvironment:
    facts = head.environment(number)
    reasons = list(own or ())
    if not own and not facts.disabled:
        reasons = [Reason(ReasonCode.UPSTREAM_AFFECTED, head.environment(one).alias) for one in upstreams]
    return AffectedEnvironment(
        facts.alias,
        facts.slug,
        facts.path,
        bool(own),
        bool(reasons),
        head.waves[number],
        facts.needs,
        tuple(_shortened(reasons)),
    )


_ORDER = {code: place for place, code in enumerate(ReasonCode)}


def _shortened(reasons: Iterable[Reason]) -> Iterator[Reason]:
    """Sorted, each once, at most MOST_REASONS of a code."""
    by_code: dict[ReasonCode, list[Reason]] = {}
    for one in dict.fromkeys(reasons):
        by_code.setdefault(one.code, []).append(one)
    for code in sorted(by_code, key=_ORDER.__getitem__):
        those = sorted(by_code[code], key=lambda one: one.detail)
        if len(those) <= MOST_REASONS:
            yield from those
        else:
            yield from those[: MOST_REASONS - 1]
            yield Reason(code, f"and {len(those) - MOST_REASONS + 1} more")


def printable(path: str) -> str:
    """A path as text that every terminal and encoding takes; odd bytes as `\\xff`."""
    if path.isprintable():
        return path
    return "".join(
        one if one.isprintable() else "".join(f"\\x{byte:02x}" for byte in one.encode("utf-8", "surrogateescape"))
        for one in path
    )
