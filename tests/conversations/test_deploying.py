"""`/deploy` and `/retry`: what is deployed, in which order, how often, and what keeps it."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import on_both
from tests.conversations.town import Town, shown
from tests.conversations.workflows import workflow
from tests.github.world.pushing import move


@on_both
def test_all_of_it_in_order(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    said = pull.comment("/deploy")
    shop.settle()
    assert pull.reactions(said) == ["eyes"]
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

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert shop.tool_log() == [
        "network begins", "network deployed", "db begins", "db deployed", "api begins", "api deployed",
    ]  # fmt: skip
    assert pull.checks() == snapshot(
        {"headwater deploy: shop": "success", "headwater plan": "success", "headwater plan: shop": "success"}
    )
    assert pull.say("/deploy") == snapshot("""\
### Nothing is left to deploy: `network`, `db` and `api` are at this commit already

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert len(shop.tool_log()) == 6


def test_of_one_with_what_it_affects_downstream(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    assert pull.say("/deploy db") == snapshot("""\
### Not deployed

> [!WARNING]
> **Not deployed, but needed upstream**: `network`. Select them too, or deploy them first; --only leaves out what lies downstream

<sub>`/deploy db` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.say("/deploy network --only")
    assert shop.tool_log() == ["network begins", "network deployed"]
    assert pull.say("/deploy DB") == snapshot("""\
### Deployed 2 environments

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ db"]:::good
  n1["✓ api"]:::good
  n0 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

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

<sub>`/deploy DB` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
    assert shop.tool_log()[2:] == ["db begins", "db deployed", "api begins", "api deployed"]


def test_globs_workflows_and_all_downstream(town: Town) -> None:
    shop = workflow({"web-eu": "", "web-us": "", "cache": "", "jobs": "cache"})
    tools = workflow({"cache": ""}, name="tools").replace("path: cache", "path: tools-cache")
    files = town.environments(**{"web-eu": "1", "web-us": "1", "cache": "1", "jobs": "1", "tools-cache": "1"})
    town.setup({"shop/headwater.yml": shop, "tools/headwater.yml": tools, **files})
    pull = town.pull(town.environments(**{"web-eu": "2", "web-us": "2", "cache": "2", "tools-cache": "2"}))
    town.settle()
    assert pull.say("/deploy cache") == snapshot("""\
### Not deployed

> [!WARNING]
> **'cache' is in several workflows: shop, tools**. Say which with --workflow NAME

<sub>`/deploy cache` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.say("/deploy web-*")
    assert sorted(town.tool_log()) == ["web-eu begins", "web-eu deployed", "web-us begins", "web-us deployed"]
    assert pull.say("/deploy 'cache' --workflow tools") == snapshot("""\
### Deployed `cache`

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `cache` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>cache</code> &nbsp;+1</summary>

```diff
+ tools-cache: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/deploy 'cache' --workflow tools` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `tools` · deployment 4</sub>\
""")
    pull.say("/deploy --from cache --workflow shop")
    assert town.tool_log()[6:] == ["cache begins", "cache deployed", "jobs begins", "jobs deployed"]
    assert pull.say("/deploy cahce --workflow shop") == snapshot("""\
### Not deployed

> [!WARNING]
> **No environment is called 'cahce'**. Did you mean 'cache'?

<sub>`/deploy cahce --workflow shop` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/deploy --workflow shpo") == snapshot("""\
### Not deployed

> [!WARNING]
> **There is no workflow called 'shpo'**. Did you mean 'shop'?

<sub>`/deploy --workflow shpo` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_several_commands_in_one_comment_run_in_order(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    answers = pull.say("First the network:\n\n/deploy network --only\n/deploy db --only\n\n/plan api\n")
    assert shop.tool_log() == ["network begins", "network deployed", "db begins", "db deployed"]
    assert answers == snapshot("""\
### Deployed `network`

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>network</code> &nbsp;+1</summary>

```diff
+ network: n2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/deploy network --only` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>

### Deployed `db`

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: d1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/deploy db --only` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>

### Planned `api`

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `api` | ✓\xa0planned | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>api</code> &nbsp;+1</summary>

```diff
+ api: a1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/plan api` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 4</sub>\
""")


def test_of_nothing(shop: Town) -> None:
    pull = shop.pull({"README.md": "# A better shop\n"})
    shop.settle()
    assert pull.say("/deploy") == snapshot("""\
### Nothing to deploy: no environment reads what this pull request changes

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.checks() == snapshot({"headwater plan": "success"})


def test_not_what_could_not_be_planned(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": "", "cdn": ""}), **town.environments(db="1", cdn="1")})
    pull = town.pull({**town.environments(cdn="2"), "db/fails-to-plan": ""})
    town.settle()
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **Could not be planned: `db`**. Mend that first, or name what else to deploy

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.say("/deploy cdn")
    assert town.tool_log() == ["cdn begins", "cdn deployed"]


@on_both
def test_a_retry_waits_for_what_is_at_work_and_needed(town: Town) -> None:
    """Tried again without it, `api` would be deployed upon the network as it was before, if that one fails too."""
    files = town.environments(network="1", db="1", api="1")
    town.setup({"headwater.yml": workflow({"network": "", "db": "", "api": "network db"}), **files})
    pull = town.pull(town.environments(network="2", db="2", api="2"))
    town.settle()
    town.hold("network")
    town.break_("network")
    town.break_("db")
    pull.comment("/deploy")
    town.wait_for(lambda: "2 api deploy blocked upstream" in " ".join(town.tasks()))
    town.mend("db")
    asked = pull.comment("/retry", by="bob")
    town.wait_for(lambda: "until network has ended" in pull.newest())
    assert shown(pull.newest()) == snapshot("""\
### Waits until network has ended: what failed needs it

<sub>`/retry` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    town.let_go("network")
    town.wait_for(lambda: "network broke" in town.tool_log())
    town.mend("network")
    town.settle()
    assert pull.reactions(asked) == ["eyes"]
    log = town.tool_log()
    assert log[-2:] == ["api begins", "api deployed"]
    assert {"db deployed", "network deployed"} < set(log)


def test_a_retry_leaves_what_needs_something_that_failed_in_another_deployment(town: Town) -> None:
    files = town.environments(network="1", db="1", api="1")
    town.setup({"headwater.yml": workflow({"network": "", "db": "network", "api": "db"}), **files})
    pull = town.pull(town.environments(network="2", db="2", api="2"))
    town.settle()
    town.break_("network")
    pull.say("/deploy")
    pull.say("/deploy network --only")
    town.mend("network")
    assert pull.say("/retry", by="bob") == snapshot("""\
### Deployed `network`

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>network</code> &nbsp;+1</summary>

```diff
+ network: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

- `db` is left: write `/retry` again once what it needs is there.
- `api` is left: write `/retry` again once what it needs is there.

<sub>`/retry` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 4</sub>\
""")
    assert [one for one in town.tool_log() if "deployed" in one] == ["network deployed"]
    pull.say("/retry", by="bob")
    assert [one for one in town.tool_log() if "deployed" in one] == [
        "network deployed", "db deployed", "api deployed",
    ]  # fmt: skip


@on_both
def test_t2_t3_a_failure_blocks_what_is_downstream_and_retry_resumes_it(town: Town) -> None:
    files = town.environments(network="1", db="1", api="1", cdn="1")
    town.setup({"headwater.yml": workflow({"network": "", "db": "network", "api": "db", "cdn": ""}), **files})
    pull = town.pull(town.environments(network="2", cdn="2"))
    town.settle()
    town.break_("db")
    assert pull.say("/deploy") == snapshot("""\
### Deploy of `db` failed: 2 done, 1 blocked

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ network"]:::good
  n1["✓ cdn"]:::good
  n2["✗ db"]:::bad
  n3["⊘ api"]:::stopped
  n0 --> n2
  n2 --> n3
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef bad fill:#cf222e33,stroke:#cf222e,stroke-width:2px
  classDef stopped fill:#cf222e0d,stroke:#cf222e,stroke-dasharray:4 3
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `cdn` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | ✗\xa0**failed** | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ⊘\xa0blocked by `db` | +1 |  |

<details open><summary><code>db</code> &nbsp;failed</summary>

```
`apply` failed (exit code 1).

it broke
```

</details>

<details><summary><code>network</code> &nbsp;+1</summary>

```diff
+ network: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>cdn</code> &nbsp;+1</summary>

```diff
+ cdn: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;+1</summary>

```diff
+ api: 1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

To try again what is not done, at the same commit:

```
/retry
```

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert sorted(town.tool_log()) == [
        "cdn begins", "cdn deployed", "db begins", "db broke", "network begins", "network deployed",
    ]  # fmt: skip
    town.mend("db")
    assert pull.say("/retry", by="bob") == snapshot("""\
### Deployed 2 environments

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ db"]:::good
  n1["✓ api"]:::good
  n0 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: 1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;+1</summary>

```diff
+ api: 1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/retry` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
    assert town.tool_log()[6:] == ["db begins", "db deployed", "api begins", "api deployed"]
    assert pull.say("/retry") == snapshot("""\
### Nothing that was deployed or destroyed from here has failed. To plan again, write `/plan`

<sub>`/retry` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    (failed,) = [shown(one.body) for one in pull.ours() if "deployment 2</sub>" in one.body]
    assert "Tried again as deployment 3." in failed
    assert "/retry" not in failed


@on_both
def test_t1_both_parents_of_a_diamond_at_once_and_the_child_runs_once(town: Town) -> None:
    files = town.environments(left="1", right="1", top="1")
    town.setup({"headwater.yml": workflow({"left": "", "right": "", "top": "left right"}), **files})
    pull = town.pull(town.environments(left="2", right="2"))
    town.settle()
    town.hold("left")
    town.hold("right")
    pull.comment("/deploy")
    town.wait_for(lambda: sorted(town.tool_log()) == ["left begins", "right begins"])
    town.let_go("left")
    town.let_go("right")
    town.settle()
    assert sorted(town.tool_log()[2:4]) == ["left deployed", "right deployed"]
    assert town.tool_log()[4:] == ["top begins", "top deployed"]


def test_two_people_at_once(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    town.hold("db")
    pull.comment("/deploy", by="ada")
    town.wait_for(lambda: town.tool_log() == ["db begins"])
    pull.comment("/deploy", by="bob")
    town.wait_for(lambda: len(pull.ours()) == 3 and "queued" in pull.newest())
    assert pull.newest() == snapshot("""\
### Deploying `db`: 1 waiting

| Environment | State | Changes |
| :-- | :-- | :-- |
| `db` | ○\xa0queued behind deployment 2 | +1 |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/deploy` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
    town.let_go("db")
    town.settle()
    assert town.tool_log() == ["db begins", "db deployed"]
    assert pull.newest() == snapshot("""\
### `db`: no changes

| Environment | State | Job |
| :-- | :-- | :-- |
| `db` | –\xa0no changes | [N s](https://github/acme/shop/actions/runs/RUN) |

<sub>`/deploy` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")


def test_at_a_commit_that_is_named(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    first = pull.head
    pull.push(town.environments(db="3"))
    town.settle()
    assert pull.say(f"/deploy @{first[:10]}") == snapshot("""\
### Not deployed

> [!WARNING]
> **The commit named is not the head, which is COMMIT7**. Look at what was pushed, then name COMMIT7 or no commit

<sub>`/deploy @COMMIT7` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.say(f"/deploy @{pull.head[:10]}")
    assert town.tool_log() == ["db begins", "db deployed"]


def test_t19_pushed_between_the_comment_and_the_run(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    good = pull.head
    town.github.hooks.hold()
    evil = pull.push(town.environments(db="evil"))
    pull.comment("/deploy", by="bob")
    town.github.hooks.release(lambda held: sorted(held, key=lambda one: one.event != "issue_comment"))
    town.settle()
    assert pull.newest() == snapshot("""\
### Not deployed

> [!WARNING]
> **The head is COMMIT7 now, but COMMIT7 was shown when the command was written**. Read the plan of COMMIT7, then write `/deploy` again

<sub>`/deploy` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    town.github.hooks.hold()  # and back by force: what bob saw last is the other one
    move(town.github.world, town.repository, f"refs/heads/{pull.pull.head_branch}", good, town.github.world.user("ada"))
    assert pull.head == good != evil
    pull.comment("/deploy", by="bob")
    town.github.hooks.release()
    town.settle()
    assert pull.newest() == snapshot("""\
### Not deployed

> [!WARNING]
> **The head is COMMIT7 now, but COMMIT7 was shown when the command was written**. Read the plan of COMMIT7, then write `/deploy` again

<sub>`/deploy` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []
    pull.say("/deploy", by="bob")  # by now he has read it
    assert town.tool_log() == ["db begins", "db deployed"]


def test_when_the_branch_is_gone(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    ref = f"refs/heads/{pull.pull.head_branch}"
    move(town.github.world, town.repository, ref, None, town.github.world.user("ada"))
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **`/deploy` does not belong on a pull request that is closed**. Reopen it; as it is, it takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/restore`, `/explain`, `/status`, `/help`

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []
