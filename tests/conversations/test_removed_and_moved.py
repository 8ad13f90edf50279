"""Environments that leave their file, are renamed, or move with it: what merging that means."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import SHOP, on_both
from tests.conversations.merged import begin, headline, rows
from tests.conversations.town import Town, shown

WITHOUT_API = SHOP.partition("  api:")[0]
DESTROY = "settings: {environmentRemovalStrategy: destroy}\n"


def test_an_environment_taken_out_of_the_file_is_forgotten_and_that_is_told_loudly(shop: Town) -> None:
    begin(shop)
    pull = shop.pull({"headwater.yml": WITHOUT_API})
    shop.settle()
    assert "api is gone from headwater.yml: it will be forgotten" in pull.plan().replace("`", "")
    pull.merge()
    shop.settle()
    assert headline(pull.newest()) == "### Nothing to deploy"
    assert (
        "> [!WARNING]\n> `api` is gone from `headwater.yml`, so Headwater forgets it. What it deployed at `COMMIT7` stays as it is"
        in pull.newest()
    )
    assert shop.tool_log() == []
    assert (shop.tools / "api").read_text() == "a0\n"
    later = shop.pull({"README.md": "# Later\n"})
    shop.settle()
    later.merge()
    shop.settle()
    assert later.ours() == []


@on_both
def test_with_destroy_what_was_taken_out_is_destroyed_downstream_first_after_an_approval(shop: Town) -> None:
    begin(shop)
    only_network = DESTROY + SHOP.partition("  db:")[0]
    pull = shop.pull({"headwater.yml": only_network, **shop.environments(network="n1")})
    shop.settle()
    assert headline(pull.plan()) == "### 3 environments: 1 to change, 2 to destroy"
    pull.merge()
    shop.settle()
    assert headline(pull.newest()) == "### `api` waits for approval: 1 done, 1 waiting"
    assert "/approve api db" in pull.newest()
    assert shop.tool_log() == ["network begins", "network deployed"]
    assert headline(pull.say("/approve", by="ada")) == "### Not approved"
    pull.say("/approve", by="bob")  # one word for both
    assert shop.tool_log()[2:] == ["api destroyed", "db destroyed"]
    later = shop.pull({"README.md": "# Later\n"})
    shop.settle()
    later.merge()
    shop.settle()
    assert later.ours() == []


def test_a_destroy_that_was_rejected_is_asked_for_again_by_the_next_merge(shop: Town) -> None:
    begin(shop)
    pull = shop.pull({"headwater.yml": DESTROY + WITHOUT_API})
    shop.settle()
    pull.merge()
    shop.settle()
    pull.say("/reject api", by="bob")
    assert headline(shown(pull.ours()[1].body)) == snapshot("### Destroy was cancelled: 1 cancelled")
    later = shop.pull(shop.environments(network="n1"))
    shop.settle()
    later.merge()
    shop.settle()
    assert later.newest() == snapshot("""\
### `api` waits for approval: 2 done

> [!WARNING]
> `api` is gone from `headwater.yml`: its destroy waits for approval.

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ network"]:::good
  n1["– db"]:::quiet
  n2["! api"]:::asks
  n0 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef asks fill:#d4a72c40,stroke:#bf8700,stroke-width:2px
  classDef quiet fill:#8c959f1a,stroke:#8c959f
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | ✓\xa0deployed | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | –\xa0no changes |  | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | !\xa0**waits for approval** | <b>-1</b> |  |

<details><summary><code>network</code> &nbsp;~1</summary>

```diff
~ network: n0 -> n1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;<b>-1</b></summary>

```diff
destroy api
```

</details>

For somebody else, to go on with the plan that is shown (`/reject api` calls it off):

```
/approve api
```

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 6</sub>\
""")
    assert (shop.tools / "api").exists()


def test_a_renamed_environment_keeps_its_state_and_history(shop: Town) -> None:
    begin(shop)
    renamed = (
        SHOP.replace("  db:", "  database:").replace("needs: [db]", "needs: [database]").replace(".db.", ".database.")
    )
    pull = shop.pull({"headwater.yml": renamed})
    shop.settle()
    assert headline(pull.plan()) == "### 2 environments: no changes"
    pull.merge()
    shop.settle()
    assert "`db` is now `database`: its state and history went along." in pull.newest()
    assert shop.tool_log() == []
    moved = {path.replace("db/", "store/"): file for path, file in shop.environments(db="d0").items()}
    again = shop.pull({"headwater.yml": renamed.replace("path: db", "path: store"), **moved})
    shop.settle()
    again.merge()
    shop.settle()
    assert rows(again.newest()) == [
        "`database` – no changes",
        "`api` – no changes",
    ]  # it is the same one, at another place


def test_what_changes_its_name_and_its_place_at_once_is_not_taken_for_gone(shop: Town) -> None:
    begin(shop)
    moved = {path.replace("api/", "web/"): file for path, file in shop.environments(api="a0").items()}
    renamed = DESTROY + SHOP.replace("  api:", "  web:").replace("path: api", "path: web")
    pull = shop.pull({"headwater.yml": renamed, **moved})
    shop.settle()
    pull.merge()
    shop.settle()
    assert "and is left as it is, for it may have been renamed." in pull.newest()
    assert "`/destroy api --confirm shop`" in pull.newest()
    told = shop.pull({"headwater.yml": f"{renamed}    movedFrom: api\n"})
    shop.settle()
    told.merge()
    shop.settle()
    assert headline(told.newest()) == "### `api` waits for approval"  # too late to say so: nothing is destroyed unasked


@on_both
def test_moved_from_in_the_very_merge(shop: Town) -> None:
    begin(shop)
    moved = {path.replace("api/", "web/"): file for path, file in shop.environments(api="a0").items()}
    renamed = DESTROY + SHOP.replace("  api:", "  web:").replace("path: api", "path: web") + "    movedFrom: api\n"
    pull = shop.pull({"headwater.yml": renamed, **moved})
    shop.settle()
    pull.merge()
    shop.settle()
    assert pull.newest() == snapshot("""\
### `web`: no changes

| Environment | State |
| :-- | :-- |
| `web` | –\xa0no changes |

- `api` is now `web`: its state and history went along.

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 4</sub>\
""")
    assert shop.tool_log() == snapshot([])


def test_a_renamed_workflow_file_takes_its_workflow_along(shop: Town) -> None:
    begin(shop)
    pull = shop.pull({"headwater.yml": None, "deploy/env0.workflow.yml": SHOP})
    shop.settle()
    assert headline(pull.plan()) == "### 3 environments: no changes"
    pull.merge()
    shop.settle()
    assert headline(pull.newest()) == "### 3 environments: no changes"
    assert "`headwater.yml` is now `deploy/env0.workflow.yml`: its workflow went along." in pull.newest()
    assert shop.tool_log() == []
    next_one = shop.pull(shop.environments(db="d1"))
    shop.settle()
    next_one.merge()
    shop.settle()
    assert rows(next_one.newest()) == ["`db` ✓ deployed ~1", "`api` – no changes"]


def test_a_deleted_workflow_file_says_what_becomes_of_its_environments(shop: Town) -> None:
    other = "name: site\ntriggers: {deployOnMerge: true}\nenvironments:\n  web:\n    vcs: {type: script, path: web}\n"
    shop.commit({"site/headwater.yml": other, **shop.environments(web="w1")}, "A site")
    begin(shop)
    site = shop.pull(shop.environments(web="w2"))
    shop.settle()
    site.merge()
    shop.settle()
    pull = shop.pull({"site/headwater.yml": None})
    shop.settle()
    assert "web is gone from site/headwater.yml: it will be forgotten" in pull.plan().replace("`", "")
    pull.merge()
    shop.settle()
    assert (
        "`web` is gone from `site/headwater.yml`, so Headwater forgets it. What it deployed at `COMMIT7` stays as it is"
        in pull.newest()
    )


def test_a_deleted_workflow_file_that_said_destroy_has_all_destroyed_after_an_approval(shop: Town) -> None:
    other = f"{DESTROY}name: site\ntriggers: {{deployOnMerge: true}}\nenvironments:\n  web:\n    vcs: {{type: script, path: web}}\n"
    site = shop.pull({"site/headwater.yml": other, **shop.environments(web="w1")})
    shop.settle()
    site.merge()
    shop.settle()
    pull = shop.pull({"site/headwater.yml": None})
    shop.settle()
    assert pull.plan() == snapshot("""\
### `web`: destroys 1 resource

> [!CAUTION]
> `web` (gone from the file) destroys 1 resource: `web`

- web is gone from site/headwater.yml: its destroy waits for approval

| Environment | Plan | Why | Job |
| :-- | :-- | :-- | :-- |
| `web` | <b>-1</b> | removed from the file | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>web</code> &nbsp;<b>-1</b></summary>

```diff
destroy web
```

</details>

`web`: destroyed after the merge, once somebody approves it there.

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `site`</sub>\
""")
    pull.merge()
    shop.settle()
    assert pull.newest() == snapshot("""\
### `web` waits for approval

> [!WARNING]
> `web` is gone from `site/headwater.yml`: its destroy waits for approval.

| Environment | State | Changes |
| :-- | :-- | :-- |
| `web` | !\xa0**waits for approval** | <b>-1</b> |

<details><summary><code>web</code> &nbsp;<b>-1</b></summary>

```diff
destroy web
```

</details>

For somebody else, to go on with the plan that is shown (`/reject web` calls it off):

```
/approve web
```

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `site` · deployment 4</sub>\
""")
    pull.say("/approve web", by="bob")
    assert shop.tool_log()[-1:] == ["web destroyed"]
