"""`/approve` and `/reject`: who may let go on what waits, and which plan it is that they approve."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from bot.decide.gates import Asked, Verb, gates
from bot.working import commanding
from tests.conversations.conftest import on_both
from tests.conversations.town import Town, shown
from tests.conversations.workflows import workflow
from tests.github.hooks import Delivery


def _asking(town: Town, top: str = "") -> None:
    """`db`, which always asks, and `api` behind it."""
    text = workflow({"db": "", "api": "db"}, top=top, more={"db": "requiresApproval: true"})
    town.setup({"headwater.yml": text, **town.environments(db="1", api="1")})


@on_both
def test_a_plan_that_is_not_the_one_that_was_shown_asks(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": "", "api": "db"}), **town.environments(db="1", api="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    town.drift("db", "by hand")
    assert pull.say("/deploy") == snapshot("""\
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
| `api` | ○\xa0waits for `db` | +1 |  |

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: by hand -> 2
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;+1</summary>

```diff
+ api: 1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

For somebody else, to go on with the plan that is shown (`/reject db` calls it off):

```
/approve db
```

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert town.tool_log() == []
    deployed = pull.ours()[-1]
    assert pull.say("/approve db", by="bob") == snapshot("""\
### `db`: approved

<sub>`/approve db` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == ["db begins", "db deployed", "api begins", "api deployed"]
    assert "### Deployed 2 environments" in deployed.body
    assert pull.checks()["headwater deploy: shop"] == "success"


@on_both
def test_an_environment_that_always_asks(town: Town) -> None:
    _asking(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    assert pull.say("/deploy", by="bob") == snapshot("""\
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
| `db` | !\xa0**waits for approval** | +1 |
| `api` | ○\xa0waits for `db` | +1 |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;+1</summary>

```diff
+ api: 1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

For somebody else, to go on with the plan that is shown (`/reject db` calls it off):

```
/approve db
```

<sub>`/deploy` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert town.tool_log() == []
    assert pull.checks() == snapshot(
        {"headwater deploy: shop": "action_required", "headwater plan": "success", "headwater plan: shop": "success"}
    )
    assert pull.say("/approve", by="ada") == snapshot("""\
### Not approved

> [!WARNING]
> **This pull request is yours, so you cannot approve what it deploys**. Have somebody else approve it, or set requirements.selfApproval: true on the default branch

<sub>`/approve` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/approve", by="bob") == snapshot("""\
### Not approved

> [!WARNING]
> **You asked for what waits here, so you cannot approve it**. Have somebody else approve it, or set requirements.selfApproval: true on the default branch

<sub>`/approve` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/approve", by="eve") == snapshot("""\
### Not approved

> [!WARNING]
> **You may not approve here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/approve` by eve · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []
    assert pull.say("/approve api", by="olga") == snapshot("""\
### `api`: nothing that waits here is called that

<sub>`/approve api` by olga · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.say("/approve d*", by="olga")
    assert town.tool_log() == ["db begins", "db deployed", "api begins", "api deployed"]


def test_ones_own_where_the_repository_allows_it(town: Town) -> None:
    _asking(town, "requirements: {selfApproval: true}\npermissions: {approve: ['@acme/platform']}")
    town.github.world.team("acme", "platform", ["ada"])
    pull = town.pull(town.environments(db="2"))
    town.settle()
    pull.say("/deploy")
    assert pull.say("/approve db", by="bob") == snapshot("""\
### Not approved

> [!WARNING]
> **You may not approve here; it takes any of**: `@acme/platform`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/approve db` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.say("/approve db", by="ada")
    assert town.tool_log() == ["db begins", "db deployed", "api begins", "api deployed"]


def test_only_a_plan_that_one_could_read(town: Town) -> None:
    """The comment is written while the first plan waits, and comes late: then another one waits."""
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    town.drift("db", "by hand")
    pull.say("/deploy")
    late: list[Delivery] = []
    town.github.hooks.hold()
    pull.comment("/approve db", by="bob")  # that is: `by hand -> 2`
    town.github.hooks.release(lambda held: late.extend(held) or [])
    town.drift("db", "by hand again")
    pull.say("/approve db", by="olga")
    assert "~ db: by hand again -> 2" in pull.ours()[1].body
    for one in late:
        town.github.hooks.redeliver(one)
    town.settle()
    assert pull.newest() == snapshot("""\
### Not approved

> [!WARNING]
> **The plan that waits was shown only after the command was written, for**: `db`. Read it, then write `/approve` again

<sub>`/approve db` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []
    pull.say("/approve db", by="bob")
    assert town.tool_log() == ["db begins", "db deployed"]


@on_both
def test_a_push_while_it_waits_voids_it(town: Town) -> None:
    _asking(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    pull.say("/deploy")
    pull.push(town.environments(db="3"))
    town.settle()
    assert pull.newest() == snapshot("""\
### Deploy was cancelled: 1 blocked, 1 cancelled

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["⊘ db"]:::stopped
  n1["⊘ api"]:::stopped
  n0 --> n1
  classDef stopped fill:#cf222e0d,stroke:#cf222e,stroke-dasharray:4 3
```

| Environment | State | Changes |
| :-- | :-- | :-- |
| `db` | ⊘\xa0called off: something was pushed while it waited | +1 |
| `api` | ⊘\xa0blocked by `db` | +1 |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;+1</summary>

```diff
+ api: 1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

To deploy what is there now, read its plan, then:

```
/deploy
```

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert pull.say("/approve db", by="bob") == snapshot("""\
### `db`: nothing that waits here is called that

<sub>`/approve db` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []
    pull.say("/deploy")
    pull.say("/approve db", by="bob")
    assert town.tool_log() == ["db begins", "db deployed", "api begins", "api deployed"]
    assert (town.tools / "db").read_text() == "3\n"


def test_a_push_that_comes_just_before_the_approval_voids_it_too(town: Town) -> None:
    _asking(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    pull.say("/deploy")
    town.github.hooks.hold()
    pull.push(town.environments(db="evil"))
    pull.comment("/approve db", by="bob")
    town.github.hooks.release(lambda held: sorted(held, key=lambda one: one.event != "issue_comment"))
    town.settle()
    assert pull.newest() == snapshot("""\
### `db`: nothing that waits here is called that

<sub>`/approve db` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []


@on_both
def test_rejected(town: Town) -> None:
    text = workflow({"db": "", "api": "db", "cdn": ""}, more={"db": "requiresApproval: true"})
    town.setup({"headwater.yml": text, **town.environments(db="1", api="1", cdn="1")})
    pull = town.pull(town.environments(db="2", cdn="2"))
    town.settle()
    pull.say("/deploy")
    deployed = pull.ours()[-1]
    assert pull.say("/reject dbb", by="bob") == snapshot("""\
### `dbb`: nothing that waits here is called that

<sub>`/reject dbb` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/reject db", by="bob") == snapshot("""\
### `db`: rejected

<sub>`/reject db` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert shown(deployed.body) == snapshot("""\
### Deploy was cancelled: 1 done, 1 blocked, 1 cancelled

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["⊘ db"]:::stopped
  n1["✓ cdn"]:::good
  n2["⊘ api"]:::stopped
  n0 --> n2
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef stopped fill:#cf222e0d,stroke:#cf222e,stroke-dasharray:4 3
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ⊘\xa0rejected by bob | +1 |  |
| `cdn` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ⊘\xa0blocked by `db` | +1 |  |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: 2
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
    assert town.tool_log() == ["cdn begins", "cdn deployed"]
    assert pull.say("/reject", by="bob") == snapshot("""\
### Nothing waits for approval here

<sub>`/reject` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_commands_in_one_comment_wait_for_each_other_but_not_for_people(town: Town) -> None:
    _asking(town, "requirements: {selfApproval: true}")
    pull = town.pull(town.environments(db="2"))
    town.settle()
    assert pull.say("/deploy\n/status\n/approve db") == snapshot("""\
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
| `db` | !\xa0**waits for approval** | +1 |
| `api` | ○\xa0waits for `db` | +1 |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;+1</summary>

```diff
+ api: 1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

To go on with the plan that is shown (`/reject db` calls it off):

```
/approve db
```

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>

### shop: Deploy in progress

| Environment | State | Held by |
| :-- | :-- | :-- |
| `db` | !\xa0**needs approval**: deployment 2 | [#1](https://github/acme/shop/pull/1) |
| `api` | ◐\xa0in progress: waits in deployment 2 | [#1](https://github/acme/shop/pull/1) |

Why, and what would free it:

```
/explain db
```

### Not approved

> [!WARNING]
> **The plan that waits was shown only after the command was written, for**: `db`. Read it, then write `/approve` again

<sub>`/approve db` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []
    pull.say("/approve db\n/deploy")
    assert town.tool_log() == ["db begins", "db deployed", "api begins", "api deployed"]
    assert pull.newest() == snapshot("""\
### Nothing is left to deploy: `db` and `api` are at this commit already

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_a_plan_that_comes_while_an_approval_is_judged_is_not_approved_by_it(
    shop: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    shop.drift("network", "elsewhere")
    shop.hold_plan("network")
    pull.comment("/deploy")
    shop.wait_for(lambda: any("deploy running" in one for one in shop.tasks()))

    def slowly(asked: Asked, *given: object) -> object:
        if asked.verb is Verb.APPROVE:
            shop.let_plan_go("network")
            shop.wait_for(lambda: any("needs approval" in one for one in shop.tasks()))
        return gates(asked, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(commanding, "gates", slowly)
    pull.comment("/approve", by="bob")
    shop.settle()
    assert shop.tool_log() == []
    assert "Nothing waits for approval here" in pull.newest()
