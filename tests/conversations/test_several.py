"""Several deployments of the same environments: what a retry of them tells, and what a newer one takes over."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import SHOP, on_both
from tests.conversations.merged import check_at, failed_one_by_one, headline, rows
from tests.conversations.town import Town
from tests.conversations.workflows import workflow


def test_a_retry_of_two_deployments_tells_all_of_both(town: Town) -> None:
    pull = failed_one_by_one(town)
    answer = pull.say("/retry")
    assert sorted(one for one in town.tool_log() if "deployed" in one) == ["a deployed", "b deployed"]
    assert headline(answer) == snapshot("### Deployed 2 environments")
    assert rows(answer) == snapshot(["`a` ✓ deployed +1", "`b` ✓ deployed +1"])


@on_both
def test_what_a_newer_deployment_takes_over_is_told_in_the_older_story(town: Town) -> None:
    """Also where the older one goes on: it still asks for an approval, and nothing of it moves by itself."""
    asks = dict.fromkeys(("network", "db"), "requiresApproval: true")
    file = workflow({"network": "", "db": ""}, top="triggers: {deployOnMerge: true}", more=asks)
    town.setup({"headwater.yml": file, **town.environments(network="1", db="1")})
    start = town.pull(town.environments(network="0", db="0"))
    town.settle()
    start.merge()
    town.settle()
    start.say("/approve", by="olga")
    first = town.pull(town.environments(network="2", db="2"))
    town.settle()
    first.merge()
    town.settle()
    assert rows(first.newest()) == snapshot(
        ["`network` ! **waits for approval** ~1", "`db` ! **waits for approval** ~1"]
    )
    second = town.pull(town.environments(db="3"))
    town.settle()
    second.say("/deploy")
    assert rows(first.newest()) == snapshot(
        ["`network` ! **waits for approval** ~1", "`db` ⊘ superseded by deployment 6 ~1"]
    )


def test_a_retry_of_an_older_commit_is_checked_there(town: Town) -> None:
    town.setup({"headwater.yml": SHOP, **town.environments(network="n1", db="d1", api="a1")})
    pull = town.pull(town.environments(network="n2", db="d2", api="a2"))
    town.settle()
    town.break_("api")
    pull.say("/deploy")
    older = pull.head
    pull.push(town.environments(db="d3"))
    town.settle()
    town.mend("api")
    assert headline(pull.say("/retry")) == "### Deployed `api`"
    assert check_at(town, older, "headwater deploy: shop").splitlines()[0] == snapshot("success: Deployed api")
    assert check_at(town, pull.head, "headwater deploy: shop").splitlines()[0] == snapshot(
        "neutral: Nothing is deployed yet"
    )
