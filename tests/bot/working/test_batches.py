"""How offered attempts become dispatches: each of one deployment, within what GitHub takes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.dispatching import DispatchRow, Offered
from bot.working.dispatching import MOST_CHARACTERS, MOST_JOBS, batches_of, inputs, run_title

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


def dispatched(key: str) -> DispatchRow:
    return DispatchRow(1, key, 1, 1, "new", None, None, 0.0, origin="#12", action="destroy")


def offered_to(job: str, *slugs: str) -> list[Offered]:
    return [Offered(f"1-{slug}", 1, job, slug, ("ubuntu-latest",), "prod", 0.0) for slug in slugs]


@given(OFFERS)
def test_every_offer_is_in_one_batch_that_github_takes(offered: list[Offered]) -> None:
    batches = batches_of(offered)
    assert sorted(one.attempt for batch in batches for one in batch) == sorted(one.attempt for one in offered)
    for batch in batches:
        assert len({one.deployment for one in batch}) == 1
        assert len(batch) <= MOST_JOBS <= 256
        told = inputs(dispatched("k" * 20), "0" * 64, batch)
        assert len(told) <= MOST_CHARACTERS + 200 < 65_535
        assert len(json.loads(told)["plan"]) + len(json.loads(told)["deploy"]) == len(batch)


def test_three_hundred_of_one_deployment_are_two_batches() -> None:
    offers = [Offered(f"1-{n}-1-aaaa", 1, "deploy", f"env-{n}", ("ubuntu-latest",), "prod", n) for n in range(300)]
    assert [len(one) for one in batches_of(offers)] == [250, 50]


def test_a_dispatch_tells_nothing_but_names_and_places() -> None:
    offer = Offered("1-2-1-aaaa", 1, "deploy", "db", ("ubuntu-latest",), "production", 0.0)
    assert json.loads(inputs(dispatched("key"), "digest", [offer])) == {
        "key": "key",
        "title": "#12 destroy db",
        "runner": "digest",
        "plan": [],
        "deploy": [{"attempt": "1-2-1-aaaa", "slug": "db", "runsOn": ["ubuntu-latest"], "environment": "production"}],
    }


@pytest.mark.parametrize(
    ("origin", "slugs", "title"),
    [
        ("#12", ["db"], "#12 deploy db"),
        ("#12", ["db", "app"], "#12 deploy db, app"),
        ("#7", ["network", "db", "app", "dns"], "#7 deploy network, db and 2 more"),
        ("push to main-${{ x }}", ["db"], "push deploy db"),
        ("#12", ["a" * 200, "b" * 200, "c"], f"#12 deploy {'a' * 40}, {'b' * 40} and 1 more"),
    ],
)
def test_a_run_is_called_by_what_it_does(origin: str, slugs: list[str], title: str) -> None:
    assert run_title(origin, "deploy", offered_to("deploy", *slugs)) == title
