"""Whether a database has forgotten what it once knew."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol, TypeVar

ACCEPTED = 202
"""What we answer to a webhook once it is stored, and nothing before us does."""


class Told(Protocol):
    """A webhook in GitHub's log."""

    @property
    def guid(self) -> str:
        """GitHub's id of it."""

    @property
    def delivered_at(self) -> str:
        """GitHub's time."""

    @property
    def status_code(self) -> int:
        """What it was answered."""


Some = TypeVar("Some", bound=Told)


def forgotten(told: Iterable[Some], known: Collection[str], heard_until: str) -> tuple[Some, ...]:
    """The webhooks that were stored, by our own answer to them, and are not there; those after `heard_until` alone.

    A webhook is stored before it is answered, and kept for longer than GitHub keeps its log: so a database without it
    is one of an earlier moment.
    """
    return tuple(
        one for one in told if one.status_code == ACCEPTED and one.guid not in known and one.delivered_at > heard_until
    )
