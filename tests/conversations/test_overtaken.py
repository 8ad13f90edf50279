"""Plans that something else has overtaken: what they plan was deployed, or destroyed, since they were made."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.seeing import headline, plan_of
from tests.conversations.town import Conversation, Town, shown


def _cautions(pull: Conversation) -> list[str]:
    body = shown(plan_of(pull).body)
    return [line for line in body.splitlines() if "plans anew" in line]


def test_a_plan_says_what_was_deployed_since_it_was_made(shop: Town) -> None:
    ours = shop.pull(shop.environments(network="n2"))
    theirs = shop.pull(shop.environments(network="n3"), by="bob")
    shop.settle()
    theirs.say("/deploy network", by="bob")
    assert _cautions(ours) == snapshot(
        [
            "- `network` and `db`: deployed since this was planned, at [`COMMIT7`](https://github/acme/shop/commit/COMMIT) ([#2](https://github/acme/shop/pull/2)): `/plan` plans anew"
        ]
    )
    assert _cautions(theirs) == []  # it says what it has deployed
    theirs.say("/unlock", by="bob")
    ours.say("/deploy network")
    ours.say("/approve network", by="bob")
    assert _cautions(ours) == []  # it is as was planned here
    assert _cautions(theirs) == snapshot(
        [
            "- `network`: deployed since this was planned, at [`COMMIT7`](https://github/acme/shop/commit/COMMIT) ([#1](https://github/acme/shop/pull/1)): `/plan` plans anew"
        ]
    )
    ours.merge()
    shop.settle()
    assert _cautions(ours) == []
    theirs.say("/plan")
    assert _cautions(theirs) == []


def test_a_plan_says_when_an_older_commit_of_its_own_was_deployed_since(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    shop.hold("network")
    pull.comment("/deploy network")
    shop.wait_for(lambda: "network begins" in shop.tool_log())
    pull.push(shop.environments(network="n3"))
    shop.wait_for(
        lambda: headline(plan_of(pull).body).startswith("### 3 environments") and pull.head[:7] in plan_of(pull).body
    )
    shop.let_go("network")
    shop.settle()
    assert _cautions(pull) == snapshot(
        [
            "- `network` and `db`: deployed since this was planned, at [`COMMIT7`](https://github/acme/shop/commit/COMMIT) ([#1](https://github/acme/shop/pull/1)): `/plan` plans anew"
        ]
    )


def test_a_plan_says_what_was_destroyed_since_it_was_made(shop: Town) -> None:
    ours = shop.pull(shop.environments(network="n2"))
    theirs = shop.pull(shop.environments(api="a3"), by="bob")
    shop.settle()
    ours.say("/deploy network")
    ours.say("/unlock")
    theirs.say("/destroy --confirm shop", by="bob")
    theirs.say("/approve", by="ada")
    assert _cautions(ours) == snapshot(
        [
            "- `network` and `db`: destroyed since this was planned, at [`COMMIT7`](https://github/acme/shop/commit/COMMIT) ([#2](https://github/acme/shop/pull/2)): `/plan` plans anew"
        ]
    )
