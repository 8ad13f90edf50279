"""How offered attempts become dispatches: each of one deployment, within what GitHub takes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.store.dispatching import Offered
from bot.working.dispatching import MOST_CHARACTERS, MOST_JOBS, batches_of, inputs

OFFERS = st.lists(
    st.builds(
        Offered,
        attempt=st.text("0123456789abcdef-", min_size=10, max_size=64),
        deployment=st.integers(1, 3),
        job=st.sampled_from(["plan", "deploy"]),
        slug=st.text("abc-", min_size=1, max_size=60),
        runs_on=st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=3).map(tuple),
        environment=st.text(min_size=1, max_size=200),
        offered_at=st.floats(0, 100),
    ),
    max_size=700,
    unique_by=lambda one: one.attempt,
)


@given(OFFERS)
def test_every_offer_is_in_one_batch_that_github_takes(offered: list[Offered]) -> None:
    batches = batches_of(offered)
    assert sorted(one.attempt for batch in batches for one in batch) == sorted(one.attempt for one in offered)
    for batch in batches:
        assert len({one.deployment for one in batch}) == 1
        assert len(batch) <= MOST_JOBS <= 256
        told = inputs("k" * 20, "0" * 64, batch)
        assert len(told) <= MOST_CHARACTERS + 200 < 65_535
        assert len(json.loads(told)["plan"]) + len(json.loads(told)["deploy"]) == len(batch)


def test_three_hundred_of_one_deployment_are_two_batches() -> None:
    offers = [Offered(f"1-{n}-1-aaaa", 1, "deploy", f"env-{n}", ("ubuntu-latest",), "prod", n) for n in range(300)]
    assert [len(one) for one in batches_of(offers)] == [250, 50]


def test_a_dispatch_tells_nothing_but_names_and_places() -> None:
    offer = Offered("1-2-1-aaaa", 1, "deploy", "db", ("ubuntu-latest",), "production", 0.0)
    assert json.loads(inputs("key", "digest", [offer])) == {
        "key": "key",
        "runner": "digest",
        "plan": [],
        "deploy": [{"attempt": "1-2-1-aaaa", "slug": "db", "runsOn": ["ubuntu-latest"], "environment": "production"}],
    }
