"""The comment of a command as people read it, from its first state to its last."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from bot.decide.facts import TaskAction
from bot.decide.transitions import Code, DeploymentState, TaskState
from bot.render import deployment_comment
from bot.render.models import Mistaken, Refused, Row
from tests.bot.render.reading import balanced
from tests.bot.render.samples import DB_CHANGES, DB_PLAN, JOB, deployed, deployment_of

VPC = deployed("vpc", planned=True, counts={"add": 1}, duration=34.0, job_url=JOB)
DB = deployed("db", "vpc", planned=True, counts={"change": 1, "destroy": 1}, text=DB_PLAN, changes=DB_CHANGES)
EKS = deployed("eks", "vpc", state=TaskState.RUNNING, code=Code.CLAIMED, since=1_795_000_000.0, job_url=JOB)
BILLING = deployed("billing", "db", "eks", state=TaskState.WAITING, code=Code.SUBMITTED, waits_for=("db", "eks"))


def headline(body: str) -> str:
    return body.split("\n")[1]


def test_at_work() -> None:
    assert deployment_comment(deployment_of(VPC, DB, EKS, BILLING)) == snapshot("""\
<!-- headwater deployment acme/shop:99 -->
### Deploying 4 environments: 2 done, 1 at work, 1 waiting

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ vpc"]:::good
  n1["✓ db"]:::good
  n2["◐ eks"]:::busy
  n3["○ billing"]:::idle
  n0 --> n1 & n2
  n1 --> n3
  n2 --> n3
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef busy fill:#388bfd33,stroke:#388bfd,stroke-width:2px
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `vpc` | ✓\xa0deployed | +1 | [34\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `db` | ✓\xa0deployed | ~1\xa0<b>-1</b> |  |
| `eks` | ◐\xa0deploying |  | [since\xa011:06\xa0UTC](https://github.example/acme/shop/actions/runs/17/job/4) |
| `billing` | ○\xa0waits for `db` and `eks` |  |  |

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

<sub>`/deploy` by ada · [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) · workflow `shop` · deployment 7</sub>\
""")


def test_one_waits_for_approval() -> None:
    asking = replace(DB, state=TaskState.NEEDS_APPROVAL, code=Code.PLAN_DIFFERS)
    body = deployment_comment(deployment_of(VPC, asking, BILLING))
    assert balanced(body)
    assert headline(body) == snapshot("### `db` waits for approval: 1 done, 1 waiting")
    assert body[body.index("| Env") :] == snapshot("""\
| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `vpc` | ✓\xa0deployed | +1 | [34\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `db` | !\xa0**waits for approval: not the plan that was shown** | ~1\xa0<b>-1</b> |  |
| `billing` | ○\xa0waits for `db` and `eks` |  |  |

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

For somebody else, to go on with the plan that is shown (`/reject db` calls it off):

```
/approve db
```

<sub>`/deploy` by ada · [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) · workflow `shop` · deployment 7</sub>\
""")


def test_failed() -> None:
    ended = replace(EKS, since=None, duration=185.0)
    failed = replace(ended, state=TaskState.FAILED, code=Code.TOOL_FAILED, error="Error: no such zone\n\n  on main.tf")
    blocked = replace(BILLING, state=TaskState.BLOCKED, code=Code.UPSTREAM_BROKEN, detail="eks")
    model = deployment_of(VPC, replace(DB, text=""), failed, blocked, state=DeploymentState.FAILED, finished=True)
    body = deployment_comment(model)
    assert headline(body) == snapshot("### Deploy of `eks` failed: 2 done, 1 blocked")
    assert body[body.index("| Env") :] == snapshot("""\
| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `vpc` | ✓\xa0deployed | +1 | [34\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `db` | ✓\xa0deployed | ~1\xa0<b>-1</b> |  |
| `eks` | ✗\xa0**failed** |  | [3\xa0min\xa005\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `billing` | ⊘\xa0blocked by `eks` |  |  |

<details open><summary><code>eks</code> &nbsp;failed</summary>

```
Error: no such zone

  on main.tf
```

</details>

<details><summary><code>db</code> &nbsp;~1\xa0<b>-1</b></summary>

```diff
! aws_db_instance.main
- aws_db_snapshot.old
```

</details>

To try again what is not done, at the same commit:

```
/retry
```

<sub>`/deploy` by ada · [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) · workflow `shop` · deployment 7</sub>\
""")


def test_what_could_not_start_says_why() -> None:
    lacking = deployed("db", state=TaskState.FAILED, code=Code.CANNOT_START, detail="no value for PASSWORD")
    assert "no value for PASSWORD" in deployment_comment(deployment_of(lacking, finished=True))


DESTROYED = replace(VPC, action=TaskAction.DESTROY)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((VPC, DB), "### Deployed 2 environments"),
        ((VPC,), "### Deployed `vpc`"),
        ((VPC, replace(DB, code=Code.NO_CHANGES)), "### Deployed `vpc`, 1 without changes"),
        ((replace(DB, code=Code.NO_CHANGES),), "### `db`: no changes"),
        ((DESTROYED,), "### Destroyed `vpc`"),
        ((replace(EKS, action=TaskAction.DESTROY), DESTROYED), "### Destroying 2 environments: 1 done, 1 at work"),
        ((VPC, replace(EKS, state=TaskState.LOST)), "### Deploying 2 environments: 1 lost, 1 done"),
        ((VPC, replace(EKS, state=TaskState.TIMED_OUT)), "### Deploy of `eks` failed: 1 done"),
        ((replace(EKS, state=TaskState.CANCELLED), VPC), "### Deploy was cancelled: 1 done, 1 cancelled"),
        (
            (replace(EKS, state=TaskState.BLOCKED, code=Code.LOCKED, detail="#12"), VPC),
            "### Deploy is blocked: 1 done, 1 blocked",
        ),
    ],
)
def test_headlines(rows: tuple[Row, ...], words: str) -> None:
    assert headline(deployment_comment(deployment_of(*rows))) == words


def test_superseded() -> None:
    gone = replace(BILLING, state=TaskState.CANCELLED, code=Code.SUPERSEDED, detail="#9")
    body = deployment_comment(deployment_of(VPC, gone, state=DeploymentState.SUPERSEDED, finished=True))
    assert headline(body) == "### Deploy was superseded: 1 done, 1 cancelled"
    assert "superseded by deployment 9" in body
    assert "/retry" not in body


def test_what_may_still_be_at_work_is_for_an_admin() -> None:
    body = deployment_comment(deployment_of(replace(EKS, state=TaskState.LOST, code=Code.SILENT)))
    assert body[body.index("`eks` may") :].split("<sub>")[0] == snapshot("""\
`eks` may still be at work, so nothing else starts there. An admin who is sure that it has ended:

```
/retry --force
```

""")


def test_waiting_for_another_pull_request() -> None:
    waiting = replace(VPC, state=TaskState.WAITING, code=Code.SUBMITTED, planned=False, job_url=None, duration=None)
    body = deployment_comment(deployment_of(waiting, waits="for #12, which holds vpc"))
    assert body == snapshot("""\
<!-- headwater deployment acme/shop:99 -->
### Waits for [#12](https://github.example/acme/shop/pull/12), which holds vpc

| Environment | State |
| :-- | :-- |
| `vpc` | ○\xa0waiting |

It goes on by itself once that is merged, restored or unlocked. `/cancel` calls it off.

<sub>`/deploy` by ada · [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) · workflow `shop` · deployment 7</sub>\
""")


def test_refusals_and_mistakes_are_told_together() -> None:
    body = deployment_comment(
        deployment_of(
            verb="/deploy db",
            actor="eve",
            refusals=(
                Refused("approvals", "1 more approval is needed", "ask somebody to review it", ("@acme/infra",)),
                Refused("checks-failed", "required checks have failed", "mend them, then /deploy again"),
            ),
            mistakes=(Mistaken("/depoly eks", "this is no command", "/deploy eks"),),
        )
    )
    assert body == snapshot("""\
<!-- headwater deployment acme/shop:99 -->
### Not deployed

> [!WARNING]
> - **1 more approval is needed**: `@acme/infra`. Ask somebody to review it
> - **Required checks have failed**. Mend them, then `/deploy` again

- `/depoly eks`: this is no command. Did you mean `/deploy eks`?

<sub>`/deploy db` by eve · [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) · deployment 7</sub>\
""")


def test_small_answers() -> None:
    assert headline(deployment_comment(deployment_of(said=("db: unlocked",)))) == "### db: unlocked"
    both = deployment_comment(deployment_of(said=("db: unlocked", "eks: unlocked")))
    assert both.split("\n\n")[:2] == [
        "<!-- headwater deployment acme/shop:99 -->\n### Done",
        "- db: unlocked\n- eks: unlocked",
    ]
    assert headline(deployment_comment(deployment_of())) == "### Nothing to do"
    assert headline(deployment_comment(deployment_of(mistakes=(Mistaken("/x", "no command", ""),)))) == snapshot(
        "### That was not understood"
    )


def test_after_a_push() -> None:
    body = deployment_comment(
        deployment_of(VPC, said=("db: already deployed from #12",), continuous=True, verb="", finished=True)
    )
    assert body.split("\n\n")[-2:] == snapshot(
        [
            "- db: already deployed from &#35;\u200b12",
            "<sub>Merged by ada · [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) · workflow `shop` · deployment 7</sub>",
        ]
    )
