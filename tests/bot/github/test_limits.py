"""What may be asked for now, and how long the rest waits."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.github.errors import RateLimited
from bot.github.limits import (
    CONTENT_A_MINUTE,
    CONTENT_AN_HOUR,
    HOUR,
    MINUTE,
    POINTS_A_MINUTE,
    Budget,
    Cost,
    Hourly,
    Limits,
    Priority,
    Spent,
    until_free,
    wait_beside,
    wait_for,
)
from bot.github.wire import Answer

READ, WRITE, CREATE = Cost(), Cost(writes=True), Cost(writes=True, creates=True)
COMMAND, PLAN, SWEEP, COSMETIC = Priority


@pytest.mark.parametrize(("remaining", "waits"), [
    (5000, (0, 0, 0, 0)), (1501, (0, 0, 0, 0)), (1500, (0, 0, 0, 600)), (1000, (0, 0, 600, 600)),
    (251, (0, 0, 600, 600)), (250, (0, 600, 600, 600)), (1, (0, 600, 600, 600)), (0, (600, 600, 600, 600)),
])  # fmt: skip
def test_poorer_calls_leave_a_share_of_the_hour(remaining: int, waits: tuple[float, ...]) -> None:
    budget = Budget({"core": Hourly(5000, remaining, 700.0)})
    assert tuple(wait_for(budget, "core", READ, one, 100.0) for one in Priority) == waits
    assert wait_for(budget, "graphql", READ, COSMETIC, 100.0) == 0  # another limit
    assert wait_for(budget, "core", READ, COMMAND, 700.0) == 0 or remaining == 0


def test_a_pause_holds_for_all() -> None:
    budget = Budget(blocked_until=130.0)
    assert {wait_for(budget, "core", READ, one, 100.0) for one in Priority} == {30.0}
    assert wait_for(budget, "core", READ, COSMETIC, 130.0) == 0


def test_what_is_created_is_paced() -> None:
    minute = Budget(created=deque(float(at) for at in range(CONTENT_A_MINUTE)))  # one a second
    assert wait_for(minute, "core", CREATE, COMMAND, 70.0) == 0
    full = Budget(created=deque([100.0] * CONTENT_A_MINUTE))
    assert wait_for(full, "core", CREATE, COMMAND, 110.0) == 50.0
    assert wait_for(full, "core", WRITE, COMMAND, 110.0) == 0
    most = Budget(created=deque([100.0] * 55))
    assert [wait_for(most, "core", CREATE, one, 110.0) for one in Priority] == [0, 0, 0, 0]
    most.created.append(100.0)
    assert [wait_for(most, "core", CREATE, one, 110.0) for one in Priority] == [0, 0, 0, 50.0]
    hour = Budget(created=deque([100.0] * CONTENT_AN_HOUR))
    assert wait_for(hour, "core", CREATE, COMMAND, 1000.0) == 2700.0


def test_bursts_are_paced_by_points() -> None:
    budget = Budget(points=deque([(100.0, 5)] * 179))  # 895
    assert wait_for(budget, "core", WRITE, COMMAND, 101.0) == 0
    budget.points.append((101.0, 5))
    assert wait_for(budget, "core", READ, COMMAND, 102.0) == 58.0
    assert wait_for(budget, "core", READ, COMMAND, 160.0) == 0


def test_each_of_several_processes_takes_its_part_of_the_bursts() -> None:
    now = [100.0]
    limits = Limits(lambda: now[0])
    limits.share(4)
    for _ in range(CONTENT_A_MINUTE // 4):
        limits.admit(1, "core", CREATE, COMMAND)
    with pytest.raises(RateLimited) as held:
        limits.admit(1, "core", CREATE, COMMAND)
    assert held.value.wait == MINUTE
    limits.share(1)
    limits.admit(1, "core", CREATE, COMMAND)
    limits.share(0)  # nobody was counted, not even who asks
    limits.admit(1, "core", READ, COMMAND)


@pytest.mark.parametrize(("calls", "waits"), [
    (2249, (0, 0, 0, 0)), (2250, (0, 0, 0, 0)), (2625, (0, 0, 0, 2610)), (3001, (0, 0, 2610, 2610)),
    (3562, (0, 0, 2610, 2610)), (3563, (0, 2610, 2610, 2610)),
])  # fmt: skip
def test_a_busy_repository_leaves_a_part_of_the_hour_to_others(calls: int, waits: tuple[float, ...]) -> None:
    budget = Budget({"core": Hourly(5000, 1400, 5000.0)}, of={"busy": Spent(deque([10.0] * calls))})

    def held(name: str, *, among: int = 1) -> tuple[float, ...]:
        return tuple(wait_beside(budget, name, "core", READ, one, 1000.0, among=among) for one in Priority)

    assert held("busy") == (0, 0, 0, 0)  # it is alone
    budget.of["quiet"] = Spent(deque([10.0]))
    assert held("busy") == waits
    assert held("quiet") == held("new") == held("") == (0, 0, 0, 0)
    budget.of["busy"].calls = deque([10.0] * 900)
    assert held("busy") == (0, 0, 0, 0)
    assert held("busy", among=4) == (0, 2610, 2610, 2610)


def test_a_busy_repository_leaves_comments_to_others() -> None:
    now = [100.0]
    limits = Limits(lambda: now[0])
    limits.heard(1, hour(5000), "quiet")
    limits.heard(1, hour(5000, status=304), "asleep")  # that cost nothing
    assert set(limits._budgets[1].of) == {"quiet"}
    for _ in range(int(0.95 * 0.75 * CONTENT_AN_HOUR) + 1):
        limits.admit(1, "core", CREATE, PLAN, "busy")
        now[0] += 2.0
    with pytest.raises(RateLimited) as held:
        limits.admit(1, "core", CREATE, PLAN, "busy")
    assert held.value.wait == 100.0 + HOUR - now[0]
    limits.admit(1, "core", READ, PLAN, "busy")
    limits.admit(1, "core", CREATE, COMMAND, "busy")
    limits.admit(1, "core", CREATE, PLAN, "quiet")
    now[0] += HOUR
    limits.admit(1, "core", CREATE, PLAN, "busy")


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 5)), max_size=40).map(sorted),
    st.integers(0, 60), st.integers(1, 60),
)  # fmt: skip
def test_the_wait_is_the_shortest_that_is_enough(spent: list[tuple[float, int]], most: int, window: int) -> None:
    now = 100.0

    def used(at: float) -> int:
        return sum(weight for made, weight in spent if made > at - window)

    wait = until_free(spent, most, window, now)
    assert wait >= 0
    assert used(now + wait) <= most
    assert wait == 0 or used(now + wait - 0.5) > most


def answer(status: int = 200, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): text for name, text in headers.items()})


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def hour(remaining: int, *, reset: int = 600, status: int = 200) -> Answer:
    date = "Thu, 01 Jan 1970 00:16:40 GMT"  # 1000
    told = {"x_ratelimit_limit": "5000", "x_ratelimit_remaining": str(remaining)}
    return answer(status, **told, x_ratelimit_reset=str(1000 + reset), date=date, x_ratelimit_resource="core")


def test_the_memory_learns_from_headers_and_forgets_with_the_hour() -> None:
    time = Time()
    limits = Limits(time)
    limits.heard(7, hour(200))
    limits.admit(7, "core", READ, COMMAND)
    with pytest.raises(RateLimited) as held:
        limits.admit(7, "core", READ, SWEEP)
    assert (held.value.wait, held.value.held) == (600.0, True)
    limits.admit(8, "core", READ, SWEEP)  # another installation
    (told, other) = limits.numbers()
    assert (told.payer, told.remaining, told.reset_in, told.calls, told.held) == (7, 200, 600.0, 1, 1)
    assert (other.payer, other.remaining, other.calls) == (8, None, 1)
    time.now += 600
    limits.admit(7, "core", READ, SWEEP)
    assert limits.numbers()[0].remaining is None


def test_pauses_without_a_length_double_until_an_answer_comes() -> None:
    time = Time()
    limits, told = Limits(time), RateLimited("a pause", 60.0, secondary=True)
    waits = []
    for _ in range(6):
        waits.append(limits.limited(7, "core", told, named=False).wait)
        time.now += waits[-1]
    assert waits == [60, 120, 240, 480, 900, 900]
    limits.heard(7, answer(200))
    assert limits.limited(7, "core", told, named=False).wait == 60
    assert limits.limited(7, "core", RateLimited("a pause", 5.0, secondary=True), named=True).wait == 5
    with pytest.raises(RateLimited) as held:
        limits.admit(7, "core", READ, COMMAND)
    assert held.value.wait == 60  # the longer one holds


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Priority)), st.sampled_from([READ, WRITE, CREATE]), st.floats(0, 9)),
        max_size=600,
    )
)
def test_no_limit_is_ever_exceeded(calls: list[tuple[Priority, Cost, float]]) -> None:
    time, made = Time(), []
    limits = Limits(time)
    for priority, cost, pause in calls:
        time.now += pause / 10
        try:
            limits.admit(7, "core", cost, priority)
        except RateLimited:
            continue
        made.append((time.now, cost))
    for at, _ in made:
        within = [cost for when, cost in made if at - MINUTE < when <= at]
        assert sum(cost.points for cost in within) <= POINTS_A_MINUTE
        assert sum(cost.creates for cost in within) <= CONTENT_A_MINUTE
        assert sum(cost.creates for when, cost in made if at - HOUR < when <= at) <= CONTENT_AN_HOUR
