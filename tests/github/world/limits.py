"""GitHub's rate limits: so many requests an hour, so many points a minute, and so many that create content."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

from tests.github.world.clock import Clock
from tests.github.world.refusal import Refusal

JOB = "GITHUB_TOKEN"
"""How the caller of a job's token is called: all jobs of a repository share one hour."""
DOCUMENTATION = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"


@dataclass
class Window:
    """What one caller has used of its hour."""

    start: float
    used: int = 0


class Limits:
    """Counts calls by caller; all numbers may be set to others at will.

    `job_hourly` is the hour of all jobs of a repository. A request that reads is one point, one that writes is five.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.hourly = 5000
        self.job_hourly = 1000
        self.points_a_minute = 900
        self.content_a_minute = 80
        self.content_an_hour = 500
        self.concurrent = 100
        self._windows: dict[str, Window] = {}
        self._content: dict[str, deque[float]] = defaultdict(deque)
        self._points: dict[str, deque[tuple[float, int]]] = defaultdict(deque)

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _window(self, caller: str) -> Window:
        window = self._windows.get(caller)
        if window is None or self._now() >= window.start + 3600:
            window = self._windows[caller] = Window(self._now())
        return window

    def _most(self, caller: str) -> int:
        return self.job_hourly if caller.startswith(JOB) else self.hourly

    def use_up(self, caller: str) -> None:
        """Leave this caller without a request until its hour is over."""
        self._window(caller).used = self._most(caller)

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
        window, most = self._window(caller), self._most(caller)
        return {
            "X-RateLimit-Limit": str(most),
            "X-RateLimit-Remaining": str(max(0, most - window.used)),
            "X-RateLimit-Used": str(window.used),
            "X-RateLimit-Reset": str(int(window.start + 3600)),
            "X-RateLimit-Resource": "core",
        }

    def count(self, caller: str, *, free: bool = False) -> None:
        """Count one request (`free`: an answer 304). Raises Refusal 403 when the hour's are used up."""
        window = self._window(caller)
        if window.used >= self._most(caller):
            raise Refusal(403, f"API rate limit exceeded for {caller}.", headers=self.headers(caller))
        if not free:
            window.used += 1

    def give_back(self, caller: str) -> None:
        """An answer 304 costs nothing."""
        self._window(caller).used -= 1

    def burst(self, caller: str, *, writes: bool) -> None:
        """Count the points of one request. Raises Refusal 403 with Retry-After when the minute's are used up."""
        points, now, cost = self._points[caller], self._now(), 5 if writes else 1
        while points and points[0][0] <= now - 60:
            points.popleft()
        if sum(each for _, each in points) + cost > self.points_a_minute:
            raise secondary(60)
        points.append((now, cost))

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
