"""Answers: how workflows stand, and why an environment is where it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from bot.decide.facts import TaskAction
from bot.decide.status import Summary, WorkflowStatus
from bot.decide.transitions import Code, TaskState
from bot.explaining import Explanation
from bot.render import explain_comment, help_comment, marked, status_comment
from bot.render.fitting import COMMENT, characters
from bot.standing import EnvironmentStanding, Standing
from bot.store.views import TaskView
from planner.listing import ListedWorkflow
from tests.bot.render.reading import Seen
from tests.bot.render.samples import COMMIT, URL

STANDING = Standing(
    ListedWorkflow("headwater.yml", "shop @ada", ()),
    Summary(WorkflowStatus.ACTIVE, 5, 6),
    (
        EnvironmentStanding("vpc", True, "deployed", COMMIT, 1764000000.0, {}),
        EnvironmentStanding("db", True, "failed", COMMIT, 1764000000.0, {}, "Error: #12 | no"),
        EnvironmentStanding("eks", False, "not deployed", None, None, {}, "disabled"),
    ),
)
TASK = TaskView(
    1, 1, "db", TaskAction.DEPLOY, TaskState.FAILED, Code.TOOL_FAILED, "Error: no @zone", 1.0, 2.0, (), None, (), None,
    "a1", "", False, True, None,
)  # fmt: skip
FOUND = Explanation(
    "db", "shop", ("vpc",), False, True, COMMIT, 1764000000.0, ("file-changed: infra/db/main.tf",), 7, TASK, None
)


def test_status() -> None:
    assert status_comment((STANDING,), repository_url=URL) == snapshot("""\
<!-- headwater status - -->
### shop @\u200bada: Active (partial) · 5 of 6 deployed

| Environment | State | Commit | Deployed |
| :-- | :-- | :-- | :-- |
| `vpc` | ✓\xa0deployed | [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) | 2025-11-24\xa016:00\xa0UTC |
| `db` | ✗\xa0**failed**: Error: &#35;\u200b12 &#124; no | [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) | 2025-11-24\xa016:00\xa0UTC |
| `eks` | ○\xa0not deployed: disabled |  |  |

Why, and what would free it:

```
/explain db
```\
""")
    assert "There is no workflow here." in status_comment(())


def test_a_long_status_fits() -> None:
    many = replace(STANDING, environments=STANDING.environments[:2] * 2_000)
    body = status_comment((STANDING, many, STANDING), repository_url=URL)
    assert characters(body) <= COMMENT.most
    assert Seen(body).elements.count("h3") == 3
    assert "more environments, left out here" in body


def test_explain() -> None:
    assert explain_comment(FOUND, repository_url=URL) == snapshot("""\
<!-- headwater explain - -->
### `db`

- deployed at [`3d3c42e`](https://github.example/acme/shop/commit/3d3c42e5aac5ba805825da76410c181273ba90b1) on 2025-11-24 16:00 UTC
- needs `vpc`
- failed (deployment 7): the tool failed: Error: no @\u200bzone
- changed since it was last deployed: `infra/db/main.tf`

Push a commit that mends this. To try again as it is:

```
/retry
```

<sub>shop</sub>\
""")
    assert marked(explain_comment(FOUND, key="5")) == ("explain", "5")


@pytest.mark.parametrize(
    ("changed", "next_one"),
    [
        ({"gone": True}, "/destroy db"),
        ({"task": None, "absent": ("vpc",)}, "/deploy"),
        ({"task": None}, "/deploy db"),
        ({"task": None, "reasons": ()}, None),
        ({"task": replace(TASK, state=TaskState.NEEDS_APPROVAL, code=Code.PLAN_DIFFERS)}, "/approve db"),
        ({"task": replace(TASK, state=TaskState.WAITING, waits_for=("vpc",)), "asking": ("vpc",)}, "/approve vpc"),
        ({"task": replace(TASK, state=TaskState.LOST, code=Code.SILENT)}, "/retry --force"),
        ({"task": replace(TASK, state=TaskState.BLOCKED, code=Code.UPSTREAM_BROKEN, detail="vpc")}, "/retry"),
        ({"task": replace(TASK, state=TaskState.BLOCKED, code=Code.LOCKED, detail="#12")}, "/retry"),
        ({"task": replace(TASK, state=TaskState.CANCELLED, code=Code.CANCELLED)}, "/retry"),
        ({"task": replace(TASK, state=TaskState.RUNNING, code=Code.CLAIMED)}, None),
    ],
)
def test_what_would_move_it(changed: dict[str, object], next_one: str | None) -> None:
    body = explain_comment(replace(FOUND, **changed))  # type: ignore[arg-type]
    typed = body.split("```\n")[1].strip() if "```" in body else None
    assert typed == next_one


def test_help() -> None:
    body = help_comment((("/plan [ENV…]", "plan what is affected"), ("/deploy a|b", "deploy @ada")))
    assert body == snapshot("""\
<!-- headwater help - -->
### What can be said here

| Command |  |
| :-- | :-- |
| `/plan [ENV…]` | plan what is affected |
| <code>/deploy a&#124;b</code> | deploy @\u200bada |\
""")


def test_what_is_stuck_in_several_workflows_is_explained_with_its_workflow() -> None:
    other = replace(STANDING, workflow=STANDING.workflow._replace(name="my bank"))
    body = status_comment((STANDING, other))
    assert "/explain db --workflow 'shop @ada'\n/explain db --workflow 'my bank'\n" in body
