"""What every executor offers: the few things that a driver asks of it. Another CI is one more module beside `local`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from bot.decide.facts import Stop
from planner.definition import Json

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Life(StrEnum):
    """What is left of an attempt: its runner, only the tool that it started, nothing; or it cannot be told."""

    RUNNER = "runner"
    TOOL = "tool"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Seen:
    """What an attempt shows now. Cheap to look at.

    `held`: others decide whether it may begin, and take what time they need; `refused`: they said no.
    """

    claimed: bool = False
    revoked: bool = False
    beat: int | None = None
    reported: bool = False
    held: bool = False
    refused: bool = False


class Executor(Protocol):
    """Starts attempts and looks at what becomes of them. All but `offer` and `start` may be called again and again."""

    def offer(self, connection: Connection, attempt: str, spec: dict[str, Json]) -> None:
        """Write down what a runner is to find, in the transaction that writes the attempt down."""

    def start(self, attempt: str, spec: dict[str, Json]) -> str | None:
        """Start a runner, once that transaction is kept. None, or what failed."""

    def look(self, attempts: Sequence[str]) -> dict[str, Seen]:
        """What these attempts show now."""

    def report(self, attempt: str, seal_key: bytes) -> dict[str, Any] | None:
        """What the runner reported, its sensitive outputs opened."""

    def look_up(self, attempt: str) -> Life:
        """Who still lives of a claimed attempt."""

    def revoke(self, attempt: str) -> None:
        """Let no runner claim the attempt any more, unless one was faster; `look` tells which it was."""

    def halt(self, attempt: str, how: Stop) -> None:
        """Ask a claimed attempt to end."""

    def settle(self, connection: Connection, attempt: str, sensitive: Sequence[Json]) -> None:
        """Tidy up after an attempt that has ended; its log must not show what is sensitive.

        Called in the transaction that writes the end down, just before that is kept.
        """

    def said(self, attempt: str) -> str:
        """What a runner said that could not even start."""
