"""GitHub's rate limits: so many requests an hour, and so many that create content a minute."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

from tests.github.world.clock import Clock
from tests.github.world.refusal import Refusal

DOCUMENTATION = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"


@dataclass
class Window:
    """What one caller has used of its hour."""

    start: float
    used: int = 0


class Limits:
    """Counts calls by caller. Set `hourly`, `content_a_minute`, `content_an_hour`, `concurrent` to other numbers at will."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.hourly = 5000
        self.content_a_minute = 80
        self.content_an_hour = 500
        self.concurrent = 100
        self._windows: dict[str, Window] = {}
        self._content: dict[str, deque[float]] = defaultdict(deque)

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _window(self, caller: str) -> Window:
        window = self._windows.get(caller)
        if window is None or self._now() >= window.start + 3600:
            window = self._windows[caller] = Window(self._now())
        return window

    def use_up(self, caller: str) -> None:
        """Leave this caller without a request until its hour is over."""
        self._window(caller).used = self.hourly

    def leave(self, left: int) -> None:
        """Leave every installation so many requests until its hour is over."""
        for caller, window in self._windows.items():
            if caller.startswith("installation"):
                window.used = self.hourly - left

    def renew(self) -> None:
        """Everybody's hour is over."""
        self._windows.clear()

    def headers(self, caller: str) -> dict[str, str]:
        """What every answer tells."""
        window = self._window(caller)
        return {
            "X-RateLimit-Limit": str(self.hourly),
            "X-RateLimit-Remaining": str(max(0, self.hourly - window.used)),
            "X-RateLimit-Used": str(window.used),
            "X-RateLimit-Reset": str(int(window.start + 3600)),
            "X-RateLimit-Resource": "core",
        }

    def count(self, caller: str, *, free: bool = False) -> None:
        """Count one request (`free`: an answer 304). Raises Refusal 403 when the hour's are used up."""
        window = self._window(caller)
        if window.used >= self.hourly:
            raise Refusal(403, f"API rate limit exceeded for {caller}.", headers=self.headers(caller))
        if not free:
            window.used += 1

    def give_back(self, caller: str) -> None:
        """An answer 304 costs nothing."""
        self._window(caller).used -= 1

    def create(self, caller: str) -> None:
        """Count one request that creates content. Raises Refusal 403 with Retry-After."""
        times, now = self._content[caller], self._now()
        while times and times[0] <= now - 3600:
            times.popleft()
        recent = sum(time > now - 60 for time in times)
        if recent >= self.content_a_minute or len(times) >= self.content_an_hour:
            raise secondary(60)
        times.append(now)


def secondary(seconds: int) -> Refusal:
    """The secondary rate limit."""
    text = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return Refusal(403, text, headers={"Retry-After": str(seconds)})
