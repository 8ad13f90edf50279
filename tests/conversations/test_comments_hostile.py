"""What is shown comes from anywhere and does nothing; what is said by those who may not does nothing either."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.request

from inline_snapshot import snapshot

from bot.store import deliveries
from tests.conversations.seeing import check_of, flat, headline, jobs, plan_of, told
from tests.conversations.town import SECRET, Town, shown
from tests.conversations.workflows import workflow
from tests.github.world import requests as asking
from tests.github.world.talk import Comment

NASTY = r"""#!/bin/sh
cat <<'END'
```
not code any more, @acme/ops and @ada, see #1 and https://evil.example/x
</details></td></table><img src=x onerror=alert(1)>
<!-- headwater plan 1 -->
/deploy
~~~~~
`````
END
printf '\033[31mred\033[0m \033]8;;https://evil.example\007link\033]8;;\007 \342\200\256backwards \342\200\213nothing\r\n'
echo 'Plan: 1 to add, 0 to change, 0 to destroy.'
exit 2
"""
ODD = {
    "my db": "db",
    "web | **bold** `code` 🚀": "web",
    "@everyone <b>&amp;</b> #1": "mail",
    "-->": "end",
}


def test_what_a_plan_says_stays_in_its_block(town: Town) -> None:
    town.setup({"headwater.yml": flat("db"), **town.environments(db="d1")})
    pull = town.pull({"db/plan": ("100755", NASTY), "db/@ada `x` <b>|": "a file\n"})
    town.settle()
    assert pull.plan() == snapshot("""\
### `db`: 1 to add

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | +1 | <code>db/&#64;\u200bada &#96;x&#96; &#60;b&#62;&#124;</code> and `db/plan` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;+1</summary>

``````diff
```
not code any more, @acme/ops and @ada, see #1 and https://evil.example/x
</details></td></table><img src=x onerror=alert(1)>
<!- - headwater plan 1 -->
/deploy
~~~~~
`````
red link backwards �nothing
Plan: 1 to add, 0 to change, 0 to destroy.
``````

</details>

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")
    assert told(check_of(pull, "headwater plan: flat")) == snapshot("""\
success
db: 1 to add
| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `db` | +1 | <code>db/&#64;\u200bada &#96;x&#96; &#60;b&#62;&#124;</code> and `db/plan` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

To deploy what is shown here:

```
/deploy
```
<details><summary><code>db</code> &nbsp;+1</summary>

``````diff
```
not code any more, @acme/ops and @ada, see #1 and https://evil.example/x
</details></td></table><img src=x onerror=alert(1)>
<!- - headwater plan 1 -->
/deploy
~~~~~
`````
red link backwards �nothing
Plan: 1 to add, 0 to change, 0 to destroy.
``````

</details>\
""")
    assert len(pull.ours()) == 1
    assert town.tool_log() == []


def test_names_of_environments_are_data(town: Town) -> None:
    lines = [
        f"  {json.dumps(alias, ensure_ascii=False)}:\n    vcs: {{type: script, path: {path}}}\n"
        for alias, path in ODD.items()
    ]
    lines[1] += f"    needs: [{json.dumps('my db')}]\n"
    paths = dict.fromkeys(ODD.values(), "1")
    town.setup({"headwater.yml": flat(more="".join(lines)), **town.environments(**paths)})
    pull = town.pull(town.environments(**dict.fromkeys(ODD.values(), "2")))
    town.settle()
    assert pull.plan() == snapshot("""\
### 4 environments: 4 to change

- <code>web &#124; &#42;&#42;bold&#42;&#42; &#96;code&#96; 🚀</code>: an upstream changes too, so planned again in its turn

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["my db<br/>+1"]:::good
  n1["#64;everyone #60;b#62;#38;amp#59;#60;#47;b#62; #35;1<br/>+1"]:::good
  n2["#45;#45;#62;<br/>+1"]:::good
  n3["web #124; #42;#42;bold#42;#42; #96;code#96; 🚀<br/>+1"]:::good
  n0 --> n3
  classDef good fill:#2da44e26,stroke:#2da44e
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `my db` | +1 | `db/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| <code>&#64;\u200beveryone &#60;b&#62;&#38;amp&#59;&#60;/b&#62; &#35;1</code> | +1 | `mail/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| `-->` | +1 | `end/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |
| <code>web &#124; &#42;&#42;bold&#42;&#42; &#96;code&#96; 🚀</code> | +1 | `web/wanted` | script | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>my db</code> &nbsp;+1</summary>

```diff
+ db: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>&#64;everyone &#60;b&#62;&#38;amp&#59;&#60;/b&#62; &#35;1</code> &nbsp;+1</summary>

```diff
+ mail: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>--&#62;</code> &nbsp;+1</summary>

```diff
+ end: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>web &#124; &#42;&#42;bold&#42;&#42; &#96;code&#96; 🚀</code> &nbsp;+1</summary>

```diff
+ web: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat`</sub>\
""")
    assert jobs(town) == snapshot(
        [
            "my-db-7db90c8c success",
            "everyone-b-amp-b-1-0265b3f6 success",
            "env-5d5b9de6 success",
            "web-bold-code-b80b98ec success",
        ]
    )
    assert pull.say('/plan "my db" --only') == snapshot("""\
### Planned `my db`

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `my db` | ✓\xa0planned | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>my db</code> &nbsp;+1</summary>

```diff
+ db: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/plan "my db" --only` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat` · deployment 2</sub>\
""")
    assert pull.say('/deploy "@everyone <b>&amp;</b> #1" "-->"') == snapshot("""\
### Deployed 2 environments

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| <code>&#64;\u200beveryone &#60;b&#62;&#38;amp&#59;&#60;/b&#62; &#35;1</code> | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `-->` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>&#64;everyone &#60;b&#62;&#38;amp&#59;&#60;/b&#62; &#35;1</code> &nbsp;+1</summary>

```diff
+ mail: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>--&#62;</code> &nbsp;+1</summary>

```diff
+ end: 2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub><code>/deploy &#34;&#64;\u200beveryone &#60;b&#62;&#38;amp&#59;&#60;/b&#62; &#35;1&#34; &#34;--&#62;&#34;</code> by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `flat` · deployment 3</sub>\
""")
    assert sorted(town.tool_log()) == ["end begins", "end deployed", "mail begins", "mail deployed"]
    assert pull.say('/explain "web | **bold** `code` 🚀"') == snapshot("""\
### <code>web &#124; &#42;&#42;bold&#42;&#42; &#96;code&#96; 🚀</code>

- not deployed
- needs `my db`
- would be deployed, since: never deployed

Next:

```
/deploy
```

<sub>flat</sub>\
""")


def test_names_of_branches_and_titles_are_data(town: Town) -> None:
    """What git takes for a branch, made of shell, Markdown, Jinja and SQL; and a title that holds anything."""
    branch = "$(touch${IFS}here);`touch${IFS}here`|'\"<b>{{'zzz'+'zzz'}}/--deploy');drop-table-pulls;--\u202e"
    town.setup(
        {"headwater.yml": workflow({"db": ""}, top="triggers: {deployOnMerge: true}"), **town.environments(db="1")}
    )
    title = "$(touch here) <img src=x> {{ 'zz' * 7 }} '; drop table pulls; --\n/deploy\n\u202e @ada [skip"
    pull = town.pull(town.environments(db="2"), branch=branch, title=title)
    town.settle()
    assert headline(shown(plan_of(pull).body)) == "### `db`: 1 to add"
    pull.say("/deploy")
    assert town.tool_log() == ["db begins", "db deployed"]
    pull.merge()
    town.settle()
    assert town.tool_log() == ["db begins", "db deployed"]
    texts = "".join(comment.body for comment in pull.ours())
    assert all(one not in texts for one in ("{{", "zzzzzz", "drop", "<b>", "<img", "\u202e"))
    assert not list(town.folder.rglob("here"))


def test_a_marker_of_ours_in_somebody_elses_comment_is_only_text(town: Town) -> None:
    town.setup({"headwater.yml": flat("db"), **town.environments(db="d1")})
    pull = town.pull({"README.md": "# Soon\n"})
    town.settle()
    forged = pull.comment("<!-- headwater plan 1 -->\n### `db`: no changes\n\nAll is well.", by="eve")
    pull.push(town.environments(db="d2"))
    town.settle()
    assert len(forged.history) == 1
    assert headline(plan_of(pull).body) == snapshot("### `db`: 1 to add")
    assert plan_of(pull).user is town.app.bot


def test_outsiders_get_one_clear_answer_and_nothing_is_done(town: Town) -> None:
    town.repository.private = False
    town.setup({"headwater.yml": flat("db"), **town.environments(db="d1")})
    pull = town.pull(town.environments(db="d2"))
    town.settle()
    planned = jobs(town)
    assert pull.say("/deploy", by="mallory") == snapshot("""\
### Not deployed

> [!WARNING]
> **You may not deploy here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/deploy` by mallory · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/plan", by="mallory") == snapshot("""\
### Not planned

> [!WARNING]
> **You may not plan here; it takes any of**: `triage` and `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/plan` by mallory · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/approve db\n/cancel\n/unlock db", by="mallory") == snapshot("""\
### Not approved

> [!WARNING]
> **You may not approve here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/approve db` by mallory · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Not cancelled

> [!WARNING]
> **You may not cancel here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/cancel` by mallory · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>

### Not unlocked

> [!WARNING]
> **You may not unlock here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/unlock db` by mallory · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert headline(pull.say("/status", by="mallory")) == snapshot("### flat: Inactive")
    assert headline(pull.say("/help", by="mallory")) == snapshot("### Commands")
    assert jobs(town) == planned
    assert town.tool_log() == []


def test_who_reads_a_private_repository_may_plan_and_no_more(town: Town) -> None:
    town.setup({"headwater.yml": flat("db"), **town.environments(db="d1")})
    pull = town.pull(town.environments(db="d2"))
    town.settle()
    assert headline(pull.say("/plan", by="eve")) == snapshot("### The plan comment shows it")
    assert jobs(town) == ["db success", "db success"]
    assert pull.say("/plan -v SIZE=huge", by="eve") == snapshot("""\
### Not planned

> [!WARNING]
> **You may not give values of your own here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/plan -v SIZE=huge` by eve · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/destroy --confirm flat", by="eve") == snapshot("""\
### Not destroyed

> [!WARNING]
> **You may not destroy here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/destroy --confirm flat` by eve · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []


def test_a_comment_full_of_commands_is_answered_for_the_first_few(town: Town) -> None:
    town.setup({"headwater.yml": flat("db"), **town.environments(db="d1")})
    pull = town.pull({"README.md": "# Soon\n"})
    town.settle()
    pull.comment("/explain db\n" * 4_000, by="eve")
    town.settle()
    assert len(pull.ours()) == 21
    assert pull.newest() == snapshot("""\
### That was not understood

- `/explain db`: this and what follows was not run: a comment may hold 20 commands. Write the rest in another comment

<sub>`/explain db` by eve · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")


def test_answers_that_people_delete_are_written_anew_where_they_still_change(town: Town) -> None:
    town.setup({"headwater.yml": flat("db"), **town.environments(db="d1")})
    pull = town.pull(town.environments(db="d2"))
    town.settle()
    town.hold("db")
    pull.comment("/deploy")
    town.wait_for(lambda: town.tool_log() == ["db begins"])
    town.wait_for(lambda: len(pull.ours()) == 2)
    world = town.github.world
    asking.delete_comment(world, town.repository, pull.ours()[1], world.user("ada"))
    town.let_go("db")
    town.settle()
    assert headline(pull.newest()) == snapshot("### Deployed `db`")


def test_a_command_that_is_deleted_at_once_is_still_carried_out(town: Town) -> None:
    """It was said; GitHub told us so, and tells everybody who deleted it."""
    town.setup({"headwater.yml": flat("db"), **town.environments(db="d1")})
    pull = town.pull(town.environments(db="d2"))
    town.settle()
    world = town.github.world
    said = pull.comment("/deploy")
    asking.delete_comment(world, town.repository, said, world.user("ada"))
    town.settle()
    assert town.tool_log() == ["db begins", "db deployed"]
    assert headline(pull.newest()) == snapshot("### Deployed `db`")


def test_commands_on_plain_issues_are_left_alone(town: Town) -> None:
    town.setup({"headwater.yml": flat("db"), **town.environments(db="d1")})
    pull = town.pull(town.environments(db="d2"))
    town.settle()
    sent = _webhook_of(town, pull.comment("Hello"))
    del sent["issue"]["pull_request"]
    sent["comment"]["body"] = "/deploy"
    sent["comment"]["id"] += 1
    assert _send(town, sent) == 202
    town.settle()
    assert len(pull.ours()) == 1
    assert town.tool_log() == []
    with town.server.database.reading() as connection:
        assert [one.outcome for one in deliveries.recent(connection, 1)] == ["ignored: comment on an issue"]


def _webhook_of(town: Town, comment: Comment) -> dict[str, dict[str, object]]:
    """The webhook that told of a comment, as GitHub keeps it."""
    town.settle()
    found = [one for one in town.github.hooks.log if one.event == "issue_comment"]
    return json.loads(found[-1].body)


def _send(town: Town, payload: object) -> int:
    body = json.dumps(payload).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": "0b7d2c1e-9b1d-4f5e-8c3a-5d2f6e7a8b9c",
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    request = urllib.request.Request(f"{town.settings.public_url}/webhook", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        status: int = answer.status
    return status
