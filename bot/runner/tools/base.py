"""What every tool offers: the same handful of steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from bot.runner.failure import RunnerError
from bot.runner.plan import Plan
from bot.runner.spec import Json
from bot.runner.workplace import Workplace

DEEPEST = 100
"""How deep the value of an output may be nested: whoever reads it later may have less room than whoever made it."""


@dataclass(frozen=True, slots=True)
class Output:
    """A named value that downstream environments may read."""

    value: Json
    sensitive: bool = False


def fits_as_name(name: str) -> bool:
    """Whether an output may be called that: printable text that every database can hold."""
    return 0 < len(name) <= 255 and name.isprintable()


def fits_as_value(value: object) -> bool:
    """Whether an output may be that: JSON that is nested no deeper than DEEPEST, and has no NaN or infinity."""
    layer, depth = [value], 0
    while layer and depth <= DEEPEST:
        if not all(isfinite(one) for one in layer if isinstance(one, float)):
            return False
        inner = (one.values() if isinstance(one, dict) else one for one in layer if isinstance(one, dict | list))
        layer, depth = [each for one in inner for each in one], depth + 1
    return not layer


class Tool(ABC):
    """One tool at one environment; the steps are called in this order, each at most once."""

    kind: ClassVar[str]

    def __init__(self, place: Workplace) -> None:
        self.place = place

    def prepare(self) -> None:  # noqa: B027  (most tools need nothing)
        """Make everything ready that a plan needs."""

    @abstractmethod
    def plan(self) -> Plan:
        """What `apply` would do; changes nothing."""

    @abstractmethod
    def apply(self) -> None:
        """Do what was planned: deploy, or destroy where the attempt is about that."""

    def unlock(self, lock: str) -> None:  # noqa: ARG002  (what others need for it)
        """Free the lock with this id on the state, and no other."""
        raise RunnerError(f"{self.kind} has no state whose lock could be freed.")

    @abstractmethod
    def outputs(self) -> Mapping[str, Output]:
        """The outputs as they are now."""
