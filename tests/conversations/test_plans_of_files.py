"""Plans on the pull request when the workflow files themselves change, or have problems."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import SHOP
from tests.conversations.seeing import (
    check_of,
    deployed,
    flat,
    jobs,
    plan_of,
    remarks,
    table,
    told,
)
from tests.conversations.town import Town

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

- `db`: an upstream changes too, so planned again in its turn

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

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop`</sub>\
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

Merging this deploys what is shown here. To deploy it before the merge:

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

<sub>`/deploy --workflow site` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `site` · deployment 3</sub>\
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

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
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

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
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

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
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
