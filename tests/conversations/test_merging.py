"""What becomes of a merge: what is deployed, what is not, and what the one who merged reads of it."""

from __future__ import annotations

import re

from inline_snapshot import snapshot

from bot.working.sweeping import sweep
from tests.conversations.conftest import SHOP, on_both
from tests.conversations.merged import begin, check_at, headline, make_ready, rows
from tests.conversations.seeing import update_branch
from tests.conversations.test_plans_terraform import TWO, cloud, module, vpc  # noqa: F401  (a fixture)
from tests.conversations.town import Town, shown

WITHOUT_PASSWORD = TWO.replace("      password: {sensitive: true, fromSecret: APP_PASSWORD, plan: true}\n", "")


def test_what_the_pull_request_showed_is_deployed_when_it_is_merged(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    commit = pull.merge()
    shop.settle()
    assert shop.tool_log() == [
        "network begins", "network deployed", "db begins", "db deployed", "api begins", "api deployed",
    ]  # fmt: skip
    assert pull.newest() == snapshot("""\
### Deployed 3 environments

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ network"]:::good
  n1["✓ db"]:::good
  n2["✓ api"]:::good
  n0 --> n1
  n1 --> n2
  classDef good fill:#2da44e26,stroke:#2da44e
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>network</code> &nbsp;+1</summary>

```diff
+ network: n2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: d1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;+1</summary>

```diff
+ api: a1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert check_at(shop, commit) == snapshot("""\
success: Deployed 3 environments

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>network</code> &nbsp;+1</summary>

```diff
+ network: n2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: d1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;+1</summary>

```diff
+ api: a1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert len(pull.ours()) == 2


def test_what_was_deployed_from_it_is_not_deployed_again(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    pull.say("/deploy")
    log = shop.tool_log()
    commit = pull.merge()
    shop.settle()
    assert shop.tool_log() == log
    assert pull.newest() == snapshot("""\
### Already deployed from this pull request, with the same inputs: `network`, `db` and `api`

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert check_at(shop, commit) == snapshot("""\
success: Nothing was deployed

Already deployed from this pull request, with the same inputs: `network`, `db` and `api`\
""")


def test_a_part_from_the_pull_request_and_the_rest_when_it_is_merged(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(network="n3", db="d3"))
    shop.settle()
    pull.say("/deploy network --only")
    pull.push({"README.md": "# What changed\n"})  # the head moves on, and what was deployed is the same
    shop.settle()
    pull.merge()
    shop.settle()
    assert shop.tool_log() == snapshot(["network begins", "network deployed", "db begins", "db deployed"])
    assert pull.newest() == snapshot("""\
### Deployed `db`, 1 without changes

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ db"]:::good
  n1["– api"]:::quiet
  n0 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef quiet fill:#8c959f1a,stroke:#8c959f
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0deployed | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | –\xa0no changes |  | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: d0 -> d3
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

- Already deployed from this pull request, with the same inputs: `network`

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 6</sub>\
""")


def test_squashed_and_rebased_merges_are_deployed_alike(shop: Town) -> None:
    begin(shop)
    squashed = shop.pull(shop.environments(api="a3"), title="Squash me")
    squashed.push(shop.environments(api="a4"))
    rebased = shop.pull(shop.environments(network="n5"), title="Rebase me")
    rebased.push({"README.md": "# More\n"})
    shop.settle()
    squashed.merge(method="squash")
    shop.settle()
    assert rows(squashed.newest()) == snapshot(["`api` ✓ deployed ~1"])
    rebased.merge(method="rebase")
    shop.settle()
    assert rows(rebased.newest()) == snapshot(["`network` ✓ deployed ~1", "`db` – no changes", "`api` – no changes"])
    assert headline(rebased.newest()) == snapshot("### Deployed `network`, 2 without changes")


def test_a_merge_that_changes_no_environment_is_quiet(shop: Town) -> None:
    begin(shop)
    pull = shop.pull({"README.md": "# The shop\n"})
    shop.settle()
    commit = pull.merge()
    shop.settle()
    assert pull.ours() == []
    assert check_at(shop, commit) == snapshot("""\
success: Nothing was deployed

Nothing that Headwater has deployed differs from what is deployed. What it never deployed is shown and deployed on a pull request that changes it, or taken over there with `/adopt`.\
""")
    assert shop.tool_log() == []


@on_both
def test_a_failure_is_told_and_tried_again_on_the_merged_pull_request(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(network="n1", db="d1"))
    shop.settle()
    shop.break_("db")
    commit = pull.merge()
    shop.settle()
    assert pull.newest() == snapshot("""\
### Deploy of `db` failed: 1 done, 1 blocked

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ network"]:::good
  n1["✗ db"]:::bad
  n2["⊘ api"]:::stopped
  n0 --> n1
  n1 --> n2
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef bad fill:#cf222e33,stroke:#cf222e,stroke-width:2px
  classDef stopped fill:#cf222e0d,stroke:#cf222e,stroke-dasharray:4 3
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | ✓\xa0deployed | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | ✗\xa0**failed** | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ⊘\xa0blocked by `db` |  |  |

<details open><summary><code>db</code> &nbsp;failed</summary>

```
`apply` failed (exit code 1).

it broke
```

</details>

<details><summary><code>network</code> &nbsp;~1</summary>

```diff
~ network: n0 -> n1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

To try again what is not done, at the same commit:

```
/retry
```

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 4</sub>\
""")
    assert check_at(shop, commit).splitlines()[0] == snapshot("failure: Deploy of db failed: 1 done, 1 blocked")
    story = pull.ours()[-1]
    shop.mend("db")
    assert pull.say("/retry", by="bob") == snapshot("""\
### Deployed `db`, 1 without changes

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ db"]:::good
  n1["– api"]:::quiet
  n0 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef quiet fill:#8c959f1a,stroke:#8c959f
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0deployed | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | –\xa0no changes |  | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: d0 -> d1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<sub>`/retry` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 5</sub>\
""")
    assert shop.tool_log() == snapshot(
        ["network begins", "network deployed", "db begins", "db broke", "db begins", "db deployed"]
    )
    assert rows(shown(story.body)) == ["`network` ✓ deployed ~1", "`db` ✓ deployed ~1", "`api` – no changes"]
    assert headline(shown(story.body)) == "### Deployed 2 environments, 1 without changes"
    assert check_at(shop, commit).startswith("success: Deployed 2 environments")


@on_both
def test_the_next_merge_carries_on_from_what_is_really_deployed(shop: Town) -> None:
    begin(shop)
    broken = shop.pull(shop.environments(network="n1", db="d1"))
    other = shop.pull(shop.environments(api="a1"))
    shop.settle()
    shop.break_("db")
    broken.merge()
    shop.settle()
    shop.mend("db")
    other.merge()
    shop.settle()
    assert shop.tool_log() == snapshot(
        [
            "network begins",
            "network deployed",
            "db begins",
            "db broke",
            "db begins",
            "db deployed",
            "api begins",
            "api deployed",
        ]
    )
    assert rows(other.newest()) == snapshot(["`db` ✓ deployed ~1", "`api` ✓ deployed ~1"])


def test_nothing_tries_a_failed_deploy_again_but_people(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(db="d1"))
    shop.settle()
    shop.break_("db")
    pull.merge()
    shop.settle()
    log = shop.tool_log()
    shop.mend("db")
    sweep(shop.server, "all")
    shop.settle()
    assert shop.tool_log() == log
    assert len(pull.ours()) == 2


def test_an_update_that_nobody_saw_waits_for_approval_on_the_merged_pull_request(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(db="d1"))
    shop.settle()
    shop.drift("db", "by hand")  # what is there is not what was planned against
    pull.merge()
    shop.settle()
    assert pull.newest() == snapshot("""\
### `db` waits for approval: 1 waiting

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["! db"]:::asks
  n1["○ api"]:::idle
  n0 --> n1
  classDef asks fill:#d4a72c40,stroke:#bf8700,stroke-width:2px
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | !\xa0**waits for approval: not the plan that was shown** | ~1 | [job](https://github/acme/shop/actions/runs/RUN) |
| `api` | ○\xa0waits for `db` |  |  |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: by hand -> d1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

For somebody else, to go on with the plan that is shown (`/reject db` calls it off):

```
/approve db
```

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 4</sub>\
""")
    assert shop.tool_log() == []
    assert pull.say("/approve", by="ada") == snapshot("""\
### Not approved

> [!WARNING]
> **This pull request is yours, so you cannot approve what it deploys**. Have somebody else approve it, or set requirements.selfApproval: true on the default branch

<sub>`/approve` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/approve db", by="bob") == snapshot("""\
### `db`: approved

<sub>`/approve db` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert shop.tool_log() == snapshot(["db begins", "db deployed"])
    assert headline(shown(pull.ours()[1].body)) == snapshot("### Deployed `db`, 1 without changes")


def test_what_only_creates_goes_on_though_nobody_saw_it(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(db="d1"))
    shop.settle()
    (shop.tools / "db").unlink()  # somebody took it away by hand: what was shown was an update
    pull.merge()
    shop.settle()
    assert shop.tool_log() == ["db begins", "db deployed"]
    assert rows(pull.newest()) == snapshot(["`db` ✓ deployed +1", "`api` – no changes"])


def test_unseen_plans_apply_lets_updates_go_on(town: Town) -> None:
    shop = town
    shop.setup({"headwater.yml": f"unseenPlans: apply\n{SHOP}", **shop.environments(network="n1", db="d1", api="a1")})
    begin(shop)
    pull = shop.pull(shop.environments(db="d1"))
    shop.settle()
    shop.drift("db", "by hand")
    pull.merge()
    shop.settle()
    assert shop.tool_log() == ["db begins", "db deployed"]
    assert rows(pull.newest()) == snapshot(["`db` ✓ deployed ~1", "`api` – no changes"])


def test_what_was_never_deployed_and_never_shown_is_left_to_people(shop: Town) -> None:
    begin(shop)
    cache = "  cache:\n    vcs: {type: script, path: cache}\n  pages:\n    vcs: {type: script, path: pages}\n    needs: [cache]\n"
    draft = shop.pull({"headwater.yml": SHOP + cache, **shop.environments(cache="c1", pages="p1", db="d1")}, draft=True)
    shop.settle()
    make_ready(draft)  # merged at once: before anybody saw a plan
    shop.stop_server()
    draft.merge()
    shop.start_server()
    shop.settle()
    assert headline(draft.newest()).startswith("### `db` waits for approval")
    assert "Not deployed: `cache` and `pages` were never deployed, and no plan of them was shown." in draft.newest()
    assert shop.tool_log() == snapshot([])
    adopting = shop.pull({"README.md": "# Adopt\n"})
    shop.settle()
    assert re.sub(r"deployment \d+", "deployment N", adopting.say("/adopt")) == snapshot("""\
### Nothing was adopted: 2 environments have changes

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["– cache"]:::quiet
  n1["– pages"]:::quiet
  n0 --> n1
  classDef quiet fill:#8c959f1a,stroke:#8c959f
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `cache` | –\xa0has changes, so it was not adopted | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `pages` | –\xa0has changes, so it was not adopted | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>cache</code> &nbsp;+1</summary>

```diff
+ cache: c1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>pages</code> &nbsp;+1</summary>

```diff
+ pages: p1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/adopt` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment N</sub>\
""")
    adopting.say("/plan cache pages")
    assert headline(adopting.say("/deploy cache pages")) == "### Deployed 2 environments"
    draft.say("/approve", by="bob")
    quiet = shop.pull({"README.md": "# Nothing new\n"})
    quiet.merge()
    shop.settle()
    assert quiet.ours() == []


@on_both
def test_what_another_pull_request_holds_waits_and_goes_on_when_it_is_unlocked(shop: Town) -> None:
    begin(shop)
    holder = shop.pull(shop.environments(db="d1"), by="bob", title="Holds")
    shop.settle()
    holder.say("/deploy")
    pull = shop.pull(shop.environments(network="n2", db="d2"))
    shop.settle()
    (shop.tools / "log").unlink()
    pull.merge()
    shop.settle()
    assert headline(pull.newest()) == "### Deploy is blocked: 1 done, 2 blocked"
    assert "What is locked goes on by itself: [#2]" in pull.newest()
    assert "blocked by `db` ([#2]" in pull.newest()
    assert shop.tool_log() == ["network begins", "network deployed"]
    story = pull.ours()[-1]
    holder.say("/unlock", by="bob")
    assert shop.tool_log() == snapshot(["network begins", "network deployed", "db begins", "db deployed"])
    assert rows(shown(story.body)) == snapshot(["`network` ✓ deployed ~1", "`db` ✓ deployed ~1", "`api` – no changes"])
    assert pull.newest() == shown(story.body)


@on_both
def test_what_waited_is_not_forgotten_when_something_else_is_merged_meanwhile(shop: Town) -> None:
    begin(shop)
    holder = shop.pull(shop.environments(db="d1"), by="bob", title="Holds")
    shop.settle()
    holder.say("/deploy")
    for wanted in ({"db": "d2"}, {"api": "a2"}):
        pull = shop.pull(shop.environments(**wanted))
        shop.settle()
        pull.merge()
        shop.settle()
    assert [row.split()[:2] for row in rows(pull.newest())] == [["`db`", "⊘"], ["`api`", "⊘"]]
    (shop.tools / "log").unlink()
    holder.say("/unlock", by="bob")
    assert shop.tool_log() == ["db begins", "db deployed", "api begins", "api deployed"]


def test_what_waited_is_not_forgotten_for_what_its_holder_never_deployed(shop: Town) -> None:
    begin(shop)
    holder = shop.pull(shop.environments(api="a1"), by="bob", title="Holds")
    shop.settle()
    holder.say("/deploy")
    pull = shop.pull(
        {"api/more": "more\n", "headwater.yml": SHOP.replace("needs: [db]", "needs: [db]\n    requiresApproval: true")}
    )
    shop.settle()
    pull.merge()
    shop.settle()
    assert "locked by [#2]" in pull.newest()
    update_branch(holder, "bob")
    holder.push(shop.environments(api="a3"))
    shop.settle()
    assert headline(holder.say("/deploy")) == "### `api` waits for approval"
    holder.say("/reject", by="ada")
    quiet = shop.pull({"README.md": "# Something else\n"})
    shop.settle()
    quiet.merge()
    shop.settle()
    assert "locked by [#2]" in quiet.newest()
    (shop.tools / "log").unlink()
    holder.say("/unlock", by="bob")
    quiet.say("/approve", by="olga")
    assert shop.tool_log() == ["api begins", "api deployed"]


def test_it_goes_on_by_itself_when_the_holder_is_merged(shop: Town) -> None:
    begin(shop)
    holder = shop.pull(shop.environments(db="d1"), by="bob", title="Holds")
    shop.settle()
    holder.say("/deploy")
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    pull.merge()
    shop.settle()
    assert [row.split()[:2] for row in rows(pull.newest())] == [["`network`", "✓"], ["`db`", "⊘"], ["`api`", "⊘"]]
    (shop.tools / "log").unlink()
    holder.merge(by="ada")
    shop.settle()
    assert shop.tool_log() == snapshot([])
    assert holder.newest() == snapshot("""\
### 2 environments: no changes

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["– db"]:::quiet
  n1["– api"]:::quiet
  n0 --> n1
  classDef quiet fill:#8c959f1a,stroke:#8c959f
```

| Environment | State | Job |
| :-- | :-- | :-- |
| `db` | –\xa0no changes | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | –\xa0no changes |  |

<sub>Merged by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 7</sub>\
""")


def test_what_another_one_holds_is_no_matter_where_the_branch_has_nothing_new_for_it(shop: Town) -> None:
    begin(shop)
    holder = shop.pull(shop.environments(db="d1"), by="bob", title="Holds")
    shop.settle()
    holder.say("/deploy")
    pull = shop.pull({"README.md": "# Something else\n"})
    shop.settle()
    pull.merge()
    shop.settle()
    assert pull.ours() == []


@on_both
def test_merged_while_its_deployment_runs_it_queues_behind(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(network="n1", db="d1"))
    shop.settle()
    shop.hold("network")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    pull.merge()
    shop.wait_for(lambda: len(pull.ours()) == 3)
    assert rows(pull.newest()) == snapshot(
        [
            "`network` ○ queued behind deployment 4 ~1",
            "`db` ○ queued behind deployment 4 ~1",
            "`api` ○ queued behind deployment 4",
        ]
    )
    shop.let_go("network")
    shop.settle()
    assert shop.tool_log() == snapshot(["network begins", "network deployed", "db begins", "db deployed"])
    assert headline(shown(pull.ours()[1].body)) == snapshot("### Deployed 2 environments, 1 without changes")
    assert rows(pull.newest()) == snapshot(["`network` – no changes", "`db` – no changes", "`api` – no changes"])
    assert headline(pull.newest()) == snapshot("### 3 environments: no changes")


def test_a_merge_says_no_to_what_still_waits_for_an_approval_on_its_pull_request(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(
        {
            "headwater.yml": SHOP.replace("needs: [network]", "needs: [network]\n    requiresApproval: true"),
            **shop.environments(db="d1"),
        }
    )
    shop.settle()
    pull.say("/deploy")
    assert headline(pull.newest()) == snapshot("### `db` waits for approval: 1 waiting")
    pull.merge()
    shop.settle()
    assert headline(shown(pull.ours()[1].body)) == snapshot("### Deploy was superseded: 1 blocked, 1 cancelled")
    assert pull.newest() == snapshot("""\
### `db` waits for approval: 1 waiting

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["! db"]:::asks
  n1["○ api"]:::idle
  n0 --> n1
  classDef asks fill:#d4a72c40,stroke:#bf8700,stroke-width:2px
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | State | Changes |
| :-- | :-- | :-- |
| `db` | !\xa0**waits for approval** | ~1 |
| `api` | ○\xa0waits for `db` |  |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: d0 -> d1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

For somebody else, to go on with the plan that is shown (`/reject db` calls it off):

```
/approve db
```

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 5</sub>\
""")
    pull.say("/approve", by="bob")
    assert shop.tool_log() == snapshot(["db begins", "db deployed"])


def test_with_terraform_what_was_shown_is_replaced_and_what_follows_from_it_waits(cloud: Town) -> None:  # noqa: F811
    app = 'variable "vpc_id" { type = string }\nresource "terraform_data" "server" { triggers_replace = var.vpc_id }\n'
    first = cloud.pull({**vpc(cloud, "10.1"), **module(cloud, "app", app), "headwater.yml": WITHOUT_PASSWORD})
    cloud.settle()
    first.merge()
    cloud.settle()
    assert headline(first.newest()) == "### Deployed 2 environments"
    second = cloud.pull(vpc(cloud, "10.2"))
    cloud.settle()
    second.merge()
    cloud.settle()
    assert headline(second.newest()).startswith("### `app` waits for approval: 1 done")
    second.say("/approve", by="bob")
    assert headline(shown(second.ours()[1].body)) == "### Deployed 2 environments"
    assert "vpc-10.2" in (cloud.tools / "app.tfstate").read_text()
