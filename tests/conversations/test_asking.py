"""`/help`, `/status`, `/explain`, `/adopt`, `/cancel`, and what is no command, or belongs elsewhere."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import on_both
from tests.conversations.town import Town, shown
from tests.conversations.workflows import workflow
from tests.github.world import requests as asking


def _two(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": "", "api": "db"}), **town.environments(db="1", api="1")})


def test_help(town: Town) -> None:
    _two(town)
    pull = town.pull({"README.md": "# More\n"})
    assert pull.say("/help", by="eve") == snapshot("""\
### Commands

Each at the start of a line, in a new comment.

| command | what it does |
|---|---|
| `/plan` | Show what a deploy would do; changes nothing |
| `/deploy` | Deploy what the plan comment shows, in dependency order |
| `/destroy` | Destroy environments, downstream first; shows the plans, then waits for `/approve` |
| `/approve` | Let environments that wait for approval go on |
| `/reject` | Cancel environments that wait for approval |
| `/cancel` | Stop the deployments of this pull request, running jobs too |
| `/retry` | Run again what failed, and what that blocked, at the same commit |
| `/unlock` | Free environments that a pull request holds, or the lock of a Terraform state |
| `/adopt` | Record as deployed what exists already and plans no change |
| `/restore` | Deploy the default branch's version over what this pull request deployed |
| `/explain` | Why an environment is affected, waits or was skipped, and what would move it on |
| `/status` | The state of every workflow and environment, and who holds what |
| `/help` | This list, or more about one command |

`/help COMMAND` tells more of one. A name with spaces or signs is quoted: `'my db'`.\
""")
    assert pull.say("/help deploy", by="eve") == snapshot("""\
### `/deploy`

Deploy what the plan comment shows, in dependency order.

```text
/deploy [ENV…] [--only | --from ALIAS] [--workflow NAME] [@SHA]
```

ENV is an alias, or a glob such as `net-*`; without one, all are meant. What is named brings its affected downstream along, never its upstream. A name with spaces or signs is quoted: `'my db'`.

| option | what it does |
|---|---|
| `--only` | These alone, without what lies downstream. |
| `--from ALIAS` | This, and all that lies downstream, affected or not. May be given several times. |
| `--workflow NAME` | Only this workflow: its name, or its file. |
| `@SHA` | At this commit: 7 to 64 hexadecimal digits. |

The commit is the one that the plan comment showed when you wrote the command; anything pushed that you could not see refuses it, and so do plans with changes that were shown only afterwards. Each environment is planned once more and deployed if the plan is still the one shown; otherwise it waits for `/approve`.

- `/deploy`: all that this pull request affects
- `/deploy db`: `db`, and what it affects downstream
- `/deploy db --only`: `db` alone
- `/deploy --from network`: `network`, and everything downstream of it

Works on pull requests that are open.\
""")
    assert pull.say("/help depoly", by="eve") == snapshot("""\
### That was not understood

- `/help depoly`: there is no command 'depoly'. Did you mean `/help deploy`?

<sub>`/help depoly` by eve · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_status_tells_what_a_pull_request_brings_while_it_is_under_way(town: Town) -> None:
    """The default branch has no such environment; what failed or was deployed from a pull request stands there all the same."""
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    brings = workflow({"db": "", "cache": "", "api": "cache"})
    pull = town.pull({"headwater.yml": brings, **town.environments(cache="1", api="1")})
    town.settle()
    town.break_("cache")
    pull.say("/deploy")
    assert pull.say("/status") == snapshot("""\
### shop: Failed

| Environment | State | Held by |
| :-- | :-- | :-- |
| `db` | ○\xa0not deployed |  |
| `cache` | ✗\xa0**failed**: not in the file; `apply` failed (exit code 1). | [#1](https://github/acme/shop/pull/1) |

Why, and what would free it:

```
/explain cache
```\
""")
    town.mend("cache")
    pull.say("/retry")
    assert pull.say("/status") == snapshot("""\
### shop: Active (partial) · 2 of 3 deployed

| Environment | State | Held by | Commit | Deployed |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ○\xa0not deployed |  |  |  |
| `cache` | ✓\xa0deployed: not in the file | [#1](https://github/acme/shop/pull/1) | [`COMMIT7`](https://github/acme/shop/commit/COMMIT) | DATE |
| `api` | ✓\xa0deployed: not in the file | [#1](https://github/acme/shop/pull/1) | [`COMMIT7`](https://github/acme/shop/commit/COMMIT) | DATE |\
""")


def test_status_and_explain(town: Town) -> None:
    _two(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    assert pull.say("/status", by="eve") == snapshot("""\
### shop: Inactive

| Environment | State |
| :-- | :-- |
| `db` | ○\xa0not deployed |
| `api` | ○\xa0not deployed |\
""")
    assert pull.say("/explain api", by="eve") == snapshot("""\
### `api`

- not deployed
- needs `db`
- would be deployed, since: never deployed

Next:

```
/deploy
```

<sub>shop</sub>\
""")
    town.break_("api")
    pull.say("/deploy")
    assert pull.say("/status") == snapshot("""\
### shop: Failed

| Environment | State | Held by | Commit | Deployed |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ✓\xa0deployed | [#1](https://github/acme/shop/pull/1) | [`COMMIT7`](https://github/acme/shop/commit/COMMIT) | DATE |
| `api` | ✗\xa0**failed**: `apply` failed (exit code 1). | [#1](https://github/acme/shop/pull/1) |  |  |

Why, and what would free it:

```
/explain api
```\
""")
    assert pull.say("/explain api") == snapshot("""\
### `api`

- not deployed
- needs `db`
- failed (deployment 2, since DATE): the tool failed: `apply` failed (exit code 1). it broke
- belongs to [#1](https://github/acme/shop/pull/1) since DATE
- would be deployed, since: never deployed; its last deploy did not finish

Push a commit that mends this. To try again as it is:

```
/retry
```

<sub>shop</sub>\
""")
    assert pull.say("/explain apo") == snapshot("""\
### Not explained

> [!WARNING]
> **There is no environment called 'apo'**. Did you mean 'api'?

<sub>`/explain apo` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/explain") == snapshot("""\
### That was not understood

- `/explain`: `/explain` is about one environment, and none is named. It is written `/explain ENV [--workflow NAME]`

<sub>`/explain` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/status --workflow shpo") == snapshot("""\
### Not told

> [!WARNING]
> **There is no workflow called 'shpo'**. Did you mean 'shop'?

<sub>`/status --workflow shpo` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_what_is_nearly_a_command(town: Town) -> None:
    _two(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    assert pull.say("/deply db\n/deploy --onyl db\n/deploy 'db\n/deploy -v SIZE=large") == snapshot("""\
### That was not understood

- `/deply db`: there is no command '/deply'. Did you mean `/deploy db`?

<sub>`/deply db` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### That was not understood

- `/deploy --onyl db`: `/deploy` has no option '--onyl'. Did you mean `/deploy --only db`?

<sub>`/deploy --onyl db` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### That was not understood

- `/deploy 'db`: the quote ' is opened and never closed. It is written <code>/deploy &#91;ENV…&#93; &#91;--only &#124; --from ALIAS&#93; &#91;--workflow NAME&#93; &#91;&#64;\u200bSHA&#93;</code>

<sub>`/deploy 'db` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### That was not understood

- `/deploy -v SIZE=large`: `/deploy` takes no -v: values belong to the plan that people review, so plan with them first, then write `/deploy`. Did you mean `/plan -v SIZE=large`?

<sub>`/deploy -v SIZE=large` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/deploy db --only --from api\n/destroy --confirm\n/approve @1234567") == snapshot("""\
### That was not understood

- `/deploy db --only --from api`: &#45;-only adds nothing and --from adds the downstream: give one of them. It is written <code>/deploy &#91;ENV…&#93; &#91;--only &#124; --from ALIAS&#93; &#91;--workflow NAME&#93; &#91;&#64;\u200bSHA&#93;</code>

<sub>`/deploy db --only --from api` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### That was not understood

- `/destroy --confirm`: &#45;-confirm needs WORKFLOW. It is written <code>/destroy &#91;ENV…&#93; --confirm WORKFLOW &#91;--only &#124; --from ALIAS&#93; &#91;--workflow NAME&#93; &#91;--force&#93;</code>

<sub>`/destroy --confirm` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### That was not understood

- `/approve @COMMIT7`: `/approve` takes no @\u200bSHA; a name that begins with @\u200b is quoted. It is written `/approve [ENV…] [--workflow NAME]`

<sub>`/approve @COMMIT7` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/headwater dploy") == snapshot("""\
### That was not understood

- `/headwater dploy`: there is no command '/dploy'. Did you mean `/deploy`?

<sub>`/headwater dploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []


def test_what_is_no_command_of_anybody(town: Town) -> None:
    _two(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    texts = (
        "> /deploy\n\nI would not",
        "```\n/deploy\n```",
        "please /deploy",
        "    /deploy",
        "/etc/passwd and /usr/bin/deploy",
        "<!-- \n/deploy\n-->",
    )
    for text in texts:
        pull.comment(text)
    edited = pull.comment("/lgtm")
    world = town.github.world
    asking.edit_comment(world, town.repository, edited, world.user("ada"), "/deploy")
    asking.comment(world, town.repository, pull.number, town.app.bot, "/deploy")
    town.settle()
    assert len(pull.ours()) == 2  # the plan comment, and the one that the test wrote in the bot's name
    assert not any(pull.reactions(one) for one in town.repository.comments.values())
    assert town.tool_log() == []
    said = pull.comment("Ready.\r\n\r\n/headwater deploy db\r\n\r\nThanks!")
    town.settle()
    assert pull.reactions(said) == ["eyes"]
    assert town.tool_log() == ["db begins", "db deployed", "api begins", "api deployed"]


def test_on_merged_and_closed_pull_requests(town: Town) -> None:
    _two(town)
    merged, closed = town.pull({"README.md": "# More\n"}), town.pull({"NOTES.md": "more\n"})
    town.settle()
    merged.merge()
    closed.close()
    town.settle()
    lines = "/plan\n/deploy\n/destroy --confirm shop\n/adopt\n/restore\n/approve\n/reject\n/cancel\n/retry\n/unlock"
    assert merged.say(lines) == snapshot("""\
### Not planned

> [!WARNING]
> **`/plan` does not belong on a pull request that is merged**. Open another one; this one takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/explain`, `/status`, `/help`

<sub>`/plan` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Not deployed

> [!WARNING]
> **`/deploy` does not belong on a pull request that is merged**. Open another one; this one takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/explain`, `/status`, `/help`

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Not destroyed

> [!WARNING]
> **`/destroy` does not belong on a pull request that is merged**. Open another one; this one takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/explain`, `/status`, `/help`

<sub>`/destroy --confirm shop` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Not adopted

> [!WARNING]
> **`/adopt` does not belong on a pull request that is merged**. Open another one; this one takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/explain`, `/status`, `/help`

<sub>`/adopt` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Not restored

> [!WARNING]
> **`/restore` does not belong on a pull request that is merged**. Open another one; this one takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/explain`, `/status`, `/help`

<sub>`/restore` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Nothing waits for approval here

<sub>`/approve` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Nothing waits for approval here

<sub>`/reject` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Nothing is under way here

<sub>`/cancel` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Nothing that was deployed or destroyed from here has failed

<sub>`/retry` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### This pull request holds nothing

<sub>`/unlock` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert closed.say(lines) == snapshot("""\
### Not planned

> [!WARNING]
> **`/plan` does not belong on a pull request that is closed**. Reopen it; as it is, it takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/restore`, `/explain`, `/status`, `/help`

<sub>`/plan` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Not deployed

> [!WARNING]
> **`/deploy` does not belong on a pull request that is closed**. Reopen it; as it is, it takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/restore`, `/explain`, `/status`, `/help`

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Not destroyed

> [!WARNING]
> **`/destroy` does not belong on a pull request that is closed**. Reopen it; as it is, it takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/restore`, `/explain`, `/status`, `/help`

<sub>`/destroy --confirm shop` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Not adopted

> [!WARNING]
> **`/adopt` does not belong on a pull request that is closed**. Reopen it; as it is, it takes `/approve`, `/reject`, `/cancel`, `/retry`, `/unlock`, `/restore`, `/explain`, `/status`, `/help`

<sub>`/adopt` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### This pull request holds nothing that could be restored

<sub>`/restore` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Nothing waits for approval here

<sub>`/approve` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Nothing waits for approval here

<sub>`/reject` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Nothing is under way here

<sub>`/cancel` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Nothing that was deployed or destroyed from here has failed

<sub>`/retry` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### This pull request holds nothing

<sub>`/unlock` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    for pull in (merged, closed):
        assert pull.say("/status").startswith("### ")
        assert pull.say("/explain db").startswith("### ")
        assert pull.say("/help").startswith("### Commands")


@on_both
def test_cancel_reaches_what_runs_and_what_waits(town: Town) -> None:
    _two(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    town.hold("db")
    pull.comment("/deploy")
    town.wait_for(lambda: town.tool_log() == ["db begins"])
    assert pull.say("/cancel", by="bob") == snapshot("""\
### Stopping deployment 2

<sub>`/cancel` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert shown(pull.ours()[1].body) == snapshot("""\
### Deploy was cancelled: 2 cancelled

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["⊘ db"]:::stopped
  n1["⊘ api"]:::stopped
  n0 --> n1
  classDef stopped fill:#cf222e0d,stroke:#cf222e,stroke-dasharray:4 3
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ⊘\xa0cancelled | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ⊘\xa0cancelled | +1 |  |

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

To try again what is not done, at the same commit:

```
/retry
```

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert town.tool_log() == ["db begins"]
    assert pull.checks()["headwater deploy: shop"] == snapshot("cancelled")
    assert pull.say("/cancel") == snapshot("""\
### Nothing is under way here

<sub>`/cancel` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    town.let_go("db")
    pull.say("/retry")
    assert town.tool_log() == ["db begins", "db begins", "db deployed", "api begins", "api deployed"]


def test_cancel_kills_what_does_not_stop(town: Town) -> None:
    _two(town)
    stubborn = "#!/bin/sh\ntrap '' INT TERM\n" + town.environments(db="")["db/apply"][1].removeprefix("#!/bin/sh\n")  # type: ignore[index]
    pull = town.pull({**town.environments(db="2"), "db/apply": ("100755", stubborn)})
    town.settle()
    town.hold("db")
    pull.comment("/deploy")
    town.wait_for(lambda: town.tool_log() == ["db begins"])
    pull.comment("/cancel")
    town.wait_for(lambda: "| ◐\xa0deploying (asked to stop) | +1 | [since TIME]" in shown(pull.ours()[1].body))
    assert pull.say("/cancel --kill") == snapshot("""\
### Stopping deployment 2

<sub>`/cancel --kill` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == ["db begins"]
    assert "cancelled" in shown(pull.ours()[1].body)


def test_cancel_calls_off_what_waits_for_approval(town: Town) -> None:
    text = workflow({"db": ""}, more={"db": "requiresApproval: true"})
    town.setup({"headwater.yml": text, **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    pull.say("/deploy")
    assert pull.say("/cancel") == snapshot("""\
### Stopping deployment 2

<sub>`/cancel` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert shown(pull.ours()[1].body) == snapshot("""\
### Deploy was cancelled: 1 cancelled

| Environment | State | Changes |
| :-- | :-- | :-- |
| `db` | ⊘\xa0cancelled | +1 |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

To try again what is not done, at the same commit:

```
/retry
```

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert pull.say("/approve", by="bob") == snapshot("""\
### Nothing waits for approval here

<sub>`/approve` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_adopt(town: Town) -> None:
    _two(town)
    town.drift("db", "2")
    town.drift("api", "by hand")
    pull = town.pull(town.environments(db="2"))
    town.settle()
    assert pull.say("/adopt") == snapshot("""\
### Adopted `db`; `api` has changes

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ db"]:::good
  n1["– api"]:::quiet
  n0 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef quiet fill:#8c959f1a,stroke:#8c959f
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0adopted |  | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | –\xa0has changes, so it was not adopted | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>api</code> &nbsp;~1</summary>

```diff
~ api: by hand -> 1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<sub>`/adopt` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert town.tool_log() == []
    assert pull.say("/status") == snapshot("""\
### shop: Active (partial) · 1 of 2 deployed

| Environment | State | Commit | Deployed |
| :-- | :-- | :-- | :-- |
| `db` | ✓\xa0deployed | [`COMMIT7`](https://github/acme/shop/commit/COMMIT) | DATE |
| `api` | ○\xa0not deployed |  |  |\
""")
    assert pull.say("/adopt db") == snapshot("""\
### Nothing was adopted: `api` has changes

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `api` | –\xa0has changes, so it was not adopted | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>api</code> &nbsp;~1</summary>

```diff
~ api: by hand -> 1
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<sub>`/adopt db` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
