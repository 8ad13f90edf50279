from __future__ import annotations

from tests.conversations.town import Town


def test_from_the_first_plan_to_the_merge(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    print(pull.plan())
    print(pull.checks())
    print(pull.say("/deploy"))
    print(shop.tool_log())
    print(shop.tasks())
    pull.merge()
    shop.settle()
    print(pull.newest())
    print(shop.tool_log())
