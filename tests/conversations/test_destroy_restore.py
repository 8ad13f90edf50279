"""`/destroy` and `/restore`: what is taken away, and what is put back. Both show their plans first."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import on_both
from tests.conversations.merged import deployed, headline
from tests.conversations.town import Conversation, Town, shown
from tests.conversations.workflows import workflow


def _deployed(town: Town, needs: dict[str, str], **wanted: str) -> Conversation:
    """A pull request that has deployed all of it."""
    town.setup({"headwater.yml": workflow(needs), **town.environments(**dict.fromkeys(needs, "1"))})
    pull = town.pull(town.environments(**(wanted or dict.fromkeys(needs, "2"))))
    town.settle()
    pull.say("/deploy")
    (town.tools / "log").unlink()
    return pull


@on_both
def test_closed_after_a_deploy_and_restored(town: Town) -> None:
    pull = _deployed(town, {"db": "", "api": "db"})
    assert len(pull.ours()) == 2
    pull.close()
    town.settle()
    off_main = pull.ours()[2]
    assert shown(off_main.body) == snapshot(
        "Closed without a merge, but deployed from here: `db`, `api`. Off the default branch until somebody writes `/restore` (it plans first), and locked until then; `/unlock` frees them as they are."
    )
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **`/deploy` does not belong on a pull request that is closed**. Reopen it; as it is, it takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/restore`, `/explain`, `/status`, `/help`

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/restore", by="bob") == snapshot("""\
### 2 environments wait to be restored: 2 with changes

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
| `db` | ✓\xa0planned | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ✓\xa0planned | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: 2 -> 1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;~1</summary>

```diff
~ api: 2 -> 1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

For somebody else, to have this done (`/reject` calls it off):

```
/approve
```

<sub>`/restore` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
    assert town.tool_log() == []
    restored = pull.ours()[-1]
    assert pull.say("/approve", by="bob") == snapshot("""\
### Not approved

> [!WARNING]
> **You asked for what waits here, so you cannot approve it**. Have somebody else approve it, or set requirements.selfApproval: true on the default branch

<sub>`/approve` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/approve", by="olga") == snapshot("""\
### `/restore`: approved

<sub>`/approve` by olga · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == ["db begins", "db deployed", "api begins", "api deployed"]
    assert (town.tools / "db").read_text() == "1\n"
    assert shown(restored.body) == snapshot("""\
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
| `db` | ✓\xa0deployed | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ✓\xa0deployed | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: 2 -> 1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;~1</summary>

```diff
~ api: 2 -> 1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

- `db`: as on the default branch, and free
- `api`: as on the default branch, and free

<sub>`/restore` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 4</sub>\
""")
    assert shown(off_main.body) == snapshot(
        "Closed without a merge. What was deployed from here is restored, or was freed: it is locked no more."
    )
    assert pull.say("/restore") == snapshot("""\
### This pull request holds nothing that could be restored

<sub>`/restore` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_restored_in_part(town: Town) -> None:
    pull = _deployed(town, {"db": "", "cdn": ""})
    pull.close()
    pull.say("/restore cdn")
    pull.say("/approve cdn", by="bob")
    assert town.tool_log() == ["cdn begins", "cdn deployed"]
    assert shown(pull.ours()[2].body) == snapshot(
        "Closed without a merge, but deployed from here: `db`. Off the default branch until somebody writes `/restore` (it plans first), and locked until then; `/unlock` frees them as they are."
    )
    assert pull.say("/unlock") == snapshot("""\
### `db`: free; &#35;\u200b1 held it

<sub>`/unlock` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert shown(pull.ours()[2].body) == snapshot(
        "Closed without a merge. What was deployed from here is restored, or was freed: it is locked no more."
    )


def test_closed_with_nothing_deployed_is_no_news(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    pull.close()
    town.settle()
    assert len(pull.ours()) == 1
    assert pull.say("/restore") == snapshot("""\
### This pull request holds nothing that could be restored

<sub>`/restore` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


@on_both
def test_destroyed_what_needs_others_first(town: Town) -> None:
    pull = _deployed(town, {"network": "", "db": "network", "api": "db"})
    assert pull.say("/destroy --confirm shop") == snapshot("""\
### 3 environments wait to be destroyed, with 3 resources

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ api"]:::good
  n1["✓ db"]:::good
  n2["✓ network"]:::good
  n1 --> n0
  n2 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `api` | ✓\xa0planned | <b>-1</b> | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | ✓\xa0planned | <b>-1</b> | [N s](https://github/acme/shop/actions/runs/RUN) |
| `network` | ✓\xa0planned | <b>-1</b> | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>api</code> &nbsp;<b>-1</b></summary>

```diff
destroy api
```

</details>

<details><summary><code>db</code> &nbsp;<b>-1</b></summary>

```diff
destroy db
```

</details>

<details><summary><code>network</code> &nbsp;<b>-1</b></summary>

```diff
destroy network
```

</details>

For somebody else, to have this done (`/reject` calls it off):

```
/approve
```

<sub>`/destroy --confirm shop` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
    assert town.tool_log() == []
    destroyed = pull.ours()[-1]
    assert pull.say("/approve db", by="bob") == snapshot("""\
### Not approved

> [!WARNING]
> **`/destroy` is about `api`, `network` too, and is done as a whole**. Approve all of it with `/approve`, or call it off with `/reject`

<sub>`/approve db` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/approve", by="ada") == snapshot("""\
### Not approved

> [!WARNING]
> - **You asked for what waits here, so you cannot approve it**
> - **This pull request is yours, so you cannot approve what it deploys**. Have somebody else approve it, or set requirements.selfApproval: true on the default branch

<sub>`/approve` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/approve", by="bob") == snapshot("""\
### `/destroy`: approved

<sub>`/approve` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == ["api destroyed", "db destroyed", "network destroyed"]
    assert shown(destroyed.body) == snapshot("""\
### Destroyed 3 environments

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ api"]:::good
  n1["✓ db"]:::good
  n2["✓ network"]:::good
  n1 --> n0
  n2 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `api` | ✓\xa0destroyed | <b>-1</b> | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | ✓\xa0destroyed | <b>-1</b> | [N s](https://github/acme/shop/actions/runs/RUN) |
| `network` | ✓\xa0destroyed | <b>-1</b> | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>api</code> &nbsp;<b>-1</b></summary>

```diff
destroy api
```

</details>

<details><summary><code>db</code> &nbsp;<b>-1</b></summary>

```diff
destroy db
```

</details>

<details><summary><code>network</code> &nbsp;<b>-1</b></summary>

```diff
destroy network
```

</details>

This pull request holds `api`, `db` and `network`: no other deploys there before it is merged, or `/unlock api db network` frees them.

<sub>`/destroy --confirm shop` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 4</sub>\
""")
    assert pull.say("/destroy --confirm shop") == snapshot("""\
### Nothing of that is deployed

<sub>`/destroy --confirm shop` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_not_while_something_deployed_needs_it(town: Town) -> None:
    pull = _deployed(town, {"db": "", "api": "db"})
    assert pull.say("/destroy db --confirm shop") == snapshot("""\
### Not destroyed

> [!WARNING]
> **Still deployed, and needing what would be destroyed: 'api'**. Destroy those too (name them, or use --from ALIAS), or insist with --force

<sub>`/destroy db --confirm shop` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/destroy db --confirm shop --force") == snapshot("""\
### Not destroyed

> [!WARNING]
> **You may not use --force here; it takes any of**: `admin`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/destroy db --confirm shop --force` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.say("/destroy db --confirm shop --force", by="olga")
    pull.say("/approve", by="bob")
    assert town.tool_log() == ["db destroyed"]
    pull.say("/destroy --from db --confirm shop")
    pull.say("/approve", by="bob")
    assert town.tool_log() == ["db destroyed", "api destroyed"]


def test_only_what_is_confirmed_by_name(town: Town) -> None:
    pull = _deployed(town, {"db": ""})
    assert pull.say("/destroy db") == snapshot("""\
### Not destroyed

> [!WARNING]
> **This destroys 1 environment of the workflow `shop`**. To have that shown, write `/destroy db --confirm shop`

<sub>`/destroy db` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/destroy db --confirm shops") == snapshot("""\
### Not destroyed

> [!WARNING]
> **There is no workflow called 'shops'**. Did you mean 'shop'?

<sub>`/destroy db --confirm shops` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/destroy db --confirm db") == snapshot("""\
### Not destroyed

> [!WARNING]
> **There is no workflow called 'db'**. There are: shop

<sub>`/destroy db --confirm db` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/approve", by="bob") == snapshot("""\
### Nothing waits for approval here

<sub>`/approve` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []


def test_a_destroy_is_called_off(town: Town) -> None:
    pull = _deployed(town, {"db": ""})
    pull.say("/destroy --confirm shop")
    rejected = pull.ours()[-1]
    pull.say("/reject", by="bob")
    assert shown(rejected.body) == snapshot("""\
### Not destroyed: rejected by bob

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0planned | <b>-1</b> | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;<b>-1</b></summary>

```diff
destroy db
```

</details>

<sub>`/destroy --confirm shop` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
    pull.say("/destroy --confirm shop")
    voided = pull.ours()[-1]
    pull.push(town.environments(db="3"))
    town.settle()
    assert shown(voided.body) == snapshot("""\
### Not destroyed: something was pushed while it waited

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0planned | <b>-1</b> | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;<b>-1</b></summary>

```diff
destroy db
```

</details>

<sub>`/destroy --confirm shop` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 4</sub>\
""")
    assert pull.say("/approve", by="bob") == snapshot("""\
### Nothing waits for approval here

<sub>`/approve` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.say("/destroy --confirm shop")
    late = pull.ours()[-1]
    pull.merge()
    town.settle()
    assert shown(late.body).startswith("### Not destroyed: the pull request was merged while it waited\n")
    pull.say("/approve", by="bob")
    assert not [line for line in town.tool_log() if "destroy" in line]


@on_both
def test_a_deploy_never_starts_beside_the_destroy_of_what_it_needs(shop: Town) -> None:
    first = shop.pull(shop.environments(network="n2"))
    shop.settle()
    first.say("/deploy")
    first.merge()
    pull = shop.pull(shop.environments(api="a2"))
    shop.settle()
    pull.say("/destroy --confirm shop")
    shop.hold_destroy("api")
    pull.comment("/approve", by="olga")
    shop.wait_for(lambda: any("api destroy running" in one for one in shop.tasks()), 60)
    before = len(shop.tool_log())
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tasks()[-1].split()[1:3] == ["api", "deploy"], 60)
    shop.let_destroy_go("api")
    shop.settle()
    assert shop.tool_log()[before:] == ["api destroyed", "db destroyed", "network destroyed"]
    assert "db is not deployed, which it needs: deploy that first, or with it" in pull.newest()
    pull.merge()
    shop.settle()
    assert [one for one in shop.tool_log()[before + 3 :] if one.endswith("deployed")] == [
        "network deployed", "db deployed", "api deployed",
    ]  # fmt: skip


@on_both
def test_merged_while_its_destroy_runs_what_was_merged_is_deployed_after_it(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2", db="d2", api="a2"))
    shop.settle()
    pull.say("/deploy")
    pull.say("/destroy --confirm shop")
    shop.hold_destroy("api")
    pull.comment("/approve", by="olga")
    shop.wait_for(lambda: any("api destroy running" in one for one in shop.tasks()), 60)
    before = len(shop.tool_log())
    pull.merge()
    shop.wait_for(lambda: shop.tasks()[-1].split()[1:3] == ["api", "deploy"], 60)
    shop.let_destroy_go("api")
    shop.settle()
    assert [one for one in shop.tool_log()[before:] if not one.endswith("begins")] == [
        "api destroyed", "db destroyed", "network destroyed", "network deployed", "db deployed", "api deployed",
    ]  # fmt: skip
    assert "### Deployed 3 environments" in pull.newest()


@on_both
def test_what_a_restore_left_is_free_once_a_retry_has_done_it(town: Town) -> None:
    deployed(town, workflow({"db": "", "cdn": ""}), db="0", cdn="0")
    first = town.pull(town.environments(db="2", cdn="2"))
    second = town.pull(town.environments(db="3", cdn="3"), by="bob")
    town.settle()
    first.say("/deploy")
    second.say("/deploy")
    first.close()
    town.settle()
    first.say("/restore")
    town.break_("db")
    first.say("/approve", by="bob")
    assert "and so nothing was freed" in shown(first.ours()[-2].body)
    assert "Waits for" in second.newest()
    first.say("/retry")  # fails once more
    town.mend("db")
    assert first.say("/retry") == snapshot("""\
### Deployed `db`

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0deployed | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: 2 -> 0
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

- `db`: as on the default branch, and free
- `cdn`: as on the default branch, and free

<sub>`/retry` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 9</sub>\
""")
    assert shown(first.ours()[2].body) == snapshot(
        "Closed without a merge. What was deployed from here is restored, or was freed: it is locked no more."
    )
    assert "Waits for" not in second.newest()


@on_both
def test_a_restore_is_of_the_very_workflow_and_frees_only_what_it_restored(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    start = town.pull(town.environments(db="0"))
    town.settle()
    start.say("/deploy")
    start.merge()
    town.settle()
    blog = workflow({"db": ""}, name="blog").replace("path: db", "path: blog")
    files = {"headwater.yml": workflow({"db": "", "cache": ""}), "blog/headwater.yml": blog}
    pull = town.pull({**files, **town.environments(db="2", cache="c1", blog="b1")})
    town.settle()
    pull.say("/deploy")
    pull.close()
    town.settle()
    pull.say("/restore")
    (town.tools / "log").unlink()
    pull.say("/approve", by="bob")
    assert town.tool_log() == ["db begins", "db deployed"]
    told = "\n".join(shown(one.body) for one in pull.ours())
    assert told.count("as on the default branch, and free") == 1
    assert "`cache`: not on the default branch" in told


@on_both
def test_a_destroy_that_failed_is_not_tried_again_under_what_was_deployed_upon_it_since(town: Town) -> None:
    town.setup(
        {"headwater.yml": workflow({"network": "", "api": "network"}), **town.environments(network="1", api="1")}
    )
    first = town.pull({**town.environments(network="2"), "network/destroy": ("100755", "#!/bin/sh\nexit 1\n")})
    town.settle()
    first.say("/deploy network --only")
    first.say("/destroy network --confirm shop")
    first.say("/approve", by="bob")
    assert "network destroy failed" in town.tasks()[-1]
    second = town.pull(town.environments(api="3"), by="bob")
    town.settle()
    assert headline(second.say("/deploy api --only")) == "### Deployed `api`"
    assert first.say("/retry") == snapshot("""\
### Not retried

> [!WARNING]
> **Still deployed, and needing what would be destroyed: 'api'**. Destroy those too (name them, or use --from ALIAS), or insist with --force

<sub>`/retry` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert headline(first.say("/retry --force", by="olga")) == "### Destroy of `network` failed"
