"""What two processes counted, told as one."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from bot.github.limits import Numbers
from bot.metrics import Metrics, together


def values(metrics: Metrics) -> dict[str, float]:
    """Every line of what is told, but the times at which counters began."""
    lines = [one for one in _text(metrics).splitlines() if not one.startswith("#") and "_created" not in one]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def _text(metrics: Metrics) -> str:
    registry = CollectorRegistry()
    registry.register(metrics)
    return generate_latest(registry).decode()


def test_counters_and_histograms_are_added_up() -> None:
    other = Metrics()
    both = Metrics(beside=other.counted)
    both.webhook("push", "kept")
    both.delivery("push", "ignored")
    other.delivery("push", "ignored")
    other.delivery("push", "done")
    both.worked("sweep", "done", 0.02)
    other.worked("sweep", "done", 4.0)
    told = values(both)
    assert told['headwater_webhooks_total{answer="kept",event="push"}'] == 1
    assert told['headwater_deliveries_total{event="push",outcome="ignored"}'] == 2
    assert told['headwater_deliveries_total{event="push",outcome="done"}'] == 1
    assert told['headwater_work_seconds_count{kind="sweep",result="done"}'] == 2
    assert told['headwater_work_seconds_bucket{kind="sweep",le="0.05",result="done"}'] == 1
    assert told['headwater_work_seconds_sum{kind="sweep",result="done"}'] == 4.02
    assert values(other)['headwater_deliveries_total{event="push",outcome="ignored"}'] == 1


def test_of_what_is_left_the_least_is_told() -> None:
    def numbers(left: int, calls: int) -> list[Numbers]:
        return [Numbers(7, "core", 5000, left, 60.0, 0.0, 0, calls, 0, 0)]

    other = Metrics(numbers=lambda: numbers(70, 5))
    told = values(Metrics(numbers=lambda: numbers(4000, 2), beside=other.counted))
    assert told["headwater_github_calls_left"] == 70
    assert told["headwater_github_calls_total"] == 7


def test_what_one_alone_has_is_told_as_it_is() -> None:
    gauge = GaugeMetricFamily("left", "How many.", labels=["of"])
    gauge.add_metric(["a"], 3)
    (found,) = together([], [gauge])
    assert (found.name, found.documentation, found.type) == ("left", "How many.", "gauge")
    assert [(one.labels, one.value) for one in found.samples] == [({"of": "a"}, 3)]
    assert [one.value for one in gauge.samples] == [3]
