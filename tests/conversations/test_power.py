"""Power comes from the default branch: what a pull request writes about it holds once it is merged."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.seeing import check_of, flat, headline, jobs, plan_of, table, told
from tests.conversations.town import ACTION, Town

CANARY = "canary-7f3a9c2e51"

SAYS = """#!/bin/sh
echo "+ TOKEN is $TOKEN"; echo 'Plan: 1 to add, 0 to change, 0 to destroy.'; exit 2
"""


def secret(variable: str) -> str:
    """A workflow whose `db` has this variable."""
    return flat("web", more=f"  db:\n    vcs: {{type: script, path: db}}\n    variables: {{{variable}}}\n")


def everything_seen(town: Town) -> str:
    """All that people can read: comments with their history, checks, logs of jobs."""
    comments = [body for one in town.repository.comments.values() for _, body in one.history]
    checks = [str(one.output) for one in town.repository.check_runs.values()]
    logs = [line for run in town.repository.runs.values() for job in run.current() for line in job.log]
    return "\n".join([*comments, *checks, *logs])


def test_a_pull_request_that_gives_itself_power_is_told_what_holds_after_the_merge(town: Town) -> None:
    town.repository.secrets |= {"DB_PASSWORD": CANARY}
    town.setup({"headwater.yml": flat("db", "web"), **town.environments(db="d1", web="w1")})
    grab = flat(
        head="permissions: {deploy: [read], approve: ['@acme/ops'], admin: [write]}\n"
        "requirements: {approvals: 2, selfApproval: true, checks: none}\n",
        more="  db:\n    vcs: {type: script, path: db}\n    runsOn: [self-hosted, big]\n"
        "    githubEnvironment: production\n    variables: {TOKEN: {sensitive: true, fromSecret: DB_PASSWORD, plan: true}}\n"
        "  web:\n    vcs: {type: script, path: web}\n    runsOn: [self-hosted, big]\n",
    )
    pull = town.pull({"headwater.yml": grab, "db/plan": ("100755", SAYS), **town.environments(web="w2")})
    town.settle()
    assert pull.plan() == snapshot("""\
### 2 environments: 1 to change, 1 planned at deploy

- `db`: deployed before the merge, what is found then and not shown here will wait for approval

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ○\xa0planned at deploy (needs `TOKEN`) | variable `TOKEN`; `db/plan` | script |  |
| `web` | +1 | `web/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>web</code> &nbsp;+1</summary>

```diff
+ web: w2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

Holds only once this is merged:

- permissions.deploy: write → read
- permissions.approve: write → @\u200bacme/ops
- permissions.admin: admin → write
- requirements.approvals: 0 → 2
- requirements.selfApproval: false → true
- requirements.checks: required → none
- db: runsOn ubuntu-latest → self-hosted, big
- db: githubEnvironment headwater-deploy → production
- db: the secret DB_PASSWORD for TOKEN
- web: runsOn ubuntu-latest → self-hosted, big

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")
    assert pull.checks() == snapshot(
        {"headwater deploy: flat": "neutral", "headwater plan": "success", "headwater plan: flat": "success"}
    )
    assert pull.say("/deploy", by="eve") == snapshot("""\
### Not deployed

> [!WARNING]
> **You may not deploy here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/deploy` by eve · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    run = next(iter(town.repository.runs.values()))
    assert [(job.name, job.labels, job.environment) for job in run.current() if job.key == "plan"] == snapshot(
        [("plan web", ["ubuntu-latest"], "headwater-plan")]
    )
    assert CANARY not in everything_seen(town)


def test_power_alone_is_worth_a_comment(town: Town) -> None:
    town.setup({"headwater.yml": flat("db"), **town.environments(db="d1")})
    pull = town.pull({"headwater.yml": flat("db", head="permissions: {deploy: [read]}\n")})
    town.settle()
    assert pull.plan() == snapshot("""\
### No environment is affected

Holds only once this is merged:

- permissions.deploy: write → read

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert told(check_of(pull, "headwater plan")) == snapshot("""\
success
Nothing to plan
See the plan comment.\
""")


def test_a_new_environment_runs_with_the_defaults(town: Town) -> None:
    town.setup({"headwater.yml": flat("db"), **town.environments(db="d1")})
    new = "  web:\n    vcs: {type: script, path: web}\n    runsOn: big\n    githubEnvironment: production\n"
    pull = town.pull({"headwater.yml": flat("db", more=new), **town.environments(web="w1")})
    town.settle()
    assert pull.plan() == snapshot("""\
### `web`: 1 to add

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `web` | +1 | new | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>web</code> &nbsp;+1</summary>

```diff
+ web: w1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

Holds only once this is merged:

- web: runsOn ubuntu-latest → big
- web: githubEnvironment headwater-deploy → production

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")
    assert headline(pull.say("/deploy")) == snapshot("### Deployed `web`")
    assert town.tool_log() == ["web begins", "web deployed"]
    ran = [job for run in town.repository.runs.values() for job in run.current() if job.matrix]
    assert [(job.name, job.labels, job.environment) for job in ran] == snapshot(
        [("plan web", ["ubuntu-latest"], "headwater-plan"), ("deploy web", ["ubuntu-latest"], "headwater-deploy")]
    )


def test_secrets_reach_plans_only_where_the_default_branch_says_so(town: Town) -> None:
    town.repository.secrets |= {"DB_PASSWORD": CANARY}
    town.setup(
        {
            "headwater.yml": secret("TOKEN: {sensitive: true, fromSecret: DB_PASSWORD}"),
            **town.environments(db="d1", web="w1"),
        }
    )
    pull = town.pull({"db/plan": ("100755", SAYS)})
    town.settle()
    assert pull.plan() == snapshot("""\
### `db`: planned at deploy

- `db`: deployed before the merge, what is found then and not shown here will wait for approval

| Environment | Plan | Why | Tool |
| :-- | :-- | :-- | :-- |
| `db` | ○\xa0planned at deploy (needs `TOKEN`) | `db/plan` | script |

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")
    pull.push({"headwater.yml": secret("TOKEN: {sensitive: true, fromSecret: DB_PASSWORD, plan: true}")})
    town.settle()
    assert table(plan_of(pull).body) == snapshot(
        ["| `db` | ○\xa0planned at deploy (needs `TOKEN`) | variable `TOKEN`; `db/plan` | script |"]
    )
    assert CANARY not in everything_seen(town)
    assert jobs(town) == []


def test_a_secret_that_plans_may_have_is_hidden_in_what_they_say(town: Town) -> None:
    town.repository.secrets |= {"DB_PASSWORD": CANARY}
    town.setup(
        {
            "headwater.yml": secret("TOKEN: {sensitive: true, fromSecret: DB_PASSWORD, plan: true}"),
            **town.environments(db="d1", web="w1"),
        }
    )
    pull = town.pull({"db/plan": ("100755", SAYS)})
    town.settle()
    assert pull.plan() == snapshot("""\
### `db`: 1 to add

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | +1 | `db/plan` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ TOKEN is ***
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")
    assert CANARY not in everything_seen(town)


def test_a_secret_that_is_not_there_is_named(town: Town) -> None:
    town.setup(
        {
            "headwater.yml": secret("TOKEN: {sensitive: true, fromSecret: DB_PASSWORD, plan: true}"),
            **town.environments(db="d1", web="w1"),
        }
    )
    pull = town.pull(town.environments(db="d2"))
    town.settle()
    assert pull.plan() == snapshot("""\
### `db`: its plan failed

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | ✗\xa0**failed** | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details open><summary><code>db</code> &nbsp;failed</summary>

```
The secret DB_PASSWORD that 'db' needs is missing or empty in this job. Add it to the secrets of the GitHub environment or of the repository; if .github/workflows/headwater.yml does not name it, write that anew: headwater init --github
```

</details>

Push a commit that mends this. To plan again as it is:

```
/plan
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")


def test_where_the_default_branch_cannot_be_read_nobody_is_given_more(town: Town) -> None:
    strict = flat("db", head="permissions: {deploy: [admin]}\n")
    town.setup({"headwater.yml": strict, **town.environments(db="d1")})
    pull = town.pull(town.environments(db="d2"))
    town.settle()
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **You may not deploy here; it takes any of**: `admin`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    town.commit({"headwater.yml": strict + "oops: 1\n"})
    town.settle()
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **The workflow files of the default branch have problems, so it is not known who may do that there**. Mend them on the default branch, then write the command again

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []


def test_the_workflow_file_that_no_longer_fits_is_told(town: Town) -> None:
    town.setup({"headwater.yml": flat("db", "web"), **town.environments(db="d1", web="w1")})
    town.commit({"headwater.yml": secret("TOKEN: {sensitive: true, fromSecret: DB_PASSWORD}")})
    pull = town.pull(town.environments(web="w2"))
    town.settle()
    assert pull.plan() == snapshot("""\
### `web`: 1 to add

> [!IMPORTANT]
> .github/workflows/headwater.yml does not give its jobs that deploy the secret DB_PASSWORD: write it anew with `headwater init --github`, and merge that

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `web` | +1 | `web/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>web</code> &nbsp;+1</summary>

```diff
+ web: w2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")


def test_without_the_workflow_file_plans_wait_for_it_and_are_made_once_it_is_there(town: Town) -> None:
    town.commit({"headwater.yml": flat("db", "web"), **ACTION, **town.environments(db="d1", web="w1")})
    town.settle()
    pull = town.pull(town.environments(db="d2", web="w2"))
    town.settle()
    assert pull.plan() == snapshot("""\
### 2 environments wait for the workflow file

`db` and `web` are planned in jobs of `.github/workflows/headwater.yml` on the default branch, which has none yet. Once `headwater init --github` has written it and it is merged there, this is planned by itself.

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.checks() == snapshot({"headwater plan": "action_required"})
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **The default branch has no workflow file for our jobs**. Write it with headwater init --github and merge it into the default branch

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/plan") == snapshot("""\
### Not planned

> [!WARNING]
> **The default branch has no workflow file for our jobs**. Write it with headwater init --github and merge it into the default branch

<sub>`/plan` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    town.write_workflow()
    town.settle()
    assert headline(pull.plan()) == "### 2 environments: 2 to change"
    assert pull.checks()["headwater plan"] == "success"
    assert "Deployed 2 environments" in pull.say("/deploy")


def test_a_pull_request_that_brings_the_workflow_file_is_to_be_merged_first(town: Town) -> None:
    town.commit({"README.md": "nothing yet"})
    town.settle()
    other = town.pull({"headwater.yml": flat("web"), **town.environments(web="w1")})
    pull = town.pull({"headwater.yml": flat("db"), **ACTION, **town.environments(db="d1")}, branch="begin")
    town.write_workflow("begin")
    town.settle()
    assert pull.plan() == snapshot("""\
### `db` waits for the workflow file

`db` is planned in jobs of `.github/workflows/headwater.yml` on the default branch, which has none yet. This pull request brings it: once it is merged, pull requests are planned.

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.checks() == snapshot({"headwater plan": "neutral"})
    assert pull.say("/plan") == snapshot("""\
### Not planned

> [!WARNING]
> **The default branch has no workflow file for our jobs**. Merge this pull request, which brings it

<sub>`/plan` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert headline(other.plan()) == "### `web` waits for the workflow file"
    pull.merge()
    town.settle()
    assert "web" in headline(other.plan())
    assert "waits" not in headline(other.plan())


def test_a_pull_request_takes_no_approval_away(town: Town) -> None:
    asks = flat(more="  db:\n    vcs: {type: script, path: db}\n    requiresApproval: true\n")
    town.setup({"headwater.yml": asks, **town.environments(db="d1")})
    pull = town.pull({"headwater.yml": flat("db"), **town.environments(db="d2")})
    town.settle()
    assert "Holds only once this is merged:\n\n- db: requiresApproval true → false\n" in pull.plan()
    pull.say("/deploy")
    assert headline(pull.newest()) == "### `db` waits for approval"
    assert town.tool_log() == []
    pull.say("/approve", by="bob")
    assert town.tool_log() == ["db begins", "db deployed"]
