"""What every tool offers: the same handful of steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bot.runner.failure import RunnerError
from bot.runner.plan import Plan
from bot.runner.spec import Json
from bot.runner.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Output:
    """A named value that downstream environments may read."""

    value: Json
    sensitive: bool = False


def fits_as_name(name: str) -> bool:
    """Whether an output may be called that: printable text that every database can hold."""
    return 0 < len(name) <= 255 and name.isprintable()


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
