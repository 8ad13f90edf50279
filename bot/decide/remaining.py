"""How long a deployment will still take, from what its environments took last time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leg:
    """One unfinished task: what it waits for, what it usually takes and for how long it has run, in seconds."""

    alias: str
    waits_for: tuple[str, ...]
    usual: float | None
    ran: float = 0.0


def remaining(legs: Sequence[Leg]) -> float | None:
    """The seconds on the longest path that is left; None where something on it was never timed.

    `legs` come in dependency order. What runs longer than usual is expected to end at once.
    """
    ends: dict[str, float] = {}
    for leg in legs:
        if leg.usual is None:
            return None
        begins = max((ends.get(upstream, 0.0) for upstream in leg.waits_for), default=0.0)
        ends[leg.alias] = begins + max(leg.usual - leg.ran, 0.0)
    return max(ends.values(), default=0.0)


def share_done(left: float, passed: float) -> float:
    """How much of the whole is done, from 0 to 1."""
    whole = left + passed
    return passed / whole if whole > 0 else 1.0
