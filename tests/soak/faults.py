"""The faults of a run, by the numbers of docs/reliability.md: which there are, how often, when. Pure; `causing` causes them."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One fault: what happens, and how often it is drawn beside others; `only` names the database that can have it."""

    number: int
    title: str
    weight: float = 1.0
    only: str = ""


@dataclass(frozen=True)
class Fault:
    """One fault of one run: after which step it begins, how many seconds later, for how many seconds."""

    number: int
    after: int
    delay: float
    seconds: float
    choice: int = 0  # what else is to be chosen


KINDS = {
    one.number: one
    for one in (
        Kind(1, "kill -9 of the web process", 2),
        Kind(2, "kill -9 of a worker", 2),
        Kind(3, "kill -9 of a runner, its tool goes on", 2),
        Kind(4, "kill -9 of the tool itself", 1.5),
        Kind(5, "SIGTERM with work in hand, then a restart", 1.5),
        Kind(6, "all processes killed at once", 1.5),
        Kind(8, "a process paused, then going on", 1.5),
        Kind(9, "a full disk: no file can be made longer, PostgreSQL refuses to write"),
        Kind(10, "the database locked for seconds", only="sqlite"),
        Kind(11, "PostgreSQL goes away, or is killed and started anew, in mid-transaction", 3, only="postgresql"),
        Kind(12, "the line to PostgreSQL cut between COMMIT and its answer", 2, only="postgresql"),
        Kind(13, "transactions that PostgreSQL gives up, as in a deadlock", 1.5, only="postgresql"),
        Kind(14, "half a page at the end of SQLite's log, after a power cut", only="sqlite"),
        Kind(16, "GitHub answers 502 and 503 for a while", 1.5),
        Kind(17, "GitHub answers 403 with Retry-After, 429", 1.5),
        Kind(19, "an answer lost after its effect, or one that never comes", 2),
        Kind(18, "GitHub's hourly limit used up"),
        Kind(20, "GitHub's answers drip, also for longer than anybody waits"),
        Kind(21, "a token that expires within a call"),
        Kind(22, "the App suspended, or without a permission, then allowed again"),
        Kind(24, "what was just made is not listed yet", 1.5),
        Kind(25, "a webhook lost", 1.5),
        Kind(26, "a webhook doubled, with the same id", 1.5),
        Kind(27, "a webhook sent again after it failed"),
        Kind(28, "webhooks out of order", 1.5),
        Kind(29, "webhooks very late"),
        Kind(30, "a burst of webhooks"),
        Kind(31, "a webhook that is too large to be sent"),
        Kind(32, "a run that never starts, or never comes to be"),
        Kind(33, "a job's machine lost", 1.5),
        Kind(34, "a run cancelled, or run again, by hand"),
        Kind(35, "the line from a job to the bot cut for a while"),
        Kind(36, "the generated workflow disabled, altered or missing"),
        Kind(37, "half of a matrix has to wait for a machine"),
        Kind(38, "a branch begun anew by force, or deleted"),
        Kind(39, "the workflow file changed under a running deployment: a name, an alias, an environment", 0.7),
        Kind(40, "who commanded loses the permission, or a review is dismissed"),
        Kind(41, "a machine's clock wrong by an hour or five minutes, or stepping by that"),
        Kind(42, "forged signatures and identities", 0.7),
        Kind(43, "titles, branches and comments that want to be run", 0.7),
        Kind(44, "a YAML bomb, a cycle through thousands", 0.7),
        Kind(45, "a runner that lies", 0.7),
        Kind(108, "a runner paused, then going on"),
    )
}


def label(number: int) -> int:
    """The number by which the page calls it: 108 is another form of 8."""
    return number % 100


OF_JOBS = frozenset({3, 4, 33, 34, 35, 37, 108})
"""Faults that need a job at work: they follow what sets jobs to work."""


AT_COMMIT = 12
"""The fault that needs a line of its own to PostgreSQL."""


def restarts(fault: Fault) -> bool:
    """Whether it restarts PostgreSQL, which nobody else may use then."""
    return fault.number == 11 and fault.choice % 2 == 1


def drawn(
    chance: random.Random, steps: int, busy: Sequence[int], database: str, among: Collection[int] = ()
) -> tuple[Fault, ...]:
    """Some faults for a run of so many steps, in the order of their beginning.

    `busy` are the steps that set jobs to work. `among`: the numbers of those to choose from, where not all are meant.
    """
    kinds = [one for one in KINDS.values() if one.only in ("", database) and (not among or one.number in among)]
    count = chance.choice((3, 4, 5, 6, 7))
    chosen: list[Kind] = []
    while kinds and len(chosen) < count:
        (one,) = chance.choices(kinds, [each.weight for each in kinds])
        chosen.append(one)
    found = [
        Fault(
            one.number, chance.choice(busy) if busy and one.number in OF_JOBS else chance.randrange(steps),
            round(chance.uniform(0.0, 0.8), 2), round(chance.uniform(0.3, 1.5), 2), chance.randrange(1 << 16),
        )
        for one in chosen
    ]  # fmt: skip
    return in_order(found)


def in_order(found: Iterable[Fault]) -> tuple[Fault, ...]:
    """Faults in the order of their beginning."""
    return tuple(sorted(found, key=lambda one: (one.after, one.delay, one.number)))
