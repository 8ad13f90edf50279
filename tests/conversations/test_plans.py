"""Plans on the pull request: what people read of them, from the first push to the last."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from inline_snapshot import snapshot

from tests.conversations.conftest import SHOP
from tests.conversations.seeing import (
    check_of,
    deployed,
    flat,
    headline,
    headlines,
    jobs,
    plan_of,
    remarks,
    table,
    told,
)
from tests.conversations.town import Town
from tests.github.world import requests as asking


def slow_plan(town: Town, name: str) -> dict[str, object]:
    """A plan that ends only once the file `go-NAME` lies beside what the tools write down."""
    text = f"#!/bin/sh\necho '{name} plans' >> {town.tools}/log\nuntil [ -e {town.tools}/go-{name} ]; do sleep 0.05; done\nexit 0\n"
    return {f"{name}/plan": ("100755", text)}


def test_one_comment_tells_the_plans_and_is_edited_in_place(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    assert pull.plan() == snapshot("""\
### 3 environments: 2 to change, 1 planned at deploy

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["network<br/>+1"]:::good
  n1["db<br/>+1"]:::good
  n2["api"]:::idle
  n0 --> n1
  n1 --> n2
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `network` | +1 | `network/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | +1 | downstream of `network` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ○\xa0after `db` | downstream of `db` | script |  |

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

To deploy what is shown here:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · shop</sub>\
""")
    said = headlines(plan_of(pull))
    assert said[0] == "### Planning 3 environments"
    assert said[-1] == "### 3 environments: 2 to change, 1 planned at deploy"
    assert len(said) <= 4
    assert pull.checks() == snapshot(
        {"headwater deploy: shop": "neutral", "headwater plan": "success", "headwater plan: shop": "success"}
    )
    assert told(check_of(pull, "headwater plan")) == snapshot("""\
success
3 environments planned
See the plan comment.\
""")
    assert told(check_of(pull, "headwater plan: shop")) == snapshot("""\
success
3 environments: 2 to change, 1 planned at deploy
| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `network` | +1 | `network/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | +1 | downstream of `network` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ○\xa0after `db` | downstream of `db` | script |  |

To deploy what is shown here:

```
/deploy
```
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

</details>\
""")
    assert told(check_of(pull, "headwater deploy: shop")) == snapshot("""\
neutral
Nothing is deployed yet
Deploys of this commit will stand here.\
""")
    assert jobs(shop) == snapshot(["network success", "db success"])
    first = pull.head
    pull.push(shop.environments(db="d2"))
    shop.settle()
    assert table(plan_of(pull).body) == snapshot(
        [
            "| `network` | +1 | `network/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |",
            "| `db` | +1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |",
            "| `api` | ○\xa0after `db` | downstream of `db` | script |  |",
        ]
    )
    assert len(pull.ours()) == 1
    assert check_of(pull, "headwater plan: shop", first).conclusion == "success"
    assert shop.tool_log() == []


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
2 environments planned, 1 cancelled
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


def test_where_nothing_is_affected_the_check_says_so_and_there_is_no_comment(shop: Town) -> None:
    pull = shop.pull({"README.md": "# The shop\n"})
    shop.settle()
    assert pull.ours() == []
    assert pull.checks() == {"headwater plan": "success"}
    assert told(check_of(pull, "headwater plan")) == snapshot("""\
success
Nothing is affected
No environment reads what this pull request changes.\
""")
    pull.push(shop.environments(api="a2"))
    shop.settle()
    assert headline(plan_of(pull).body) == snapshot("### `api`: planned at deploy")
    pull.push(shop.environments(api="a1"))  # taken back
    shop.settle()
    assert pull.plan() == snapshot("""\
### No environment is affected

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.checks() == snapshot({"headwater plan": "success"})


BROKEN = """name: shop
environments:
  network:
    vcs: {type: script, path: network}
    needs: [databse]
  db:
    vcs: {type: script, path: gone}
    need: [network]
  api:
    vcs: {type: script, path: api}
    needs: [api]
"""


def test_problems_of_the_definition_are_told_all_at_once_where_they_are(shop: Town) -> None:
    pull = shop.pull({"headwater.yml": BROKEN})
    shop.settle()
    assert pull.plan() == snapshot("""\
### 4 problems in the workflow files

- [`headwater.yml:5:13`](https://github/acme/shop/blob/COMMIT/headwater.yml#L5) 'network' needs 'databse', which is not an environment of this file: add it, or take it out
- [`headwater.yml:7:31`](https://github/acme/shop/blob/COMMIT/headwater.yml#L7) the path 'gone' does not exist: write a folder of this repository, from its root
- [`headwater.yml:8:5`](https://github/acme/shop/blob/COMMIT/headwater.yml#L8) unknown key 'need' in an environment: did you mean `needs`?
- [`headwater.yml:11:13`](https://github/acme/shop/blob/COMMIT/headwater.yml#L11) 'api' needs itself (api -&#62; api): take it out

Push a commit that mends this; it is read again at once.

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.checks() == snapshot({"headwater plan": "failure"})
    assert told(check_of(pull, "headwater plan")) == snapshot("""\
failure
4 problems in the workflow files
- `headwater.yml:5:13` 'network' needs 'databse', which is not an environment of this file: add it, or take it out
- `headwater.yml:7:31` the path 'gone' does not exist: write a folder of this repository, from its root
- `headwater.yml:8:5` unknown key 'need' in an environment: did you mean `needs`?
- `headwater.yml:11:13` 'api' needs itself (api -&#62; api): take it out\
""")
    assert remarks(check_of(pull, "headwater plan")) == snapshot(
        [
            "headwater.yml:5: failure: 'network' needs 'databse', which is not an environment of this file: add it, or take it out",
            "headwater.yml:7: failure: the path 'gone' does not exist: write a folder of this repository, from its root",
            "headwater.yml:8: failure: unknown key 'need' in an environment: did you mean `needs`?",
            "headwater.yml:11: failure: 'api' needs itself (api -> api): take it out",
        ]
    )
    assert jobs(shop) == []
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **The workflow files have problems**. Push a commit that mends what the plan comment tells

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.push({"headwater.yml": SHOP.replace("name: shop", "name: store")})
    shop.settle()
    assert pull.plan() == snapshot("""\
### No environment is affected

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.checks() == snapshot({"headwater plan": "success"})


def test_an_undefined_variable_stops_its_workflow_alone(shop: Town) -> None:
    other = "name: other\nenvironments:\n  web:\n    vcs: {type: script, path: web}\n    disabled: ${NO_WEB}\n"
    pull = shop.pull({"more/env0.workflow.yml": other, **shop.environments(network="n2", web="w1")})
    shop.settle()
    assert pull.plan() == snapshot("""\
### 1 problem in the workflow files

- [`more/env0.workflow.yml:3:3`](https://github/acme/shop/blob/COMMIT/more/env0.workflow.yml#L3) `disabled` of 'web': <span>&#36;</span>{NO_WEB} has no value: add NO_WEB under `variables`, give it with -v NO_WEB=VALUE, or write <span>&#36;</span><span>&#36;</span>{NO_WEB} for the text itself

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["network<br/>+1"]:::good
  n1["db<br/>+1"]:::good
  n2["api"]:::idle
  n0 --> n1
  n1 --> n2
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `network` | +1 | `network/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | +1 | downstream of `network` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ○\xa0after `db` | downstream of `db` | script |  |

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

Push a commit that mends this; it is read again at once.

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · shop</sub>\
""")
    assert pull.checks() == snapshot(
        {"headwater deploy: shop": "neutral", "headwater plan": "failure", "headwater plan: shop": "success"}
    )


def test_each_workflow_has_its_part_and_its_checks(shop: Town) -> None:
    other = "name: site\nenvironments:\n  web:\n    vcs: {type: script, path: web}\n"
    shop.commit({"site/env0.workflow.yml": other, **shop.environments(web="w1")})
    shop.settle()
    pull = shop.pull(shop.environments(db="d2", web="w2"))
    shop.settle()
    assert pull.plan() == snapshot("""\
### 3 environments: 2 to change, 1 planned at deploy

#### `shop`

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["db<br/>+1"]:::good
  n1["api"]:::idle
  n0 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | +1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ○\xa0after `db` | downstream of `db` | script |  |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: d2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

#### `site`

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `web` | +1 | `web/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>web</code> &nbsp;+1</summary>

```diff
+ web: w2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

To deploy what is shown here:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.checks() == snapshot(
        {
            "headwater deploy: shop": "neutral",
            "headwater deploy: site": "neutral",
            "headwater plan": "success",
            "headwater plan: shop": "success",
            "headwater plan: site": "success",
        }
    )
    assert pull.say("/deploy --workflow site") == snapshot("""\
### Deployed `web`

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `web` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>web</code> &nbsp;+1</summary>

```diff
+ web: w2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/deploy --workflow site` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · site · deployment 3</sub>\
""")
    assert shop.tool_log() == ["web begins", "web deployed"]
    assert pull.checks() == snapshot(
        {
            "headwater deploy: shop": "neutral",
            "headwater deploy: site": "success",
            "headwater plan": "success",
            "headwater plan: shop": "success",
            "headwater plan: site": "success",
        }
    )


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

Push a commit that mends this. To plan again as it is:

```
/plan db
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · shop</sub>\
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


def test_a_plan_that_fails_is_told_first_and_can_be_made_again(shop: Town) -> None:
    pull = shop.pull({**shop.environments(network="n2"), "db/fails-to-plan": "yes\n"})
    shop.settle()
    assert pull.plan() == snapshot("""\
### 3 environments: 1 failed, 1 to change, 1 planned at deploy

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["network<br/>+1"]:::good
  n1["db"]:::bad
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
| `db` | ✗\xa0**failed** | `db/fails-to-plan` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ○\xa0after `db` | downstream of `db` | script |  |

<details open><summary><code>db</code> &nbsp;failed</summary>

```
`plan` failed (exit code 1).

no plan today
```

</details>

<details><summary><code>network</code> &nbsp;+1</summary>

```diff
+ network: n2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

Push a commit that mends this. To plan again as it is:

```
/plan db
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · shop</sub>\
""")
    assert pull.checks() == snapshot(
        {"headwater deploy: shop": "neutral", "headwater plan": "failure", "headwater plan: shop": "failure"}
    )
    assert told(check_of(pull, "headwater plan")) == snapshot("""\
failure
3 environments planned, 1 failed
See the plan comment.\
""")
    assert pull.say("/deploy") == snapshot("""\
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
| `network` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | ✗\xa0**failed** |  | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ⊘\xa0blocked by `db` |  |  |

<details open><summary><code>db</code> &nbsp;failed</summary>

```
`plan` failed (exit code 1).

no plan today
```

</details>

<details><summary><code>network</code> &nbsp;+1</summary>

```diff
+ network: n2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

To try again what is not done, at the same commit:

```
/retry
```

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · shop · deployment 2</sub>\
""")
    pull.push({"db/fails-to-plan": None})
    shop.settle()
    assert headline(plan_of(pull).body) == snapshot("### 3 environments: 1 to change, 1 planned at deploy")


def test_a_selection_is_planned_below_its_command(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2", db="d2"))
    shop.settle()
    before = plan_of(pull).body
    assert pull.say("/plan db --only") == snapshot("""\
### Planned `db`

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0planned | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: d2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/plan db --only` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · shop · deployment 2</sub>\
""")
    assert plan_of(pull).body == before
    assert pull.say("/plan nothing-like-it") == snapshot("""\
### Not planned

> [!WARNING]
> **No environment is called 'nothing-like-it'**. Known are: api, db, network

<sub>`/plan nothing-like-it` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/plan --only") == snapshot("""\
### That was not understood

- `/plan --only`: &#45;-only what? name the environments. Did you mean `/plan ENV --only`?

<sub>`/plan --only` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_values_are_planned_with_shown_deployed_and_kept(town: Town) -> None:
    sized = flat("db", "web").replace("path: db}\n", "path: db}\n    variables: {SIZE: small}\n")
    here = f"{town.tools}/db"
    plan = f"""#!/bin/sh
here=$(cat {here} 2>/dev/null)
[ "$here" = "$SIZE" ] && exit 0
echo "~ db: $here -> $SIZE"; echo 'Plan: 0 to add, 1 to change, 0 to destroy.'; exit 2
"""
    files = {"db/plan": ("100755", plan), "db/apply": ("100755", f'#!/bin/sh\necho "$SIZE" > {here}\n')}
    town.setup({"headwater.yml": sized, **town.environments(db="d1", web="w1"), **files})
    pull = town.pull({"db/wanted": "d2\n"})
    town.settle()
    assert "~ db:  -> small" in pull.plan()
    assert pull.say("/deploy db -v SIZE=large") == snapshot("""\
### That was not understood

- `/deploy db -v SIZE=large`: `/deploy` takes no -v: values belong to the plan that people review, so plan with them first, then write `/deploy`. Did you mean `/plan -v SIZE=large`?

<sub>`/deploy db -v SIZE=large` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/plan -v SIZE=large") == snapshot("""\
### The plan comment shows it

<sub>`/plan -v SIZE=large` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.plan() == snapshot("""\
### `db`: 1 to change

- given with `/plan -v`, kept once this is deployed: SIZE

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ~1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db:  -> large
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

To deploy what is shown here:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · flat</sub>\
""")
    pull.say("/deploy")
    assert (town.tools / "db").read_text() == "large\n"
    pull.merge()
    town.settle()
    later = town.pull({"db/wanted": "d3\n"})
    town.settle()
    assert later.plan() == snapshot("""\
### `db`: no changes

- kept values beat the files: SIZE (`/plan --forget KEY` drops one)

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | no\xa0changes | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · flat</sub>\
""")
    assert later.say("/plan --forget SIZE") == snapshot("""\
### The plan comment shows it

<sub>`/plan --forget SIZE` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert later.plan() == snapshot("""\
### `db`: 1 to change

- the files' own values hold again once this is deployed: SIZE

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ~1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: large -> small
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

To deploy what is shown here:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · flat</sub>\
""")
    later.say("/plan -v COLOUR=red")
    assert "COLOUR" in later.plan()
    assert "~ db: large -> small" in later.plan()


def test_another_pull_request_that_holds_the_lock_is_named(town: Town) -> None:
    town.setup({"headwater.yml": flat("db", "web"), **town.environments(db="d1", web="w1")})
    one = town.pull(town.environments(db="d2"), by="ada")
    town.settle()
    one.say("/deploy")
    other = town.pull(town.environments(web="w2", db="d3"), by="bob")
    town.settle()
    assert other.plan() == snapshot("""\
### 2 environments: 2 to change

- `db`: locked by [#1](https://github/acme/shop/pull/1), deployed once that is merged, restored or unlocked

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ~1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `web` | +1 | `web/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: d2 -> d3
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<details><summary><code>web</code> &nbsp;+1</summary>

```diff
+ web: w2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

To deploy what is shown here:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · flat</sub>\
""")


def test_what_is_lost_stands_first(shop: Town) -> None:
    loses = "#!/bin/sh\necho '- a table'\necho 'Plan: 1 to add, 0 to change, 3 to destroy.'\nexit 2\n"
    pull = shop.pull({**shop.environments(network="n2"), "db/plan": ("100755", loses)})
    shop.settle()
    assert pull.plan() == snapshot("""\
### 3 environments: 2 to change, 1 destroys 3 resources, 1 planned at deploy

> [!CAUTION]
> `db` destroys 3 resources

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

To deploy what is shown here:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · shop</sub>\
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


def test_what_is_taken_out_of_the_file_is_forgotten_or_destroyed_as_the_file_says(town: Town) -> None:
    town.setup({"headwater.yml": flat("db", "web"), **town.environments(db="d1", web="w1")})
    deployed(town, town.environments(db="d2", web="w2"))
    pull = town.pull({"headwater.yml": flat("db")}, title="Without web")
    town.settle()
    assert pull.plan() == snapshot("""\
### Nothing to plan

- web is gone from headwater.yml: it will be forgotten; what it deployed at COMMIT7 stays as it is

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.checks() == snapshot(
        {"headwater deploy: flat": "neutral", "headwater plan": "success", "headwater plan: flat": "success"}
    )
    pull.push({"headwater.yml": flat("db", head="settings: {environmentRemovalStrategy: destroy}\n")})
    town.settle()
    assert pull.plan() == snapshot("""\
### `web`: destroys 1 resource

> [!CAUTION]
> `web` (gone from the file) destroys 1 resource: `web`

- web is gone from headwater.yml: its destroy waits for approval

| Environment | Plan | Why | Job |
| :-- | :-- | :-- | :-- |
| `web` | <b>-1</b> | removed from the file | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>web</code> &nbsp;<b>-1</b></summary>

```diff
destroy web
```

</details>

`web`: destroyed after the merge, once somebody approves it there.

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · flat</sub>\
""")
    assert pull.checks() == snapshot(
        {"headwater deploy: flat": "neutral", "headwater plan": "success", "headwater plan: flat": "success"}
    )
    assert pull.say("/deploy") == snapshot("""\
### Nothing to deploy: no environment reads what this pull request changes

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []


def test_a_renamed_environment_keeps_what_it_has(town: Town) -> None:
    town.setup({"headwater.yml": flat("db", "web"), **town.environments(db="d1", web="w1")})
    deployed(town, town.environments(db="d2", web="w2"))
    renamed = flat("db", "web").replace("  web:\n", "  site:\n")
    pull = town.pull({"headwater.yml": renamed, **town.environments(db="d3")}, title="Call it a site")
    town.settle()
    assert pull.plan() == snapshot("""\
### 2 environments: 1 to change

- web is now site: its state and history go along

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ~1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `site` | no\xa0changes | from web | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: d2 -> d3
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

To deploy what is shown here:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · flat</sub>\
""")
    both = flat("db", "web", head="settings: {environmentRemovalStrategy: destroy}\n")
    both = both.replace("  web:\n    vcs: {type: script, path: web}", "  site:\n    vcs: {type: script, path: pages}")
    pull.push({"headwater.yml": both, **town.environments(pages="w2")})
    town.settle()
    assert pull.plan() == snapshot("""\
### 2 environments: 2 to change

- web is gone from headwater.yml, and is left as it is: renamed? say `movedFrom: web`. Or: `/destroy` web

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ~1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `site` | +1 | new | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: d2 -> d3
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<details><summary><code>site</code> &nbsp;+1</summary>

```diff
+ pages: w2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

To deploy what is shown here:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · flat</sub>\
""")


def test_a_stale_pull_request_does_not_take_out_what_main_got_since(town: Town) -> None:
    """T10: what is changed is told from where the pull request left main, not from main's tip."""
    town.setup({"headwater.yml": flat("db", "web"), **town.environments(db="d1", web="w1")})
    stale = town.pull(town.environments(web="w2"), title="Old")
    town.settle()
    deployed(town, {"headwater.yml": flat("db", "web", "mail"), **town.environments(db="d2", mail="m1")}, "Mail")
    stale.push(town.environments(web="w3"))
    town.settle()
    assert table(plan_of(stale).body) == snapshot(
        ["| `web` | +1 | `web/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |"]
    )
    assert "mail" not in stale.plan()


def test_a_plan_whose_upstream_changes_too_is_said_to_be_early(town: Town) -> None:
    reads = "  web:\n    vcs: {type: script, path: web}\n    variables: {DB: '${environments.db.outputs.id}'}\n"
    town.setup({"headwater.yml": flat("db", more=reads), **town.environments(db="d1", web="w1")})
    deployed(town, town.environments(db="d2"))
    pull = town.pull(town.environments(db="d3", web="w3"))
    town.settle()
    assert pull.plan() == snapshot("""\
### 2 environments: 2 to change

- `web`: an upstream changes too, so planned again in its turn

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["db<br/>~1"]:::asks
  n1["web<br/>~1"]:::asks
  n0 --> n1
  classDef asks fill:#d4a72c40,stroke:#bf8700,stroke-width:2px
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ~1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `web` | ~1 | `web/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: d2 -> d3
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<details><summary><code>web</code> &nbsp;~1</summary>

```diff
~ web: w1 -> w3
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

To deploy what is shown here:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · flat</sub>\
""")


def test_three_hundred_environments_are_told_in_one_comment(town: Town) -> None:
    many = [f"service-{number:03}" for number in range(299)]
    lines = [
        f"  {name}:\n    vcs: {{type: script, path: service}}\n    workspace: {name}\n"
        "    variables: {ROOT: '${environments.root.outputs.id}'}\n"
        for name in many
    ]
    big = "#!/bin/sh\nfor n in $(seq 4000); do echo \"+ a line of the plan that is rather long, $n\"; done\necho 'Plan: 4000 to add, 0 to change, 0 to destroy.'\nexit 2\n"
    town.setup({"headwater.yml": flat("root", more="".join(lines)), **town.environments(root="r1", service="s1")})
    pull = town.pull({"root/plan": ("100755", big)})
    town.settle()
    body = plan_of(pull).body
    assert headline(body) == snapshot("### 300 environments: 1 to change, 299 planned at deploy")
    assert len(body) <= 65_536
    assert len(table(body)) == 300
    assert body.count("```") % 2 == 0
    assert body.count("<details>") == body.count("</details>")
    check = check_of(pull, "headwater plan: flat")
    assert all(len((check.output[part] or "").encode()) <= 65_535 for part in ("summary", "text"))
    assert len(plan_of(pull).history) <= 10
