"""Deploys that were called off before they began: nothing came of them, and nothing is held for them."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import on_both
from tests.conversations.town import Town
from tests.conversations.workflows import workflow

ASKING = workflow({"db": ""}, top="triggers: {deployOnMerge: true}", more={"db": "requiresApproval: true"})


@on_both
def test_what_was_rejected_is_free_for_whoever_waits(town: Town) -> None:
    town.setup({"headwater.yml": ASKING, **town.environments(db="1")})
    first = town.pull(town.environments(db="2"), by="ada")
    town.settle()
    first.say("/deploy")
    second = town.pull(town.environments(db="3"), by="bob")
    town.settle()
    assert second.say("/deploy").startswith("### Waits for")
    first.say("/reject db")
    assert second.newest().startswith("### `db` waits for approval")
    second.say("/approve db", by="ada")
    assert town.tool_log() == ["db begins", "db deployed"]
    assert first.say("/deploy").startswith("### Waits for"), "what was deployed belongs to its pull request"


def test_a_deploy_that_failed_keeps_what_it_has_blocked(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": "", "api": "db"}), **town.environments(db="1", api="1")})
    first = town.pull(town.environments(db="2"), by="ada")
    town.settle()
    town.break_("db")
    first.say("/deploy")
    second = town.pull(town.environments(db="3", api="3"), by="bob")
    town.settle()
    assert "which holds `db`, `api`" in second.say("/deploy")


def test_what_was_deployed_before_stays_deployed_and_locked(town: Town) -> None:
    town.setup({"headwater.yml": ASKING, **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"), by="ada")
    town.settle()
    pull.say("/deploy")
    pull.say("/approve db", by="bob")
    pull.push(town.environments(db="3"))
    town.settle()
    pull.say("/deploy")
    pull.say("/reject db")
    assert pull.say("/status") == snapshot("""\
### shop: Active

| Environment | State | Held by | Commit | Deployed |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ✓\xa0deployed: its latest deploy was called off | [#1](https://github/acme/shop/pull/1) | [`COMMIT7`](https://github/acme/shop/commit/COMMIT) | DATE |\
""")
    pull.merge()
    town.settle()
    assert "Already deployed" not in pull.newest()
    assert pull.newest().startswith("### `db` waits for approval")


def test_an_adoption_leaves_alone_what_a_deploy_waits_with(town: Town) -> None:
    text = workflow({"db": "", "cdn": ""}, more={"db": "requiresApproval: true"})
    town.setup({"headwater.yml": text, **town.environments(db="1", cdn="1")})
    town.drift("cdn", "1")
    pull = town.pull(town.environments(db="2"), by="ada")
    town.settle()
    pull.say("/deploy db")
    waiting = pull.ours()[-1]
    assert pull.say("/adopt") == snapshot("""\
### Adopted `cdn`

| Environment | State | Job |
| :-- | :-- | :-- |
| `cdn` | ✓\xa0adopted | [N s](https://github/acme/shop/actions/runs/RUN) |

- `db`: left alone, since a deploy of it is under way

<sub>`/adopt` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
    assert waiting.body.partition("\n")[2].startswith("### `db` waits for approval")
