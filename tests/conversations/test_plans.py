"""Plans on the pull request: what people read of them."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.seeing import (
    check_of,
    deployed,
    flat,
    headline,
    headlines,
    jobs,
    plan_of,
    table,
    told,
)
from tests.conversations.town import Town


def test_one_comment_tells_the_plans_and_is_edited_in_place(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    assert pull.plan() == snapshot("""\
### 3 environments: 2 to change, 1 planned at deploy

- `db`: an upstream changes too, so planned again in its turn

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

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop`</sub>\
""")
    said = headlines(plan_of(pull))
    assert said[0].startswith("### Planning 3 environments")
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
- `db`: an upstream changes too, so planned again in its turn

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

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop`</sub>\
""")
    assert pull.checks() == snapshot(
        {"headwater deploy: shop": "neutral", "headwater plan": "failure", "headwater plan: shop": "failure"}
    )
    assert told(check_of(pull, "headwater plan")) == snapshot("""\
failure
1 of 3 plans failed
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

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
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

<sub>`/plan db --only` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
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

- `/plan --only`: &#45;-only what? name the environments. It is written `/plan ENV --only`

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

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
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

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
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

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
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

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")


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

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
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
