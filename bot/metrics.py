"""What is measured, for Prometheus. Every label is of a closed set: how many series there are never grows with use.

What a process did is counted here; what the store holds (work, tasks) is read when the metrics are asked for, and is
the same from every replica.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import chain
from wsgiref.types import WSGIApplication

from prometheus_client import CollectorRegistry, Counter, Histogram, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.errors import HeadwaterError
from bot.github.limits import Numbers
from bot.store.measures import OTHER, WORK, Measured

EVENTS = frozenset(
    {
        "check_run", "check_suite", "delete", "installation", "installation_repositories", "installation_target",
        "issue_comment", "merge_group", "ping", "pull_request", "pull_request_review", "push", "repository",
        "workflow_job", "workflow_run",
    }
)  # fmt: skip
"""The events that are told apart; all others are one."""

OUTCOMES = frozenset({"done", "ignored", "failed"})
COMMENTS = frozenset({"plan", "command", "story", "off-main"})
RESULTS = frozenset({"done", "later", "failed"})
_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_LONG = (1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_FRESH_SECONDS = 5.0


class Metrics(Collector):
    """The counters of one process.

    `measure` reads the store, `numbers` tells of GitHub's limits; `beside` gives what another process counted that is
    not asked by itself.
    """

    def __init__(
        self,
        measure: Callable[[], Measured] | None = None,
        numbers: Callable[[], Iterable[Numbers]] | None = None,
        beside: Callable[[], Iterable[Metric]] | None = None,
    ) -> None:
        self.registry = CollectorRegistry()
        self._store = _Store(measure) if measure is not None else None
        self._beside = beside
        self._webhooks = Counter(
            "headwater_webhooks", "Webhooks that came.", ["event", "answer"], registry=self.registry
        )
        self._deliveries = Counter(
            "headwater_deliveries", "Webhooks that were worked on.", ["event", "outcome"], registry=self.registry
        )
        self._work = Histogram(
            "headwater_work_seconds", "Pieces of work.", ["kind", "result"], registry=self.registry, buckets=_SLOW
        )
        self._first_comments = Histogram(
            "headwater_first_comment_seconds", "From a webhook to the first comment that it led to.", ["kind"],
            registry=self.registry, buckets=_SLOW,
        )  # fmt: skip
        self._requests = Histogram(
            "headwater_http_request_seconds", "Requests by where they went.", ["route", "status"],
            registry=self.registry, buckets=_FAST,
        )  # fmt: skip
        self._tasks = Histogram(
            "headwater_task_seconds", "How long attempts at tasks took.", ["tool", "job", "result"],
            registry=self.registry, buckets=_LONG,
        )  # fmt: skip
        if numbers is not None:
            self.registry.register(_GitHub(numbers))

    def webhook(self, event: str, answer: str) -> None:
        """A webhook was answered: `kept`, `refused` or `failed`."""
        self._webhooks.labels(_among(event, EVENTS), answer).inc()

    def delivery(self, event: str, outcome: str) -> None:
        """A webhook was worked on: `done`, `ignored` or `failed`."""
        self._deliveries.labels(_among(event, EVENTS), _among(outcome, OUTCOMES)).inc()

    def worked(self, kind: str, result: str, seconds: float) -> None:
        """A piece of work took so long and is `done`, comes again `later`, or has `failed`."""
        self._work.labels(_among(kind, WORK), _among(result, RESULTS)).observe(seconds)

    def first_comment(self, kind: str, seconds: float) -> None:
        """A comment was posted that was never there, so long after the webhook that it follows from came."""
        self._first_comments.labels(_among(kind, COMMENTS)).observe(max(seconds, 0.0))

    def took(self, tool: str, job: str, result: str, seconds: float) -> None:
        """An attempt has ended: its runner told what it came to, and how long it took."""
        self._tasks.labels(tool, job, result).observe(seconds)

    def request(self, route: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is the name of an endpoint, never a path."""
        self._requests.labels(route, str(status)).observe(seconds)

    def counted(self) -> list[Metric]:
        """What this process counted."""
        return list(self.registry.collect())

    def collect(self) -> Iterable[Metric]:
        """All that Prometheus reads."""
        yield from together(self.counted(), self._beside()) if self._beside is not None else self.counted()
        if self._store is not None:
            yield from self._store.collect()

    def application(self) -> WSGIApplication:
        """What answers Prometheus."""
        all_of_it = CollectorRegistry()
        all_of_it.register(self)
        made: WSGIApplication = make_wsgi_app(all_of_it)
        return made


def together(*counted: Iterable[Metric]) -> list[Metric]:
    """What several processes counted, in one: added up, and of gauges (what is left of something) the least."""
    families: dict[str, Metric] = {}
    values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in chain.from_iterable(counted):
        made = families.setdefault(family.name, Metric(family.name, family.documentation, family.type, family.unit))
        for one in family.samples:
            key = one.name, frozenset(one.labels.items())
            if key not in values:
                made.samples.append(one)
                values[key] = one.value
            elif family.type == "gauge" or one.name.endswith("_created"):
                values[key] = min(values[key], one.value)
            else:
                values[key] += one.value
    for made in families.values():
        made.samples = [one._replace(value=values[one.name, frozenset(one.labels.items())]) for one in made.samples]
    return list(families.values())


def _among(name: str, known: Iterable[str]) -> str:
    return name if name in known else OTHER


class _GitHub(Collector):
    """How this process stands with GitHub's limits: all installations in one, for there may be many."""

    def __init__(self, numbers: Callable[[], Iterable[Numbers]]) -> None:
        self._numbers = numbers

    def collect(self) -> Iterable[Metric]:
        """What Prometheus reads."""
        told = list(self._numbers())
        hourly = [one.remaining for one in told if one.resource == "core" and one.remaining is not None]
        payers = {one.payer: one for one in told}.values()
        about = "The least that any installation has left this hour; absent until GitHub told one."
        left = GaugeMetricFamily("headwater_github_calls_left", about)
        if hourly:
            left.add_metric([], min(hourly))
        yield left
        for name, about, count in (
            ("headwater_github_calls", "Calls of GitHub's API.", sum(one.calls for one in payers)),
            ("headwater_github_calls_limited", "Calls that GitHub put off.", sum(one.limited for one in payers)),
            ("headwater_github_calls_held", "Calls that were not made yet, to stay within limits.",
             sum(one.held for one in payers)),
        ):  # fmt: skip
            yield CounterMetricFamily(name, about, count)


class _Store(Collector):
    """What the store holds, read at most every few seconds."""

    def __init__(self, measure: Callable[[], Measured]) -> None:
        self._measure = measure
        self._last: tuple[float, Measured | None] = (float("-inf"), None)

    def collect(self) -> Iterable[Metric]:
        """What Prometheus reads; where the store does not answer, only that."""
        found = self._measured()
        up = GaugeMetricFamily("headwater_store_up", "Whether the store answers.", value=float(found is not None))
        yield up
        if found is None:
            return
        size = GaugeMetricFamily("headwater_work_waiting", "Work that is due.", labels=["kind"])
        age = GaugeMetricFamily("headwater_work_age_seconds", "How long the oldest is due.", labels=["kind"])
        for kind in sorted({*WORK, OTHER}):
            many, oldest = found.work.get(kind, (0, 0.0))
            size.add_metric([kind], many)
            age.add_metric([kind], oldest)
        unfinished = GaugeMetricFamily("headwater_tasks_unfinished", "Tasks that are not finished.", labels=["state"])
        for state, many in sorted(found.unfinished.items()):
            unfinished.add_metric([state], many)
        finished = GaugeMetricFamily("headwater_tasks_finished", "Tasks that are.", labels=["tool", "result"])
        for (tool, state), many in sorted(found.finished.items()):
            finished.add_metric([tool, state], many)
        stuck = "Tasks that need a person: lost ones, and those that wait for a job that does not come."
        yield from (
            size,
            age,
            unfinished,
            finished,
            GaugeMetricFamily("headwater_tasks_stuck", stuck, found.stuck),
        )

    def _measured(self) -> Measured | None:
        at, last = self._last
        if time.monotonic() - at > _FRESH_SECONDS:
            try:
                last = self._measure()
            except HeadwaterError:
                last = None
            self._last = (time.monotonic(), last)
        return last
