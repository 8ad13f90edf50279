"""The world's clock: real time, which a test may move on (tokens expire, limits renew)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time in UTC, plus what it was moved by."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The world's time."""
        return datetime.now(UTC) + self._ahead

    def move(self, seconds: float) -> None:
        """Move the clock on (or back, with a negative number)."""
        self._ahead += timedelta(seconds=seconds)


def stamp(time: datetime | None) -> str | None:
    """A time as GitHub writes it, in whole seconds."""
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
