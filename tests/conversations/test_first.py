"""The shortest whole story: a plan, a deploy, a merge."""

from __future__ import annotations

from tests.conversations.town import Town


def test_from_the_first_plan_to_the_merge(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    assert pull.plan().startswith("### 3 environments: 2 to change, 1 planned at deploy")
    assert pull.checks() == {
        "headwater deploy: shop": "neutral",
        "headwater plan": "success",
        "headwater plan: shop": "success",
    }

    assert pull.say("/deploy").startswith("### Deployed 3 environments")
    deployed = [f"{name} {deed}" for name in ("network", "db", "api") for deed in ("begins", "deployed")]
    assert shop.tool_log() == deployed
    assert pull.checks()["headwater deploy: shop"] == "success"

    pull.merge()
    shop.settle()
    assert "lready deployed from this pull request" in pull.newest()
    assert shop.tool_log() == deployed
