"""Check runs: what they say and how they end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from bot.decide.transitions import Code, DeploymentState, TaskState
from bot.render import definition_check, deploy_check, plan_check
from bot.render.models import Annotation, CheckOutput, Row
from tests.bot.render.reading import balanced
from tests.bot.render.samples import SHOP, deployed, deployment_of, plan_of

VPC = deployed("vpc")


def of_plans(*rows: Row, **more: object) -> CheckOutput:
    model = plan_of(*rows, **more)
    return plan_check(model.sections[0], model)


def of_deploys(*rows: Row, state: DeploymentState = DeploymentState.RUNNING, **more: object) -> CheckOutput:
    model = deployment_of(*rows, state=state, **more)
    return deploy_check(model.sections[0], model)


def test_plans() -> None:
    found = of_plans(*SHOP)
    assert (found.title, found.conclusion) == (
        "5 environments: 2 to change, 1 destroys 1 resource, 1 planned at deploy",
        "success",
    )
    assert found.summary == snapshot("""\
> [!CAUTION]
> `db` destroys 1 resource: `aws_db_snapshot.old`

- `eks`: locked by [#12](https://github.example/acme/shop/pull/12), deployed once that is merged, restored or unlocked
- `db`, `eks` and `billing`: an upstream changes too, so planned again in their turn
- `db`: will wait for approval

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `vpc` | +1 | `infra/network/main.tf` | Terraform | [12\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `db` | ~1\xa0<b>-1</b> | `infra/db/main.tf`; variable `REGION` | Terraform | [12\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `eks` | no\xa0changes | downstream of `vpc` | Terraform | [1\xa0min\xa005\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `billing` | no\xa0changes | downstream of `db` and `eks` | script | [12\xa0s](https://github.example/acme/shop/actions/runs/17/job/4) |
| `configuration` | ○\xa0after `db` | new | Terraform |  |

To deploy what is shown here:

```
/deploy
```\
""")
    assert found.text.startswith("<details><summary><code>vpc</code> &nbsp;+1</summary>")
    assert balanced(f"{found.summary}\n\n{found.text}")
    assert "mermaid" not in found.summary + found.text


@pytest.mark.parametrize(
    ("rows", "more", "title", "conclusion"),
    [
        ((), {}, "No environment is affected", "success"),
        ((Row("a"),), {"draft": True}, "Draft: a not planned yet", "neutral"),
        ((Row("a"),), {"fork_waits": True}, "Waits for somebody who may deploy", "action_required"),
        ((Row("a", state=TaskState.RUNNING),), {}, "Planning a", None),
        ((Row("a @b", state=TaskState.FAILED),), {}, "a @b: its plan failed", "failure"),
        ((Row("a", state=TaskState.CANCELLED),), {}, "a: its plan was cancelled", "cancelled"),
        (
            (Row("a", state=TaskState.FAILED),),
            {"problems": ("x:1:2: y",)},
            "1 problem in the workflow files",
            "failure",
        ),
    ],
)
def test_how_plans_end(rows: tuple[Row, ...], more: dict[str, object], title: str, conclusion: str | None) -> None:
    found = of_plans(*rows, **more)
    assert (found.title, found.conclusion) == (title, conclusion)


@pytest.mark.parametrize(
    ("rows", "more", "title", "conclusion"),
    [
        ((), {}, "Nothing is deployed yet", "neutral"),
        ((replace(VPC, state=TaskState.WAITING),), {}, "Deploying vpc: 1 waiting", None),
        (
            (replace(VPC, state=TaskState.WAITING),),
            {"waits": "for #12, which holds vpc"},
            "Waits for #12, which holds vpc",
            None,
        ),
        ((replace(VPC, state=TaskState.RUNNING),), {}, "Deploying vpc: 1 at work", None),
        ((VPC, replace(VPC, state=TaskState.NEEDS_APPROVAL)), {}, "vpc waits for approval: 1 done", "action_required"),
        ((VPC,), {}, "Deployed vpc", "success"),
        ((replace(VPC, state=TaskState.FAILED),), {}, "Deploy of vpc failed", "failure"),
        (
            (VPC, replace(VPC, state=TaskState.BLOCKED, code=Code.LOCKED)),
            {},
            "Deploy is blocked: 1 done, 1 blocked",
            "cancelled",
        ),
    ],
)
def test_how_deploys_end(rows: tuple[Row, ...], more: dict[str, object], title: str, conclusion: str | None) -> None:
    found = of_deploys(*rows, **more)
    assert (found.title, found.conclusion) == (title, conclusion)


def test_before_any_deploy() -> None:
    model = plan_of(*SHOP)
    assert deploy_check(model.sections[0], None).conclusion == "neutral"


def test_problems_are_told_at_their_place() -> None:
    problems = (
        "headwater.yml:12:7: 'bd' is no environment",
        "a:1:2/headwater.yml:3:1: warning: doubled\nneed",
        "nowhere",
    )
    found = definition_check(problems)
    assert found == snapshot(
        CheckOutput(
            title="3 problems in the workflow files",
            summary="""\
- `headwater.yml:12:7` 'bd' is no environment
- `a:1:2/headwater.yml:3:1` warning: doubled need
- nowhere\
""",
            conclusion="failure",
            annotations=(
                Annotation(path="headwater.yml", line=12, column=7, message="'bd' is no environment"),
                Annotation(path="a:1:2/headwater.yml", line=3, column=1, message="doubled need", level="warning"),
            ),
        )
    )
    assert definition_check(problems[1:2]).conclusion == "neutral"
    assert definition_check(()).conclusion == "success"


def test_each_problem_is_an_annotation_and_a_line_of_the_summary() -> None:
    found = definition_check(tuple(f"headwater.yml:{line}:1: wrong" for line in range(1, 121)))
    assert found.annotations[-1] == Annotation("headwater.yml", 120, 1, "wrong")
    assert len(found.annotations) == 120
    assert found.summary.count("wrong") == 120
