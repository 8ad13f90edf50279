"""Plans on the pull request when something moves: pushes, other bases, closing, lost jobs, checks asked for again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from inline_snapshot import snapshot

from tests.conversations.conftest import SHOP
from tests.conversations.seeing import (
    check_of,
    jobs,
    plan_of,
    table,
    told,
)
from tests.conversations.town import Town
from tests.conversations.workflows import workflow
from tests.github.world import requests as asking


def slow_plan(town: Town, name: str) -> dict[str, object]:
    """A plan that ends only once the file `go-NAME` lies beside what the tools write down."""
    text = f"#!/bin/sh\necho '{name} plans' >> {town.tools}/log\nuntil [ -e {town.tools}/go-{name} ]; do sleep 0.05; done\nexit 0\n"
    return {f"{name}/plan": ("100755", text)}


def test_a_push_takes_the_place_of_a_running_plan_and_cancels_its_jobs(shop: Town) -> None:
    pull = shop.pull(slow_plan(shop, "db"))
    shop.wait_for(lambda: "db plans" in shop.tool_log())
    first = pull.head
    pull.push(shop.environments(db="d2"))
    shop.settle()
    assert shop.tool_log() == ["db plans"]
    assert jobs(shop) == snapshot(["db failure", "db success"])
    assert shop.tasks() == snapshot(
        [
            "1 db plan cancelled cancelled",
            "1 api plan skipped after-upstream",
            "2 db plan succeeded done",
            "2 api plan skipped after-upstream",
        ]
    )
    assert table(plan_of(pull).body) == snapshot(
        [
            "| `db` | +1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |",
            "| `api` | ○\xa0after `db` | downstream of `db` | script |  |",
        ]
    )
    assert len(pull.ours()) == 1
    assert told(check_of(pull, "headwater plan: shop", first)) == snapshot("""\
cancelled
2 environments: 1 cancelled, 1 planned at deploy
| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ⊘\xa0cancelled | `db/plan` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ○\xa0after `db` | downstream of `db` | script |  |\
""")
    assert told(check_of(pull, "headwater plan", first)) == snapshot("""\
cancelled
1 of 2 plans cancelled
See the plan comment.\
""")
    assert pull.checks() == snapshot(
        {"headwater deploy: shop": "neutral", "headwater plan": "success", "headwater plan: shop": "success"}
    )


def test_jobs_of_a_former_head_that_have_not_begun_are_cancelled_at_github(shop: Town) -> None:
    shop.github.actions.start_delay = 30.0
    pull = shop.pull(shop.environments(network="n2"))
    shop.wait_for(lambda: any(job.due > 0 for run in shop.repository.runs.values() for job in run.jobs))
    first = next(iter(shop.repository.runs.values()))
    shop.github.actions.start_delay = 0.0
    pull.push(shop.environments(network="n3"))
    shop.settle()
    assert first.conclusion == "cancelled"
    assert "+ network: n3" in pull.plan()
    assert len(pull.ours()) == 1


def test_another_base_branch_is_another_comparison(shop: Town) -> None:
    shop.commit(shop.environments(network="n2"), branch="release", start="main")
    pull = shop.pull(shop.environments(api="a2"), base="release")
    shop.settle()
    assert table(plan_of(pull).body) == snapshot(["| `api` | ○\xa0after `db` | `api/wanted` | script |"])
    world = shop.github.world
    asking.edit_pull(world, shop.repository, pull.pull, world.user("ada"), base="main")
    shop.settle()
    assert table(plan_of(pull).body) == snapshot(
        [
            "| `network` | +1 | `network/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |",
            "| `db` | +1 | downstream of `network` | script | [N s](https://github/acme/shop/actions/runs/RUN) |",
            "| `api` | ○\xa0after `db` | `api/wanted` | script |  |",
        ]
    )
    assert len(pull.ours()) == 1


def test_closed_and_reopened_it_is_planned_again_where_closing_cut_the_plan_off(shop: Town) -> None:
    pull = shop.pull(slow_plan(shop, "db"))
    shop.wait_for(lambda: "db plans" in shop.tool_log())
    pull.close()
    shop.settle()
    assert pull.plan() == snapshot("""\
### 2 environments: 1 cancelled, 1 planned at deploy

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["db"]:::stopped
  n1["api"]:::idle
  n0 --> n1
  classDef stopped fill:#cf222e0d,stroke:#cf222e,stroke-dasharray:4 3
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ⊘\xa0cancelled | `db/plan` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ○\xa0after `db` | downstream of `db` | script |  |

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop`</sub>\
""")
    (shop.tools / "go-db").touch()
    pull.reopen()
    shop.settle()
    assert table(plan_of(pull).body) == snapshot(
        [
            "| `db` | no\xa0changes | `db/plan` | script | [N s](https://github/acme/shop/actions/runs/RUN) |",
            "| `api` | ○\xa0after `db` | downstream of `db` | script |  |",
        ]
    )
    assert pull.checks() == snapshot(
        {"headwater deploy: shop": "neutral", "headwater plan": "success", "headwater plan: shop": "success"}
    )
    assert len(pull.ours()) == 1


def test_what_is_lost_stands_first(shop: Town) -> None:
    loses = "#!/bin/sh\necho '- a table'\necho 'Plan: 1 to add, 0 to change, 3 to destroy.'\nexit 2\n"
    pull = shop.pull({**shop.environments(network="n2"), "db/plan": ("100755", loses)})
    shop.settle()
    assert pull.plan() == snapshot("""\
### 3 environments: 2 to change, 1 destroys 3 resources, 1 planned at deploy

> [!CAUTION]
> `db` destroys 3 resources

- `db`: an upstream changes too, so planned again in its turn

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["network<br/>+1"]:::good
  n1["db<br/>+1 -3"]:::bad
  n2["api"]:::idle
  n0 --> n1
  n1 --> n2
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef bad fill:#cf222e33,stroke:#cf222e,stroke-width:2px
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `network` | +1 | `network/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | +1\xa0<b>-3</b> | `db/plan` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ○\xa0after `db` | downstream of `db` | script |  |

<details><summary><code>network</code> &nbsp;+1</summary>

```diff
+ network: n2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>db</code> &nbsp;+1\xa0<b>-3</b></summary>

```diff
- a table
Plan: 1 to add, 0 to change, 3 to destroy.
```

</details>

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop`</sub>\
""")


def test_edits_of_a_comment_are_some_seconds_apart(make_town: Callable[..., Town]) -> None:
    town = make_town(edit_seconds=1.0)
    town.setup({"headwater.yml": SHOP, **town.environments(network="n1", db="d1", api="a1")})
    pull = town.pull(town.environments(network="n2"))
    town.settle()
    for number in range(3):
        pull.push(town.environments(network=f"n{number}"))
    town.settle()
    moments = [at.timestamp() for at, _ in plan_of(pull).history]
    assert all(later - earlier >= 0.95 for earlier, later in itertools.pairwise(moments))


def test_the_end_of_many_plans_is_told_at_once(make_town: Callable[..., Town]) -> None:
    """Progress is told ever less often: it never uses up the edits that a minute has."""
    town = make_town(edits_a_minute=10, edit_seconds=0.1)
    aliases = [f"e{number:02}" for number in range(16)]
    before, after = (town.environments(**dict.fromkeys(aliases, wanted)) for wanted in ("1", "2"))
    town.setup({"headwater.yml": workflow(dict.fromkeys(aliases, "")), **before})
    town.github.actions.most_jobs = 1
    pull = town.pull(after)
    town.wait_for(lambda: len(town.tasks()) == 16 and all(" succeeded " in one for one in town.tasks()), 60)
    ended = time.time()
    town.wait_for(lambda: "### 16 environments: 16 to change" in plan_of(pull).body)
    assert time.time() - ended < 20
    assert len(plan_of(pull).history) > 2


def test_a_deleted_plan_comment_is_posted_anew(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    first = plan_of(pull)
    asking.delete_comment(shop.github.world, shop.repository, first, shop.github.world.user("ada"))
    pull.push(shop.environments(network="n3"))
    shop.settle()
    assert plan_of(pull).id != first.id
    assert len(pull.ours()) == 1


def test_checks_are_made_again_when_somebody_asks(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    planned = len(jobs(shop))
    world = shop.github.world
    check = check_of(pull, "headwater plan: shop")
    world.emit("check_run", world.user("ada"), shop.repository, "rerequested", check.suite.app, check_run=check)
    shop.settle()
    assert len(jobs(shop)) == 2 * planned
    assert pull.checks() == snapshot(
        {"headwater deploy: shop": "neutral", "headwater plan": "success", "headwater plan: shop": "success"}
    )
    assert len(pull.ours()) == 1
    world.emit(
        "check_suite", world.user("ada"), shop.repository, "rerequested", check.suite.app, check_suite=check.suite
    )
    shop.settle()
    assert len(jobs(shop)) == 3 * planned
    assert len(pull.ours()) == 1


def test_a_merge_queue_gets_the_check_that_it_waits_for(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    world, main = shop.github.world, shop.repository.git.branch("main")
    tree = shop.repository.git.merged_tree(main, pull.head)
    merged = shop.repository.git.commit(tree, (main, pull.head), "merge", world.author(world.user("ada")))
    head_ref = f"refs/heads/gh-readonly-queue/main/pr-{pull.number}-{main}"
    shop.repository.git.set(head_ref, merged)
    world.emit(
        "merge_group", world.user("ada"), shop.repository, "checks_requested",
        head_sha=merged, base_sha=main, head_ref=head_ref, base_ref="refs/heads/main",
    )  # fmt: skip
    shop.settle()
    assert told(check_of(pull, "headwater plan", merged)) == snapshot("""\
success
Planned on the pull request
A merge queue's commit is deployed once it is merged.\
""")
