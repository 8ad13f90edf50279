"""What happens in one run: people, environments, their steps and the faults. From the seed alone; no clock, no chance.

A scenario is data: it can be written down, made shorter, and played again (`make soak SCENARIO=FILE`).
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tests.soak import faults
from tests.soak.faults import Fault

NAMES = ("network", "db", "queue", "api", "web", "jobs")
WRITERS = ("ada", "bob", "cleo")
ADMIN, READER = "olga", "eve"
ALSO = "-too"
"""How the other alias ends that an environment may have for a while."""


@dataclass(frozen=True)
class Step:
    """Something that somebody does. `wait`: seconds to let pass before; `calm`: until nothing goes on, if it ever does."""

    kind: str  # open, push, say, merge, close, direct, permit, review, break, made
    who: str = ""
    pull: int = 0  # counted in the scenario, from 1
    text: str = ""  # of a comment; a role; an environment to break
    wanted: Mapping[str, str] = field(default_factory=dict)  # environment -> the text it shall have
    wait: float = 0.0
    calm: bool = False


@dataclass(frozen=True)
class Scenario:
    """All of one run."""

    seed: int
    database: str  # sqlite or postgresql
    needs: Mapping[str, Sequence[str]]
    asking: Sequence[str]  # environments with requiresApproval
    approvals: int
    deploy_on_merge: bool
    slow: Mapping[str, float]  # environment, or plan-environment -> seconds that it takes
    steps: Sequence[Step]
    faults: Sequence[Fault]
    dies_at: int = 0
    """The server is killed at its n-th store commit, start of a process or call of GitHub, and started again; 0: never."""

    @property
    def downstream(self) -> Mapping[str, frozenset[str]]:
        """Environment -> all that need it, near or far."""
        found: dict[str, set[str]] = {name: set() for name in self.needs}
        for name in reversed(list(self.needs)):
            for upstream in self.needs[name]:
                found[upstream] |= {name} | found[name]
        return {name: frozenset(one) for name, one in found.items()}


def scenario(seed: int, database: str | None = None, among: Collection[int] = ()) -> Scenario:
    """The scenario of a seed; `among`: the numbers of the faults to choose from, where not all are meant."""
    kind = database or ("sqlite", "postgresql")[seed % 2]
    chance = random.Random(f"soak {seed}")
    needs = _graph(chance)
    approvals = 1 if chance.random() < 0.3 else 0
    asking = tuple(name for name in needs if chance.random() < 0.12)
    merges = chance.random() < 0.75
    slow = {name: round(chance.uniform(0.2, 0.9), 2) for name in needs if chance.random() < 0.6}
    steps = _steps(chance, needs, approvals)
    chosen = faults.drawn(chance, len(steps), _busy(steps), kind, among)
    return Scenario(seed, kind, needs, asking, approvals, merges, slow, steps, chosen)


def crowd(seed: int, pulls: int) -> Scenario:
    """So many pull requests at once, each of an environment of its own, on replicas that are killed all the time.

    What they deploy overlaps downstream, so that some wait for others, and go on when those are merged.
    """
    chance = random.Random(f"crowd {seed}")
    names = [f"env{number}" for number in range(pulls)]
    needs = {name: (names[place - 5],) if place >= 5 else () for place, name in enumerate(names)}
    writer = _Writer(chance, needs, 0)
    opened = [writer.open([name], calm=0.0) for name in names]
    for pull, author in opened:
        writer.add("say", author, pull, "/deploy", calm=0.0)
    for pull, author in opened:
        writer.add("merge", writer.other(author), pull, calm=0.5)
    kills = [
        Fault(chance.choice((1, 2, 2)), after, round(chance.uniform(0.0, 0.5), 2), 0.5, chance.randrange(1 << 16))
        for after in range(len(writer.steps))
    ]
    return Scenario(seed, "postgresql", needs, (), 0, True, {}, tuple(writer.steps), tuple(kills))


def _graph(chance: random.Random) -> dict[str, tuple[str, ...]]:
    """A small graph in an order that its needs allow; the first one has all others below it, near or far."""
    names = NAMES[: chance.choice((3, 3, 3, 4, 5))]
    found: dict[str, tuple[str, ...]] = {names[0]: ()}
    for name in names[1:]:
        before = list(found)
        found[name] = tuple(sorted(chance.sample(before, k=min(len(before), chance.choice((1, 1, 2))))))
    return found


class _Writer:
    """Writes steps; texts of environments are never said twice."""

    def __init__(self, chance: random.Random, needs: Mapping[str, Sequence[str]], approvals: int) -> None:
        self.chance, self.names, self.approvals = chance, list(needs), approvals
        self.steps: list[Step] = []
        self.pulls = 0
        self._texts = 0

    def text(self, name: str) -> str:
        self._texts += 1
        return f"{name}-{self._texts}"

    def add(self, kind: str, who: str = "", pull: int = 0, text: str = "", wanted: Mapping[str, str] | None = None,
            calm: float = 0.7) -> None:  # fmt: skip
        """`calm`: how likely people wait for the bot to be done before."""
        waits = self.chance.random() < calm
        wait = 0.0 if waits else round(self.chance.uniform(0.0, 0.5), 2)
        self.steps.append(Step(kind, who, pull, text, dict(wanted or {}), wait, waits))

    def open(self, names: Sequence[str], calm: float = 0.5) -> tuple[int, str]:
        self.pulls += 1
        author = self.chance.choice(WRITERS)
        self.add("open", author, self.pulls, wanted={name: self.text(name) for name in names}, calm=calm)
        return self.pulls, author

    def other(self, *than: str) -> str:
        return self.chance.choice([one for one in WRITERS if one not in than])


def _steps(chance: random.Random, needs: Mapping[str, Sequence[str]], approvals: int) -> tuple[Step, ...]:
    writer = _Writer(chance, needs, approvals)
    first, author = writer.open([writer.names[0]])
    _reviewed(writer, first, author)
    _deploys(writer, first, author)
    writer.add("merge", writer.other(author), first, calm=0.6)
    for _ in range(chance.choice((1, 1, 1, 2))):
        chance.choice(_PLAYS)(writer)
    return tuple(writer.steps)


def _reviewed(writer: _Writer, pull: int, author: str) -> None:
    if writer.approvals or writer.chance.random() < 0.1:
        writer.add("review", writer.other(author), pull, calm=0.2)


def _deploys(writer: _Writer, pull: int, author: str) -> None:
    writer.add("say", author, pull, "/deploy", calm=0.85)
    if writer.chance.random() < 0.25:
        writer.add("say", writer.other(author), pull, writer.chance.choice(("/deploy", "/status", "/retry")), calm=0.1)
    if writer.chance.random() < 0.6:
        writer.add("say", writer.other(author), pull, "/approve", calm=0.9)
    if writer.chance.random() < 0.35:
        writer.add("say", author, pull, "/retry", calm=0.9)


def _some(writer: _Writer) -> list[str]:
    return writer.chance.sample(writer.names, k=writer.chance.choice((1, 1, 2)))


def _deploy_and_merge(writer: _Writer) -> None:
    pull, author = writer.open(_some(writer))
    if writer.chance.random() < 0.35:
        name = writer.chance.choice(writer.names)
        writer.add("push", author, pull, wanted={name: writer.text(name)}, calm=0.3)
    if writer.chance.random() < 0.3:
        writer.add("break", text=writer.chance.choice(writer.names), calm=0.0)
    _reviewed(writer, pull, author)
    _deploys(writer, pull, author)
    writer.add("merge", writer.other(author), pull, calm=0.8)


def _merge_alone(writer: _Writer) -> None:
    pull, author = writer.open(_some(writer))
    writer.add("merge", writer.other(author), pull, calm=0.8)


def _too_early(writer: _Writer) -> None:
    pull, author = writer.open(_some(writer))
    writer.add("say", author, pull, "/deploy", calm=0.0)
    writer.add("push", author, pull, wanted={name: writer.text(name) for name in _some(writer)}, calm=0.1)
    writer.add("say", author, pull, "/deploy", calm=0.6)
    writer.add("merge", writer.other(author), pull, calm=0.5)


def _abandoned(writer: _Writer) -> None:
    pull, author = writer.open(_some(writer))
    _deploys(writer, pull, author)
    writer.add("close", author, pull, calm=0.6)
    writer.add("say", author, pull, "/restore", calm=0.9)
    writer.add("say", writer.other(author), pull, "/approve", calm=0.95)


def _cancelled(writer: _Writer) -> None:
    pull, author = writer.open(_some(writer))
    writer.add("say", author, pull, "/deploy", calm=0.9)
    writer.add("say", writer.other(author), pull, "/cancel", calm=0.0)
    writer.add("say", author, pull, "/retry", calm=0.8)
    writer.add("merge", writer.other(author), pull, calm=0.7)


def _destroyed(writer: _Writer) -> None:
    pull, author = writer.open(_some(writer))
    _deploys(writer, pull, author)
    writer.add("say", author, pull, "/destroy --confirm soak", calm=0.8)
    writer.add("say", writer.other(author), pull, "/approve", calm=0.95)
    writer.add("say", author, pull, "/deploy", calm=0.8)
    writer.add("merge", writer.other(author), pull, calm=0.9)


def _by_strangers(writer: _Writer) -> None:
    pull, author = writer.open(_some(writer))
    writer.add("say", READER, pull, "/deploy", calm=0.7)
    loser = writer.other(author)
    writer.add("permit", ADMIN, text=f"{loser} read", calm=0.3)
    writer.add("say", loser, pull, "/deploy", calm=0.5)
    writer.add("say", loser, pull, "/approve", calm=0.8)
    writer.add("permit", ADMIN, text=f"{loser} write", calm=0.9)
    writer.add("merge", writer.other(author), pull, calm=0.5)


def _side_by_side(writer: _Writer) -> None:
    one, ada = writer.open(_some(writer))
    two, bob = writer.open(_some(writer), calm=0.2)
    writer.add("say", ada, one, "/deploy", calm=0.9)
    writer.add("say", bob, two, "/deploy", calm=0.1)
    writer.add("merge", writer.other(ada), one, calm=0.7)
    if writer.chance.random() < 0.4:
        writer.add("say", ADMIN, two, f"/unlock {writer.chance.choice(writer.names)}", calm=0.5)
    writer.add("say", bob, two, "/deploy", calm=0.8)
    writer.add("merge", writer.other(bob), two, calm=0.8)


def _directly(writer: _Writer) -> None:
    name = writer.chance.choice(writer.names)
    writer.add("direct", writer.chance.choice(WRITERS), wanted={name: writer.text(name)}, calm=0.5)
    _merge_alone(writer)


_PLAYS = (
    _deploy_and_merge, _deploy_and_merge, _deploy_and_merge, _merge_alone, _too_early, _abandoned, _cancelled,
    _destroyed, _by_strangers, _side_by_side, _directly,
)  # fmt: skip


# -- written down and read again


def written(found: Scenario) -> str:
    """As JSON."""
    return json.dumps(asdict(found), indent=1)


def read(text: str) -> Scenario:
    """What was written."""
    found: dict[str, Any] = json.loads(text)
    found["steps"] = tuple(Step(**one) for one in found["steps"])
    found["faults"] = tuple(Fault(**one) for one in found["faults"])
    found["needs"] = {name: tuple(needs) for name, needs in found["needs"].items()}
    found["asking"] = tuple(found["asking"])
    return Scenario(**found)


def first_pull(found: Scenario) -> Scenario:
    """The same story as far as its first pull request goes; what goes wrong later in it goes wrong within that."""
    steps = tuple(one for one in found.steps if one.pull == 1)
    busy = _busy(steps)
    moved = [
        replace(one, after=busy[one.after % len(busy)] if one.number in faults.OF_JOBS else one.after % len(steps))
        for one in found.faults
    ]
    return replace(found, steps=steps, faults=faults.in_order(moved))


def _busy(steps: Sequence[Step]) -> list[int]:
    """The steps that set jobs to work."""
    return [place for place, one in enumerate(steps) if one.kind == "merge" or one.text in ("/deploy", "/retry")]


def without_faults(found: Scenario) -> Scenario:
    """The same story in good weather."""
    return replace(found, faults=())
