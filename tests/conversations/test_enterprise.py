"""On a GitHub Enterprise Server: dispatches that do not tell their run, and identities that do not name their job."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conversations.conftest import SHOP, on_both
from tests.conversations.town import Town
from tests.github.actions.runs import Job

VERSION = "3.20"
"""The last one that does not know `return_run_details`."""
LINK = "https://github/acme/shop/actions/runs/RUN"


@pytest.fixture
def shop(make_town: Callable[..., Town], store: str | None) -> Town:
    """The shop of `network` <- `db` <- `api` on such a server, nothing deployed."""
    town = make_town(store)
    town.github.enterprise = VERSION
    town.setup({"headwater.yml": SHOP, **town.environments(network="n1", db="d1", api="a1")})
    return town


def _jobs(shop: Town, name: str) -> list[Job]:
    return [one for run in shop.repository.runs.values() for one in run.current() if one.name == name]


def _headline(text: str) -> str:
    return text.splitlines()[0]


@on_both
def test_what_is_dispatched_without_run_details_is_found_planned_and_deployed_once(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    assert _headline(pull.plan()) == "### 3 environments: 2 to change, 1 planned at deploy"
    assert _headline(pull.say("/deploy")) == "### Deployed 3 environments"
    names = ("network", "db", "api")
    assert shop.tool_log() == [f"{name} {done}" for name in names for done in ("begins", "deployed")]
    assert [len(_jobs(shop, f"deploy {name}")) for name in names] == [1, 1, 1]
    assert pull.newest().count(LINK) == 3
    assert any(path.endswith("/dispatches") and status == 400 for _, path, status in shop.github.rest.calls)


@on_both
def test_jobs_whose_identity_does_not_name_them_are_known_by_their_run_and_name(shop: Town) -> None:
    shop.github.actions.issuer.names_jobs = False
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    shop.hold("network")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    (job,) = _jobs(shop, "deploy network")
    shop.github.actions.lose(job)
    shop.settle()
    assert "failed (outcome unknown)" in pull.newest()
    shop.let_go("network")
    assert _headline(pull.say("/retry")).startswith("### Deployed 3 environments")
    assert shop.tool_log().count("db begins") == 1
    assert pull.newest().count(LINK) == 3
