"""Pull requests of which nothing runs by itself: from forks, and drafts."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from tests.conversations.seeing import (
    check_of,
    deployed,
    flat,
    fork,
    headline,
    jobs,
    plan_of,
    push_to_fork,
    table,
    told,
)
from tests.conversations.town import Town, shown
from tests.github.world import requests as asking


@pytest.fixture
def open_shop(town: Town) -> Town:
    """A public repository with `db` and `web`."""
    town.repository.private = False
    town.setup({"headwater.yml": flat("db", "web"), **town.environments(db="d1", web="w1")})
    return town


def test_nothing_of_a_fork_runs_until_its_very_commit_is_named(open_shop: Town) -> None:
    pull = fork(open_shop, open_shop.environments(db="d2"))
    open_shop.settle()
    assert pull.plan() == snapshot("""\
### From a fork: nothing runs before somebody who may deploy names the commit

Read the change first: its code runs in the plan. Then:

```
/plan @COMMIT
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.checks() == snapshot({"headwater plan": "action_required"})
    assert told(check_of(pull, "headwater plan")) == snapshot("""\
action_required
Waits for somebody who may deploy
Code of a fork is planned once its commit is named.\
""")
    assert pull.say(f"/plan @{pull.head}", by="fred") == snapshot("""\
### Not planned

> [!WARNING]
> **You may not have the code of a fork planned here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/plan @COMMIT` by fred · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/plan", by="ada") == snapshot("""\
### Not planned

> [!WARNING]
> **This pull request comes from a fork, whose code runs only once its exact commit is named**. Read the code, then write `/plan @COMMIT`

<sub>`/plan` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    short = pull.head[:12]
    assert pull.say(f"/plan @{short}", by="ada").replace(short, "SHORT") == snapshot("""\
### Not planned

> [!WARNING]
> **This pull request comes from a fork, whose code runs only once its exact commit is named**. Read the code, then write `/plan @COMMIT`

<sub>`/plan @SHORT` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/deploy", by="ada") == snapshot("""\
### Not deployed

> [!WARNING]
> **This pull request comes from a fork, whose code runs only once its exact commit is named**. Read the code, then write `/plan @COMMIT`

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert jobs(open_shop) == []
    assert pull.say(f"/plan @{pull.head}", by="ada") == snapshot("""\
### The plan comment shows it

<sub>`/plan @COMMIT` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.plan() == snapshot("""\
### `db`: 1 to add

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | +1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: d2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")
    assert pull.checks() == snapshot(
        {"headwater deploy: flat": "neutral", "headwater plan": "success", "headwater plan: flat": "success"}
    )
    assert jobs(open_shop) == ["db success"]


def test_a_push_to_a_fork_takes_the_word_back(open_shop: Town) -> None:
    pull = fork(open_shop, open_shop.environments(db="d2"))
    open_shop.settle()
    first = pull.head
    pull.say(f"/plan @{first}", by="ada")
    push_to_fork(pull, open_shop.environments(db="d3", web="w3"))
    open_shop.settle()
    assert pull.plan() == snapshot("""\
### From a fork: nothing runs before somebody who may deploy names the commit

Read the change first: its code runs in the plan. Then:

```
/plan @COMMIT
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.checks() == snapshot({"headwater plan": "action_required"})
    assert pull.say("/deploy", by="ada") == snapshot("""\
### Not deployed

> [!WARNING]
> - **This pull request comes from a fork, whose code runs only once its exact commit is named**. Read the code, then write `/plan @COMMIT`
> - **The head is COMMIT7 now, but COMMIT7 was shown when the command was written**. Read the plan of COMMIT7, then write `/deploy` again

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say(f"/plan @{first}", by="ada") == snapshot("""\
### Not planned

> [!WARNING]
> **The commit named is not the head, which is COMMIT7**. Look at what was pushed, then name COMMIT7 or no commit

<sub>`/plan @COMMIT` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert jobs(open_shop) == ["db success"]
    pull.say(f"/plan @{pull.head}", by="ada")
    assert table(plan_of(pull).body) == snapshot(
        [
            "| `db` | +1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |",
            "| `web` | +1 | `web/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |",
        ]
    )
    assert len([one for one in pull.ours() if one.body.startswith("<!-- headwater plan")]) == 1


def test_a_fork_that_was_read_is_deployed_and_merged(open_shop: Town) -> None:
    pull = fork(open_shop, open_shop.environments(db="d2"))
    open_shop.settle()
    pull.say(f"/plan @{pull.head}", by="ada")
    assert headline(pull.say("/deploy", by="ada")) == snapshot("### Deployed `db`")
    pull.merge()
    open_shop.settle()
    assert open_shop.tool_log() == ["db begins", "db deployed"]


def test_a_fork_that_is_deleted_is_deployed_as_it_was_read(open_shop: Town) -> None:
    pull = fork(open_shop, open_shop.environments(db="d2"))
    open_shop.settle()
    pull.say(f"/plan @{pull.head}", by="ada")
    world = open_shop.github.world
    assert pull.pull.head_repository is not None
    world.delete_repository(pull.pull.head_repository, world.user("fred"))
    assert headline(pull.say("/plan", by="ada")) == snapshot("### The plan comment shows it")
    assert headline(pull.say("/deploy", by="ada")) == snapshot("### Deployed `db`")
    pull.merge()
    open_shop.settle()
    assert open_shop.tool_log() == ["db begins", "db deployed"]


def test_a_fork_whose_files_have_problems_is_not_even_read(open_shop: Town) -> None:
    pull = fork(open_shop, {"headwater.yml": "environments: {db: {}}\n"})
    open_shop.settle()
    assert headline(plan_of(pull).body) == snapshot(
        "### From a fork: nothing runs before somebody who may deploy names the commit"
    )
    pull.say(f"/plan @{pull.head}", by="ada")
    assert pull.plan() == snapshot("""\
### 1 problem in the workflow files

- [`headwater.yml:1:20`](https://github/acme/shop/blob/COMMIT/headwater.yml#L1) environment 'db' has neither `vcs` nor `templateName`: add one

Push a commit that mends this; it is read again at once.

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert check_of(pull, "headwater plan").annotations != []


def test_a_draft_waits_for_somebody_who_wants_its_plan(open_shop: Town) -> None:
    pull = open_shop.pull(open_shop.environments(db="d2"), draft=True)
    open_shop.settle()
    assert pull.ours() == []
    assert pull.checks() == {"headwater plan": "neutral"}
    assert told(check_of(pull, "headwater plan")) == snapshot("""\
neutral
Not planned yet
A draft is planned when somebody writes /plan.\
""")
    assert "### The plan comment shows it" in pull.say("/plan")
    assert pull.plan() == snapshot("""\
### `db`: 1 to add

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | +1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: d2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

Merging this deploys what is shown here. Once this is no draft any more, to deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")
    assert headline(plan_of(pull).body) == snapshot("### `db`: 1 to add")
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **This pull request is a draft**. Mark it as ready for review

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.push(open_shop.environments(db="d3"))
    open_shop.settle()
    assert jobs(open_shop) == ["db success"]
    assert headline(plan_of(pull).body) == snapshot(
        "### [`COMMIT7`](https://github/acme/shop/commit/COMMIT), pushed since, is not planned: a draft"
    )
    assert shown(plan_of(pull).body).splitlines()[-8:] == snapshot(
        [
            "",
            "To plan it:",
            "",
            "```",
            "/plan",
            "```",
            "",
            "<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>",
        ]
    )
    assert pull.checks() == snapshot({"headwater plan": "neutral"})
    world = open_shop.github.world
    asking.mark_draft(world, open_shop.repository, pull.pull, world.user("ada"), draft=False)
    open_shop.settle()
    assert jobs(open_shop) == ["db success", "db success"]
    assert "+ db: d3" in pull.plan()
    assert pull.checks() == snapshot(
        {"headwater deploy: flat": "neutral", "headwater plan": "success", "headwater plan: flat": "success"}
    )


def test_back_to_a_draft_what_was_planned_stays_and_nothing_is_deployed(open_shop: Town) -> None:
    pull = open_shop.pull(open_shop.environments(db="d2"))
    open_shop.settle()
    before = pull.plan()
    world = open_shop.github.world
    asking.mark_draft(world, open_shop.repository, pull.pull, world.user("ada"), draft=True)
    open_shop.settle()
    assert pull.plan().replace("Once this is no draft any more, to deploy", "To deploy") == before
    assert pull.checks() == snapshot(
        {"headwater deploy: flat": "neutral", "headwater plan": "success", "headwater plan: flat": "success"}
    )
    pull.say("/deploy")
    assert open_shop.tool_log() == []


def test_a_pull_request_to_another_branch_is_planned_and_not_deployed(open_shop: Town) -> None:
    open_shop.commit({"NOTES.md": "x\n"}, branch="release", start="main")
    pull = open_shop.pull(open_shop.environments(db="d2"), base="release")
    open_shop.settle()
    assert headline(plan_of(pull).body) == snapshot("### `db`: 1 to add")
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **Nothing is deployed from pull requests to this base branch, only to**: `main`. Change the base branch, or triggers.branches

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_what_a_fork_deletes_is_shown_apart(open_shop: Town) -> None:
    deployed(open_shop, open_shop.environments(db="d2", web="w2"))
    pull = fork(open_shop, {"headwater.yml": None})
    open_shop.settle()
    pull.say(f"/plan @{pull.head}", by="ada")
    assert pull.plan() == snapshot("""\
### Nothing to plan

- db is gone from headwater.yml: it will be forgotten; what it deployed at COMMIT7 stays as it is
- web is gone from headwater.yml: it will be forgotten; what it deployed at COMMIT7 stays as it is

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
