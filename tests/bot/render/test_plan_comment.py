"""The plan comment as people read it."""

from __future__ import annotations

from dataclasses import replace

from inline_snapshot import snapshot

from bot.decide.facts import Change, TaskAction
from bot.decide.transitions import Code, TaskState
from bot.render import plan_comment
from bot.render.fitting import COMMENT, characters
from bot.render.models import Row, Section
from tests.bot.render.reading import balanced
from tests.bot.render.samples import COMMIT, SHOP, plan_of, planned


def headline(body: str) -> str:
    return body.split("\n")[1]


def test_what_was_deployed_since_is_told_by_its_commit_and_its_origin() -> None:
    theirs = Change(TaskAction.DEPLOY, COMMIT, "#13")
    gone = Change(TaskAction.DESTROY, COMMIT, "push to <b>`main`")
    rows = (planned("vpc", changed=theirs), planned("eks", changed=gone), planned("db", changed=theirs))
    body = plan_comment(plan_of(*rows))
    assert balanced(body)
    assert [line for line in body.splitlines() if "since this was planned" in line] == snapshot(
        [
            "- `vpc` and `db`: deployed since this was planned, at [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) ([#13](https://github.example/acme/shop/pull/13)): `/plan` plans anew",
            "- `eks`: destroyed since this was planned, at [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) (push to &#60;b&#62;`main`): `/plan` plans anew",
        ]
    )


def test_several_environments() -> None:
    body = plan_comment(plan_of(*SHOP))
    assert balanced(body)
    assert body == snapshot("""\
<!-- headwater plan acme/shop:12 -->
### 5 environments: 2 to change, 1 destroys 1 resource, 1 planned at deploy

> [!CAUTION]
> `db` destroys 1 resource: `aws_db_snapshot.old`

- `eks`: locked by [#12](https://github.example/acme/shop/pull/12), deployed once that is merged, restored or unlocked
- `db`, `eks` and `billing`: an upstream changes too, so planned again in their turn
- `db`: will wait for approval

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["vpc<br/>+1"]:::good
  n1["db<br/>~1 -1"]:::bad
  n2["eks"]:::quiet
  n3["billing"]:::quiet
  n4["configuration"]:::idle
  n0 --> n1 & n2
  n1 --> n3 & n4
  n2 --> n3 & n4
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef bad fill:#cf222e33,stroke:#cf222e,stroke-width:2px
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
  classDef quiet fill:#8c959f1a,stroke:#8c959f
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `vpc` | +1 | `infra/network/main.tf` | Terraform | [12\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `db` | ~1\xa0<b>-1</b> | `infra/db/main.tf`; variable `REGION` | Terraform | [12\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `eks` | no\xa0changes | downstream of `vpc` | Terraform | [1\xa0min\xa005\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `billing` | no\xa0changes | downstream of `db` and `eks` | script | [12\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `configuration` | ○\xa0after `db` | new | Terraform |  |

<details><summary><code>vpc</code> &nbsp;+1</summary>

```diff
+   resource "aws_subnet" "c" {}
```

</details>

<details><summary><code>db</code> &nbsp;~1\xa0<b>-1</b></summary>

```diff
  # aws_db_instance.main will be updated in-place
!   resource "aws_db_instance" "main" {
        id             = "shop"
!       instance_class = "db.t3.medium" -> "db.t3.large"
    }

  # aws_db_snapshot.old will be destroyed
-   resource "aws_db_snapshot" "old" {
-       id = "snap-1" -> null
    }

Plan: 0 to add, 1 to change, 1 to destroy.
```

</details>

To deploy what is shown here:

```
/deploy
```

<sub>[`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) against [`5fda3b9`](https://github.example/acme/shop/commit/5fda3b95a4ea91299a34e894583c3862153e4b97) · workflow `shop`</sub>\
""")


def test_one_environment_has_no_graph() -> None:
    alone = replace(SHOP[1], needs=(), requires_approval=False, changes=())
    assert plan_comment(plan_of(alone)) == snapshot("""\
<!-- headwater plan acme/shop:12 -->
### `db`: 1 to change, 1 to destroy

> [!CAUTION]
> `db` destroys 1 resource

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ~1\xa0<b>-1</b> | `infra/db/main.tf`; variable `REGION` | Terraform | [12\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |

<details><summary><code>db</code> &nbsp;~1\xa0<b>-1</b></summary>

```diff
  # aws_db_instance.main will be updated in-place
!   resource "aws_db_instance" "main" {
        id             = "shop"
!       instance_class = "db.t3.medium" -> "db.t3.large"
    }

  # aws_db_snapshot.old will be destroyed
-   resource "aws_db_snapshot" "old" {
-       id = "snap-1" -> null
    }

Plan: 0 to add, 1 to change, 1 to destroy.
```

</details>

To deploy what is shown here:

```
/deploy
```

<sub>[`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) against [`5fda3b9`](https://github.example/acme/shop/commit/5fda3b95a4ea91299a34e894583c3862153e4b97) · workflow `shop`</sub>\
""")


def test_headlines() -> None:
    vpc, db, eks, billing, later = SHOP
    running = replace(db, state=TaskState.RUNNING, code=Code.CLAIMED, planned=False)
    failed = Row("x", state=TaskState.FAILED, code=Code.TOOL_FAILED)
    leaving = planned("old", counts={"destroy": 4}, action=TaskAction.PLAN_DESTROY)
    replacing = planned("r", counts={"replace": 2})
    shown = [
        headline(plan_comment(plan_of(*rows)))
        for rows in (
            (vpc, running, eks),
            (running,),
            (failed, vpc),
            (failed,),
            (replace(failed, state=TaskState.CANCELLED, code=Code.CANCELLED),),
            (eks, billing),
            (eks,),
            (later,),
            (leaving,),
            (leaving, vpc),
            (replacing, vpc),
            (replacing,),
            (),
        )
    ]
    assert shown == snapshot(
        [
            "### Planning 3 environments: 2 done",
            "### Planning `db`",
            "### 2 environments: 1 failed, 1 to change",
            "### `x`: its plan failed",
            "### `x`: its plan was cancelled",
            "### 2 environments: no changes",
            "### `eks`: no changes",
            "### `configuration`: planned at deploy",
            "### `old`: destroys 4 resources",
            "### 2 environments: 1 to change, 1 to destroy",
            "### 2 environments: 2 to change, 1 replaces 2 resources",
            "### `r`: 2 to replace",
            "### No environment is affected",
        ]
    )


def test_what_waits_says_for_what() -> None:
    asleep = (Row("vpc", tool="terraform"), Row("db", tool="terraform", needs=("vpc",)))
    assert plan_comment(plan_of(*asleep, draft=True)) == snapshot("""\
<!-- headwater plan acme/shop:12 -->
### Draft: 2 environments not planned yet

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["vpc"]:::idle
  n1["db"]:::idle
  n0 --> n1
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | Tool |
| :-- | :-- |
| `vpc` | Terraform |
| `db` | Terraform |

To plan it:

```
/plan
```

<sub>[`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) against [`5fda3b9`](https://github.example/acme/shop/commit/5fda3b95a4ea91299a34e894583c3862153e4b97) · workflow `shop`</sub>\
""")
    assert plan_comment(plan_of(*asleep, fork_waits=True)).split("\n\n")[2:4] == snapshot(
        [
            """\
| Environment | Tool |
| :-- | :-- |
| `vpc` | Terraform |
| `db` | Terraform |\
""",
            "Read the change first: its code runs in the plan. Then:",
        ]
    )
    assert headline(plan_comment(plan_of(*SHOP, superseded_by="a" * 40))) == snapshot(
        "### [`aaaaaaa`](https://github.example/acme/shop/commit/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) takes the place of this plan"
    )


def test_failures_come_first_and_can_be_planned_again() -> None:
    vpc, db, eks, *_ = SHOP
    failed = replace(eks, state=TaskState.FAILED, code=Code.TOOL_FAILED, planned=False, error="Error: no\nsuch zone")
    body = plan_comment(plan_of(vpc, db, failed))
    assert body[body.index("<details") :].split("<sub>")[0] == snapshot("""\
<details open><summary><code>eks</code> &nbsp;failed</summary>

```
Error: no
such zone
```

</details>

<details><summary><code>vpc</code> &nbsp;+1</summary>

```diff
+   resource "aws_subnet" "c" {}
```

</details>

<details><summary><code>db</code> &nbsp;~1\xa0<b>-1</b></summary>

```diff
  # aws_db_instance.main will be updated in-place
!   resource "aws_db_instance" "main" {
        id             = "shop"
!       instance_class = "db.t3.medium" -> "db.t3.large"
    }

  # aws_db_snapshot.old will be destroyed
-   resource "aws_db_snapshot" "old" {
-       id = "snap-1" -> null
    }

Plan: 0 to add, 1 to change, 1 to destroy.
```

</details>

Push a commit that mends this. To plan again as it is:

```
/plan eks
```

""")


def test_problems_of_the_definition() -> None:
    problems = (
        "headwater.yml:12:7: 'bd' is no environment of this file; did you mean 'db'?",
        "services/odd [name].yml:3:1: vpc -> db -> vpc: the needs go round in a circle",
        "no place at all",
    )
    assert plan_comment(plan_of(problems=problems)) == snapshot("""\
<!-- headwater plan acme/shop:12 -->
### 3 problems in the workflow files

- [`headwater.yml:12:7`](https://github.example/acme/shop/blob/3d3c42e5aac5ba805825da76410c181273ba90b1/headwater.yml#L12) 'bd' is no environment of this file; did you mean 'db'?
- [`services/odd [name].yml:3:1`](https://github.example/acme/shop/blob/3d3c42e5aac5ba805825da76410c181273ba90b1/services/odd%20%5Bname%5D.yml#L3) vpc -&#62; db -&#62; vpc: the needs go round in a circle
- no place at all

Push a commit that mends this; it is read again at once.

<sub>[`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) against [`5fda3b9`](https://github.example/acme/shop/commit/5fda3b95a4ea91299a34e894583c3862153e4b97)</sub>\
""")
    many = plan_comment(plan_of(problems=problems[:1] * 5_000))
    assert "5,000 problems" in many
    assert "and 4,887 more problems" in many
    assert len(many) < 25_000


def test_what_holds_after_the_merge_and_what_is_out_of_date() -> None:
    body = plan_comment(
        plan_of(
            SHOP[2],
            after_merge=("permissions: deploy is [write, @acme/infra], was [write]",),
            notices=("`headwater.yml` must be written anew: `headwater init --github`",),
        )
    )
    assert body.split("\n\n")[1:] == snapshot(
        [
            "- `eks`: locked by [#12](https://github.example/acme/shop/pull/12), deployed once that is merged, restored or unlocked",
            """\
> [!IMPORTANT]
> `headwater.yml` must be written anew: `headwater init --github`\
""",
            """\
| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `eks` | no\xa0changes | downstream of `vpc` | Terraform | [1\xa0min\xa005\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |\
""",
            "Holds only once this is merged:",
            "- permissions: deploy is &#91;write, @\u200bacme/infra&#93;, was &#91;write&#93;",
            "<sub>[`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) against [`5fda3b9`](https://github.example/acme/shop/commit/5fda3b95a4ea91299a34e894583c3862153e4b97) · workflow `shop`</sub>",
        ]
    )


def test_several_workflows_have_their_names() -> None:
    sections = (
        Section("shop", "headwater.yml", rows=SHOP[:2], warnings=("kept values beat the files: REGION",)),
        Section("data [lake]", "data/headwater.yml", rows=(planned("lake"),)),
        Section("quiet", "quiet/headwater.yml"),
    )
    body = plan_comment(plan_of(sections=sections))
    assert [line for line in body.split("\n") if line.startswith("#")] == snapshot(
        ["### 3 environments: 2 to change, 1 destroys 1 resource", "#### `shop`", "#### `data [lake]`"]
    )
    assert "- kept values beat the files: REGION" in body


def test_the_same_model_gives_the_same_bytes() -> None:
    assert plan_comment(plan_of(*SHOP)) == plan_comment(plan_of(*SHOP))
    assert COMMIT[:7] in plan_comment(plan_of(*SHOP))


def test_what_a_merge_left_undeployed_is_named_within_bounds() -> None:
    rows = [planned(f"{'long-' * 12}{number}", counts={"add": 1}) for number in range(1000)]
    body = plan_comment(plan_of(*rows, ended="merged", deployed=frozenset({("headwater.yml", rows[0].alias)})))
    assert characters(body) <= COMMENT.most
    assert "on an open pull request that has this merge (987 more are left out here):" in body
    (command,) = [line for line in body.splitlines() if line.startswith("/deploy")]
    assert command == " ".join(["/deploy", *(row.alias for row in rows[1:13])])


def test_of_several_workflows_each_deploy_names_its_own() -> None:
    db = planned("db", counts={"change": 1})
    sections = tuple(Section(name, f"{name}/headwater.yml", rows=(db,)) for name in ("shop", "bank"))
    body = plan_comment(replace(plan_of(ended="merged"), sections=sections))
    assert "/deploy db --workflow shop\n/deploy db --workflow bank\n" in body
