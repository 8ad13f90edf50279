"""What must hold at the end, whatever died on the way; judged by the tools' own log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.stories.world import Span, World, overlaps


@dataclass(frozen=True)
class Ending:
    """How a story must end."""

    status: str
    states: Mapping[str, str]
    applies: frozenset[str] = frozenset()
    destroys: frozenset[str] = frozenset()


def judge(world: World, needs: Mapping[str, Sequence[str]], ending: Ending) -> None:
    """Order, once, convergence, and nothing left behind."""
    status = world.status()
    assert status["status"] == ending.status, status
    assert {one["alias"]: one["state"] for one in status["environments"]} == dict(ending.states)
    changing = world.spans("apply", "destroy")
    assert not overlaps(changing), f"at the same time: {overlaps(changing)}"
    _each_attempt_once(changing)
    _all_done(changing, "apply", ending.applies)
    _all_done(changing, "destroy", ending.destroys)
    _in_order(changing, needs)
    assert set(world.have()) == {alias for alias, state in ending.states.items() if state == "deployed"}
    assert world.left_over() == []


def _each_attempt_once(changing: Sequence[Span]) -> None:
    often = {attempt: times for attempt, times in Counter(span.attempt for span in changing).items() if times > 1}
    assert not often, f"attempts that worked more than once: {often}"


def _all_done(changing: Sequence[Span], step: str, aliases: frozenset[str]) -> None:
    done = {span.alias for span in changing if span.step == step and span.event == "end"}
    assert aliases <= done, f"never finished {step}: {sorted(aliases - done)}"


def _in_order(changing: Sequence[Span], needs: Mapping[str, Sequence[str]]) -> None:
    """No apply began before one of each upstream had ended, no destroy before one of each downstream had."""
    pairs = [("apply", alias, upstream) for alias, upstreams in needs.items() for upstream in upstreams]
    pairs += [("destroy", upstream, alias) for _, alias, upstream in pairs]
    for step, later, earlier in pairs:
        ends = [span.end for span in changing if (span.step, span.alias, span.event) == (step, earlier, "end")]
        starts = [span.start for span in changing if (span.step, span.alias) == (step, later)]
        if starts:
            assert ends and min(end for end in ends if end) < min(starts), f"{step} of {later} before that of {earlier}"
