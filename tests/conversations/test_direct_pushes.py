"""What becomes of pushes: without a pull request, several at once, lost, doubled, out of order, or not meant for us."""

from __future__ import annotations

from inline_snapshot import snapshot

from bot.working.sweeping import sweep
from tests.conversations.conftest import SHOP, on_both
from tests.conversations.merged import begin, check_at, headline, rows
from tests.conversations.town import Town, shown
from tests.github.localhost import PERMISSIONS


def said_on(town: Town, commit: str) -> list[str]:
    """The bot's comments on a commit."""
    return [shown(one.body) for one in town.repository.commit_comments.values() if one.sha == commit]


def test_the_check_of_a_direct_push_tells_all(shop: Town) -> None:
    begin(shop)
    commit = shop.commit(shop.environments(api="a1"), "Straight to main")
    shop.settle()
    assert shop.tool_log() == []
    assert check_at(shop, commit) == snapshot("""\
action_required: api waits for approval

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `api` | !\xa0**waits for approval: it was never shown** | ~1 | [job](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>api</code> &nbsp;~1</summary>

```diff
~ api: a0 -> a1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

No pull request was merged here on which somebody could answer. The next one that is merged carries on with this, and takes `/approve` and `/retry`.

<sub>Push to main · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
    commit = shop.commit({**shop.environments(api="a0"), "db/more": "1\n"}, "Take it back")
    shop.settle()
    assert check_at(shop, commit) == snapshot("""\
success: 2 environments: no changes

| Environment | State | Job |
| :-- | :-- | :-- |
| `db` | –\xa0no changes | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | –\xa0no changes | [N s](https://github/acme/shop/actions/runs/RUN) |

<sub>Push to main · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 4</sub>\
""")
    (comment,) = said_on(shop, commit)
    assert rows(comment) == ["`db` – no changes", "`api` – no changes"]


def test_where_the_app_may_not_edit_it_a_comment_on_the_commit_is_written_once(shop: Town) -> None:
    begin(shop)
    shop.hold_plan("network")
    commit = shop.commit(shop.environments(network="n1"), "Straight to main")
    shop.wait_for(lambda: any(one.head_sha == commit for one in shop.repository.check_runs.values()))
    assert said_on(shop, commit) == []
    shop.let_plan_go("network")
    shop.settle()
    (comment,) = said_on(shop, commit)
    assert comment == snapshot("""\
### `network` waits for approval: 2 waiting

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["! network"]:::asks
  n1["○ db"]:::idle
  n2["○ api"]:::idle
  n0 --> n1
  n1 --> n2
  classDef asks fill:#d4a72c40,stroke:#bf8700,stroke-width:2px
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | !\xa0**waits for approval: it was never shown** | ~1 | [job](https://github/acme/shop/actions/runs/RUN) |
| `db` | ○\xa0waits for `network` |  |  |
| `api` | ○\xa0waits for `db` |  |  |

<details><summary><code>network</code> &nbsp;~1</summary>

```diff
~ network: n0 -> n1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

No pull request was merged here on which somebody could answer. The next one that is merged carries on with this, and takes `/approve` and `/retry`.

<sub>Push to main · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>

<sub>Written once, as it was then: the check of this commit tells what came after.</sub>\
""")
    shop.commit(shop.environments(network="n0"), "Take it back")
    shop.settle()
    assert said_on(shop, commit) == [comment]


def test_where_the_app_may_edit_it_a_comment_on_the_commit_tells_it_too(shop: Town) -> None:
    shop.stop_server()
    allow_contents(shop)
    shop.start_server()
    begin(shop)
    commit = shop.commit(shop.environments(network="n1"), "Straight to main")
    shop.settle()
    (comment,) = said_on(shop, commit)  # one, edited in place
    assert rows(comment)[0].startswith("`network` ! **waits for approval")
    assert "No pull request was merged here" in comment


def test_several_commits_pushed_at_once_are_one_deployment(shop: Town) -> None:
    begin(shop)
    shop.github.hooks.hold()
    shop.commit({"db/new-file": "1\n"}, "One")
    shop.commit({"network/new-file": "1\n"}, "Two")
    last = shop.commit({"README.md": "# Three\n"}, "Three")
    shop.github.hooks.release()
    shop.settle()
    assert check_at(shop, last) == snapshot("""\
success: 3 environments: no changes

| Environment | State | Job |
| :-- | :-- | :-- |
| `network` | –\xa0no changes | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | –\xa0no changes | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | –\xa0no changes | [N s](https://github/acme/shop/actions/runs/RUN) |

<sub>Push to main · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
    assert len({line.split()[0] for line in shop.tasks()}) == snapshot(3)


def test_pull_requests_merged_quickly_have_one_story_and_a_pointer_to_it(shop: Town) -> None:
    begin(shop)
    pulls = [
        shop.pull(shop.environments(network="n1"), title="First"),
        shop.pull({"README.md": "# Nothing\n"}, title="Second"),
        shop.pull(shop.environments(api="a1"), title="Third"),
    ]
    shop.settle()
    shop.github.hooks.hold()
    for pull in (pulls[2], pulls[1], pulls[0]):  # not in the order of their numbers
        pull.merge()
    shop.github.hooks.release()
    shop.settle()
    assert rows(pulls[0].newest()) == ["`network` ✓ deployed ~1", "`db` – no changes", "`api` ✓ deployed ~1"]
    assert pulls[1].ours() == []
    assert pulls[2].newest().startswith("Deployed together with [#2]")
    assert shop.tool_log() == ["network begins", "network deployed", "api begins", "api deployed"]


@on_both
def test_a_newer_push_takes_the_place_of_what_an_older_one_has_not_started(shop: Town) -> None:
    begin(shop)
    first, second = (
        shop.pull(shop.environments(network="n1", db="d1"), title="First"),
        shop.pull(shop.environments(api="a2"), title="Second"),
    )
    shop.settle()
    shop.hold("network")
    first.merge()
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    second.merge()
    shop.wait_for(lambda: len(second.ours()) == 2)
    shop.let_go("network")
    shop.settle()
    assert ["superseded" in row for row in rows(first.newest())] == [False, True, True]
    assert headline(first.newest()) == "### Deploy was superseded: 1 done, 2 cancelled"
    assert rows(second.newest()) == ["`network` – no changes", "`db` ✓ deployed ~1", "`api` ✓ deployed ~1"]
    assert [line for line in shop.tool_log() if line.endswith("deployed")] == [
        "network deployed", "db deployed", "api deployed",
    ]  # fmt: skip


def test_a_merge_whose_message_says_so_is_not_deployed(shop: Town) -> None:
    begin(shop)
    one, two, three = (
        shop.pull(shop.environments(network="n1"), title="One"),
        shop.pull(shop.environments(api="a1"), title="Two"),
        shop.pull(shop.environments(db="d1"), title="Three"),
    )
    shop.settle()
    one.merge(message="Not now [skip headwater]")
    shop.settle()
    assert headline(one.newest()) == "### Not deployed: the message of the merge says so"
    two.merge(method="squash", message="[skip env zero]")
    shop.settle()
    assert headline(two.newest()) == "### Not deployed: the message of the merge says so"
    assert shop.tool_log() == []
    three.merge()
    shop.settle()
    assert rows(three.newest()) == [
        "`network` ✓ deployed ~1", "`db` ✓ deployed ~1", "`api` ✓ deployed ~1",
    ]  # fmt: skip  # the next one carries on with all of it


def test_a_skipped_merge_does_not_keep_the_one_before_it_from_being_deployed(shop: Town) -> None:
    begin(shop)
    one = shop.pull(shop.environments(network="n1"), title="One")
    two = shop.pull(shop.environments(api="a1"), title="Two")
    shop.settle()
    shop.github.hooks.hold()
    one.merge()
    two.merge(message="[skip headwater]")
    shop.github.hooks.release()
    shop.settle()
    assert rows(one.newest())[0] == "`network` ✓ deployed ~1"
    assert headline(two.newest()) == "### Not deployed: the message of the merge says so"


def test_without_deploy_on_merge_nothing_happens(town: Town) -> None:
    without = SHOP.replace("triggers: {deployOnMerge: true}\n", "")
    town.setup({"headwater.yml": without, **town.environments(network="n1", db="d1", api="a1")})
    pull = town.pull(town.environments(network="n2"))
    town.settle()
    commit = pull.merge()
    town.settle()
    assert len(pull.ours()) == 1
    assert town.tool_log() == []
    assert [one.name for one in town.repository.check_runs.values() if one.head_sha == commit] == []


def test_a_workflow_is_deployed_from_its_own_branches_alone(town: Town) -> None:
    live = SHOP.replace("{deployOnMerge: true}", "{deployOnMerge: true, branches: [live]}")
    town.setup({"headwater.yml": live, **town.environments(network="n1", db="d1", api="a1")})
    town.commit({"README.md": "# Live\n"}, "Begin", branch="live", start="main")
    town.settle()
    to_main = town.pull(town.environments(network="n2"))
    town.settle()
    to_main.merge()
    town.settle()
    assert town.tool_log() == []
    to_live = town.pull(town.environments(network="n3"), base="live")
    town.settle()
    to_live.merge()
    town.settle()
    assert headline(to_live.newest()) == snapshot("### Deployed 3 environments")
    assert town.tool_log()[:2] == ["network begins", "network deployed"]


def test_a_branch_does_not_make_itself_one_that_is_deployed(shop: Town) -> None:
    begin(shop)
    before = shop.tool_log()
    mine = SHOP.replace("{deployOnMerge: true}", "{deployOnMerge: true, branches: [main, mine]}")
    shop.commit({"headwater.yml": mine, **shop.environments(network="n9")}, "Deploy me", branch="mine", start="main")
    shop.settle()
    assert shop.tool_log() == before


def test_a_broken_definition_on_the_branch_is_told_and_the_mend_is_deployed(shop: Town) -> None:
    begin(shop)
    broken = shop.pull({"headwater.yml": SHOP.replace("needs: [db]", "needs: [bd]"), **shop.environments(db="d1")})
    shop.settle()
    commit = broken.merge()
    shop.settle()
    assert broken.newest() == snapshot("""\
### Not deployed: 1 problem in the workflow files

- [`headwater.yml:11:13`](https://github/acme/shop/blob/COMMIT/headwater.yml#L11) 'api' needs 'bd', which is not an environment of this file: add it, or take it out

It is deployed once a mend of this is merged.

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert check_at(shop, commit) == snapshot("""\
failure: 1 problem in the workflow files

- `headwater.yml:11:13` 'api' needs 'bd', which is not an environment of this file: add it, or take it out\
""")
    mend = shop.pull({"headwater.yml": SHOP})
    shop.settle()
    mend.merge()
    shop.settle()
    assert rows(mend.newest()) == snapshot(
        ["`db` ! **waits for approval: it was never shown** ~1", "`api` ○ waits for `db`"]
    )
    assert shop.tool_log() == snapshot([])


def test_a_merge_whose_webhooks_are_lost_is_found_by_the_sweep(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(db="d1"))
    shop.settle()
    shop.github.hooks.plan = lambda _: []
    pull.merge()
    shop.github.faults.mend()
    shop.settle()
    assert len(pull.ours()) == 1
    sweep(shop.server, "all")
    shop.settle()
    assert rows(pull.newest()) == snapshot(["`db` ✓ deployed ~1", "`api` – no changes"])
    assert shop.tool_log() == snapshot(["db begins", "db deployed"])


def test_doubled_and_late_webhooks_change_nothing(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(db="d1"))
    shop.settle()
    shop.github.hooks.hold()
    pull.push({"db/notes": "nothing that the plan could show\n"})
    pull.merge()
    held = shop.github.hooks.release(lambda sent: [*reversed(sent), *sent])  # closed comes before synchronize
    shop.settle()
    for one in held:
        shop.github.hooks.redeliver(one)
    shop.settle()
    assert shop.tool_log() == ["db begins", "db deployed"]
    assert len(pull.ours()) == 2
    assert rows(pull.newest())[0] == "`db` ✓ deployed ~1"


def allow_contents(shop: Town) -> None:
    """The App gets `contents: write`."""
    for one in shop.github.world.installations.values():
        one.permissions = {**PERMISSIONS, "contents": "write"}
