"""What was shown on a pull request stands after its merge, until it is deployed."""

from __future__ import annotations

from tests.conversations.merged import begin, check_at, rows
from tests.conversations.town import Town


def test_a_plan_stands_though_another_pull_request_of_its_environment_was_merged_first(shop: Town) -> None:
    begin(shop)
    first = shop.pull(shop.environments(network="n1"), title="First")
    shop.settle()
    second = shop.pull({"network/more": "1\n"}, title="Second")
    shop.settle()
    second.merge()
    shop.settle()
    first.merge()
    shop.settle()
    assert rows(first.newest())[0] == "`network` ✓ deployed ~1"


def test_a_plan_that_was_deployed_does_not_stand_for_a_second_time(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(network="n1"), title="Change")
    shop.settle()
    pull.merge()
    shop.settle()
    done = shop.tool_log()
    shop.drift("network", "n0")  # as it was before: what was shown and done would be done once more
    commit = shop.commit({"network/more": "1\n"}, "Straight to main")
    shop.settle()
    assert check_at(shop, commit).startswith("action_required: network waits for approval")
    assert shop.tool_log() == done
