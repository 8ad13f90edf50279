"""What comments are made from in these tests: the shop of the examples, planned and deployed."""

from __future__ import annotations

from bot.decide.facts import TaskAction
from bot.decide.transitions import Code, DeploymentState, TaskState
from bot.render.models import DeploymentComment, PlanComment, Row, Section

URL = "https://github.example/acme/shop"
COMMIT = "3d3c42e5aac5ba805825da76410c181273ba90b1"
BASE = "5fda3b95a4ea91299a34e894583c3862153e4b97"
JOB = f"{URL}/actions/runs/17/job/4"

DB_PLAN = """
Terraform used the selected providers to generate the following execution
plan. Resource actions are indicated with the following symbols:
  ~ update in-place
  - destroy

Terraform will perform the following actions:

  # aws_db_instance.main will be updated in-place
  ~ resource "aws_db_instance" "main" {
        id             = "shop"
      ~ instance_class = "db.t3.medium" -> "db.t3.large"
    }

  # aws_db_snapshot.old will be destroyed
  - resource "aws_db_snapshot" "old" {
      - id = "snap-1" -> null
    }

Plan: 0 to add, 1 to change, 1 to destroy.
"""
DB_CHANGES = (("aws_db_instance.main", ("update",)), ("aws_db_snapshot.old", ("delete",)))


def planned(alias: str, *needs: str, **more: object) -> Row:
    """An environment whose plan succeeded; without `counts` it has no changes."""
    counts = more.pop("counts", {})
    values: dict[str, object] = {
        "tool": "terraform",
        "state": TaskState.SUCCEEDED,
        "code": Code.DONE,
        "planned": True,
        "empty": not counts,
        "counts": counts,
        "duration": 12.0,
        "job_url": JOB,
    }
    return Row(alias, needs=needs, **(values | more))  # type: ignore[arg-type]


def deployed(alias: str, *needs: str, state: TaskState = TaskState.SUCCEEDED, **more: object) -> Row:
    """An environment of a deployment."""
    values: dict[str, object] = {"tool": "terraform", "code": Code.DONE, "action": TaskAction.DEPLOY}
    return Row(alias, needs=needs, state=state, **(values | more))  # type: ignore[arg-type]


SHOP = (
    planned(
        "vpc",
        counts={"add": 1},
        text='Terraform will perform the following actions:\n\n  + resource "aws_subnet" "c" {}\n',
        changes=(("aws_subnet.c", ("create",)),),
        reasons=("file-changed: infra/network/main.tf",),
    ),
    planned(
        "db",
        "vpc",
        counts={"change": 1, "destroy": 1},
        text=DB_PLAN,
        changes=DB_CHANGES,
        requires_approval=True,
        reasons=("file-changed: infra/db/main.tf", "variable-changed: REGION", "upstream-affected: vpc"),
    ),
    planned("eks", "vpc", reasons=("upstream-affected: vpc",), locked_by="#12", duration=65.0),
    planned("billing", "db", "eks", tool="script", reasons=("upstream-affected: db", "upstream-affected: eks")),
    Row(
        "configuration",
        tool="terraform",
        needs=("db", "eks"),
        state=TaskState.SKIPPED,
        code=Code.AFTER_UPSTREAM,
        detail="db",
        reasons=("new: it is new in headwater.yml",),
    ),
)


def plan_of(*rows: Row, **more: object) -> PlanComment:
    """A plan comment of one workflow."""
    values: dict[str, object] = {"key": "acme/shop:12", "commit": COMMIT, "base": BASE, "repository_url": URL}
    sections = (Section("shop", "headwater.yml", DeploymentState.SUCCEEDED, 3, rows),)
    return PlanComment(**(values | {"sections": sections} | more))  # type: ignore[arg-type]


def deployment_of(*rows: Row, state: DeploymentState = DeploymentState.RUNNING, **more: object) -> DeploymentComment:
    """A comment of `/deploy` of one workflow."""
    values: dict[str, object] = {
        "key": "acme/shop:99",
        "verb": "/deploy",
        "actor": "ada",
        "commit": COMMIT,
        "repository_url": URL,
        "sections": (Section("shop", "headwater.yml", state, 7, rows),),
    }
    return DeploymentComment(**(values | more))  # type: ignore[arg-type]
