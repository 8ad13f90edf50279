"""A job whose machine vanishes while its tool runs, and of which nothing is heard: lost, until somebody knows more."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import on_both
from tests.conversations.town import Conversation, Town
from tests.github.actions.runs import Job


def _vanished(shop: Town) -> tuple[Conversation, Job]:
    """A deploy whose `network` is lost: its machine is gone, and GitHub does not know that."""
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    shop.hold("network")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    (job,) = [one for run in shop.repository.runs.values() for one in run.current() if one.name == "deploy network"]
    shop.github.actions.vanish(job)
    shop.wait_for(lambda: "lost" in pull.newest(), 60)
    return pull, job


def _answer(shop: Town, pull: Conversation, text: str, by: str) -> str:
    """The bot's answer to a comment while a job is lost, so that nothing ever settles."""
    before = len(pull.ours())
    pull.comment(text, by)
    shop.wait_for(lambda: len(pull.ours()) > before)
    return pull.newest()


@on_both
def test_a_lost_job_is_told_with_what_to_do_and_only_an_admin_takes_it_for_ended(shop: Town) -> None:
    pull, _ = _vanished(shop)
    assert pull.newest() == snapshot("""\
### Deploying 3 environments: 1 lost, 2 waiting

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["! network"]:::asks
  n1["○ db"]:::idle
  n2["○ api"]:::idle
  n0 --> n1
  n1 --> n2
  classDef asks fill:#d4a72c40,stroke:#bf8700,stroke-width:2px
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | !\xa0**lost: its runner is gone, the tool may be at work** | +1 | [since TIME](https://github/acme/shop/actions/runs/RUN) |
| `db` | ○\xa0waits for `network` | +1 |  |
| `api` | ○\xa0waits for `db` |  |  |

<details><summary><code>network</code> &nbsp;+1</summary>

```diff
+ network: n2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: d1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

`network` may still be at work, so nothing else starts there. An admin who is sure that it has ended:

```
/retry --force
```

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    assert _answer(shop, pull, "/retry", "ada") == snapshot("""\
### `network`: lost, and perhaps still at work. An admin who is sure that it has ended may write `/retry --force`

<sub>`/retry` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert _answer(shop, pull, "/retry --force", "bob") == snapshot("""\
### Not retried

> [!WARNING]
> **You may not use --force here; it takes any of**: `admin`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/retry --force` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert "2 network deploy lost silent" in shop.tasks()
    assert shop.tool_log() == ["network begins"]
    shop.let_go("network")
    shop.wait_for(lambda: shop.tool_log() == ["network begins", "network deployed"])  # nobody heard of that
    _answer(shop, pull, "/retry --force", "olga")
    shop.wait_for(lambda: "Deployed" in pull.newest(), 60)
    assert pull.newest() == snapshot("""\
### Deployed 2 environments, 1 without changes

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["– network"]:::quiet
  n1["✓ db"]:::good
  n2["✓ api"]:::good
  n0 --> n1
  n1 --> n2
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef quiet fill:#8c959f1a,stroke:#8c959f
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | –\xa0no changes |  | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `api` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>db</code> &nbsp;+1</summary>

```diff
+ db: d1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>api</code> &nbsp;+1</summary>

```diff
+ api: a1
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/retry --force` by olga · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
    assert shop.tool_log() == snapshot(
        ["network begins", "network deployed", "db begins", "db deployed", "api begins", "api deployed"]
    )


@on_both
def test_a_lost_job_that_github_says_has_ended_has_failed_and_is_tried_again_by_anybody(shop: Town) -> None:
    pull, job = _vanished(shop)
    shop.github.actions.notice(job)
    shop.settle()
    assert "failed (outcome unknown)" in pull.newest()
    shop.let_go("network")
    assert pull.say("/retry", by="bob").startswith("### Deployed 3 environments")
