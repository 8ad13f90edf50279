"""What is deployed from an open pull request belongs to it: others wait, and go on by themselves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from sqlalchemy.exc import OperationalError

from bot.store import locks
from tests.bot.runner.state_store import state_store
from tests.conversations.conftest import on_both
from tests.conversations.merged import headline, rows
from tests.conversations.town import Conversation, Town, shown
from tests.conversations.workflows import workflow

THREE = {"network": "", "db": "network", "cdn": ""}


def _two_of_db(town: Town) -> tuple[Conversation, Conversation]:
    """Ada changes what `db` builds on and has deployed it, bob wants to deploy `db` too."""
    town.setup({"headwater.yml": workflow(THREE), **town.environments(network="1", db="1", cdn="1")})
    first = town.pull(town.environments(network="2"), by="ada")
    town.settle()
    first.say("/deploy")
    second = town.pull(town.environments(db="3", cdn="3"), by="bob")
    town.settle()
    return first, second


@on_both
def test_the_second_waits_and_goes_on_when_the_first_is_merged(town: Town) -> None:
    first, second = _two_of_db(town)
    assert second.say("/deploy") == snapshot("""\
### Waits for [#1](https://github/acme/shop/pull/1), which holds `db`

It goes on by itself once that is merged, restored or unlocked. `/cancel` calls it off.

<sub>`/deploy` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log()[4:] == []
    first.merge()
    town.settle()
    assert second.newest() == snapshot("""\
### Deployed 2 environments

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `cdn` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `db` | ✓\xa0deployed | ~1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>cdn</code> &nbsp;+1</summary>

```diff
+ cdn: 3
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<details><summary><code>db</code> &nbsp;~1</summary>

```diff
~ db: 1 -> 3
Plan: 0 to add, 1 to change, 0 to destroy.
```

</details>

<sub>`/deploy` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 4</sub>\
""")
    assert sorted(town.tool_log()[4:]) == ["cdn begins", "cdn deployed", "db begins", "db deployed"]


@on_both
def test_it_goes_on_when_the_first_is_closed_and_restored(town: Town) -> None:
    first, second = _two_of_db(town)
    second.say("/deploy")
    first.close()
    town.settle()
    assert "Waits for" in second.newest()
    first.say("/restore")
    first.say("/approve", by="bob")
    town.settle()
    assert town.tool_log()[4:6] == ["network begins", "network deployed"]  # `db` is as on the default branch
    assert sorted(town.tool_log()[6:]) == ["cdn begins", "cdn deployed", "db begins", "db deployed"]
    assert (town.tools / "db").read_text() == "3\n"


def test_one_frees_ones_own_and_admins_that_of_others(town: Town) -> None:
    first, second = _two_of_db(town)
    second.say("/deploy")
    assert second.say("/unlock db", by="bob") == snapshot("""\
### Not unlocked

> [!WARNING]
> **You may not free what another pull request holds here; it takes any of**: `admin`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/unlock db` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert second.say("/unlock", by="bob") == snapshot("""\
### This pull request holds nothing

<sub>`/unlock` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert second.say("/unlock cdn db", by="olga") == snapshot("""\
### Done

- `db`: free; &#35;\u200b1 held it
- `cdn`: nothing that is locked is called that

<sub>`/unlock cdn db` by olga · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    town.settle()
    assert sorted(town.tool_log()[4:]) == ["cdn begins", "cdn deployed", "db begins", "db deployed"]
    assert first.say("/unlock", by="bob") == snapshot("""\
### `network`: free; &#35;\u200b1 held it

<sub>`/unlock` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert first.say("/status", by="bob") == snapshot("""\
### shop: Active

| Environment | State | Held by | Commit | Deployed |
| :-- | :-- | :-- | :-- | :-- |
| `network` | ✓\xa0deployed |  | [`COMMIT7`](https://github/acme/shop/commit/COMMIT) | DATE |
| `db` | ✓\xa0deployed | [#2](https://github/acme/shop/pull/2) | [`COMMIT7`](https://github/acme/shop/commit/COMMIT) | DATE |
| `cdn` | ✓\xa0deployed | [#2](https://github/acme/shop/pull/2) | [`COMMIT7`](https://github/acme/shop/commit/COMMIT) | DATE |\
""")


@on_both
def test_a_retry_on_a_merged_pull_request_locks_nothing(town: Town) -> None:
    town.setup({"headwater.yml": workflow(THREE), **town.environments(network="1", db="1", cdn="1")})
    first = town.pull(town.environments(network="2", db="2"))
    town.settle()
    town.break_("db")
    first.say("/deploy")
    first.merge()
    town.settle()
    town.mend("db")
    assert headline(first.say("/retry", by="bob")) == "### Deployed `db`"
    second = town.pull(town.environments(db="3"), by="bob")
    town.settle()
    assert headline(second.say("/deploy")) == "### Deployed `db`"


@on_both
def test_what_has_not_begun_is_called_off_when_it_is_unlocked(town: Town) -> None:
    asking = workflow(THREE, more={"db": "requiresApproval: true"})
    town.setup({"headwater.yml": asking, **town.environments(network="1", db="1", cdn="1")})
    first = town.pull(town.environments(network="2", db="2"))
    town.settle()
    assert headline(first.say("/deploy")) == snapshot("### `db` waits for approval: 1 done")
    first.close()
    town.settle()
    assert headline(first.say("/unlock network db", by="olga")) == "### Done"
    assert rows(shown(first.ours()[1].body)) == snapshot(["`network` ✓ deployed +1", "`db` ⊘ called off: unlocked +1"])
    assert headline(first.say("/approve db", by="bob")) == snapshot("### `db`: nothing that waits here is called that")
    second = town.pull(town.environments(db="3"), by="bob")
    town.settle()
    second.say("/deploy")
    second.say("/approve", by="ada")
    assert (town.tools / "db").read_text() == "3\n"


@on_both
def test_what_plans_while_it_is_unlocked_cannot_be_approved_without_the_lock(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    town.hold_plan("db")
    town.drift("db", "by hand")
    pull.comment("/deploy")
    town.wait_for(lambda: any("deploy running" in one for one in town.tasks()))
    pull.comment("/unlock")
    town.wait_for(lambda: len(pull.ours()) == 3)
    town.let_plan_go("db")
    town.settle()
    assert rows(shown(pull.ours()[1].body)) == snapshot(["`db` ⊘ called off: unlocked ~1"])
    assert headline(pull.say("/approve", by="bob")) == snapshot("### Nothing waits for approval here")
    assert headline(pull.say("/deploy")) == snapshot("### `db` waits for approval")
    assert headline(pull.say("/approve", by="bob")) == snapshot("### `db`: approved")


@on_both
def test_t18_two_that_overlap_never_hold_each_other_up(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"a": "", "b": "", "c": ""}), **town.environments(a="1", b="1", c="1")})
    first = town.pull(town.environments(a="2", b="2"), by="ada")
    second = town.pull(town.environments(b="3", c="3"), by="bob")
    third = town.pull(town.environments(c="4", a="4"), by="bob")
    town.settle()
    town.hold("a")
    first.comment("/deploy", by="olga")
    town.wait_for(lambda: "a begins" in town.tool_log())
    for one in (second, third):
        one.comment("/deploy", by="olga")
    town.wait_for(lambda: len(second.ours()) == len(third.ours()) == 2)
    town.let_go("a")
    town.settle()
    assert sorted(town.tool_log()) == ["a begins", "a deployed", "b begins", "b deployed"]
    assert second.newest() == snapshot("""\
### Waits for [#1](https://github/acme/shop/pull/1), which holds `b`

It goes on by itself once that is merged, restored or unlocked. `/cancel` calls it off.

<sub>`/deploy` by olga · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert third.newest() == snapshot("""\
### Waits for [#1](https://github/acme/shop/pull/1), which holds `a`

It goes on by itself once that is merged, restored or unlocked. `/cancel` calls it off.

<sub>`/deploy` by olga · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    first.close()
    first.say("/unlock")
    assert town.tool_log()[4:] == ["c begins", "c deployed"]
    # either of them was faster; what the first left there is not what its plan showed
    faster, slower = (second, third) if "waits for approval" in second.newest() else (third, second)
    assert f"Waits for [#{faster.number}]" in slower.newest()
    faster.say("/approve", by="ada")
    assert len(town.tool_log()) == 8
    faster.close()
    faster.say("/unlock")
    slower.say("/approve", by="ada")
    assert len(town.tool_log()) == 12
    assert sorted(town.tool_log()) == sorted(
        f"{name} {what}" for name in ("a", "b", "c") for what in ("begins", "deployed") for _ in range(2)
    )


def test_a_waiting_command_is_called_off(town: Town) -> None:
    first, second = _two_of_db(town)
    second.say("/deploy")
    assert second.say("/cancel") == snapshot("""\
### `/deploy`: cancelled by bob

<sub>`/cancel` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    first.merge()
    town.settle()
    assert second.ours()[1].body.splitlines()[1] == snapshot("### Not deployed: cancelled by bob")
    assert town.tool_log()[4:] == []


def test_its_author_may_no_more(town: Town) -> None:
    first, second = _two_of_db(town)
    second.say("/deploy")
    town.repository.collaborators["bob"] = "read"
    first.merge(by="olga")
    town.settle()
    assert second.newest() == snapshot("""\
### Not deployed

> [!WARNING]
> **You may not deploy here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/deploy` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log()[4:] == []


def test_what_it_waited_for_was_changed_by_the_merge(town: Town) -> None:
    """Both change `db` itself: after the merge of the one, the other does not have what the base branch has."""
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    first, second = town.pull({"db/one": "1"}, by="ada"), town.pull({"db/two": "2"}, by="bob")
    town.settle()
    first.say("/deploy")
    second.say("/deploy")
    first.merge()
    town.settle()
    assert second.newest() == snapshot("""\
### Not deployed

> [!WARNING]
> **The base branch has since changed what these read**: `db`. Merge the base branch into it, or rebase it

<sub>`/deploy` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == ["db begins", "db deployed"]


def test_the_lock_that_a_kill_left_on_a_state(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = town.folder / "bin"
    folder.mkdir()
    (folder / "terraform").symlink_to(Path(sys.executable).with_name("headwater-terraform"))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("bot.briefing.LOCK_TIMEOUT", 0.0)
    with state_store() as store:
        module = f'{store.backend}resource "terraform_data" "a" {{ input = SIZE }}\n'
        text = workflow({"db": ""}).replace("script", "terraform")
        town.setup({"headwater.yml": text, "db/main.tf": module.replace("SIZE", "1")})
        pull = town.pull({"db/main.tf": module.replace("SIZE", "2")})
        town.settle()
        assert pull.say("/unlock db --state lock-7", by="olga") == snapshot("""\
### Not unlocked

> [!WARNING]
> **`db` is no environment that Headwater knows**. Name the one whose state is locked

<sub>`/unlock db --state lock-7` by olga · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
        store.leave_locked("lock-7", "headwater@runner")
        assert pull.say("/deploy") == snapshot("""\
### Deploy of `db` failed

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `db` | ✗\xa0**failed** | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details open><summary><code>db</code> &nbsp;failed</summary>

```
terraform plan failed (exit code 1).

Error: Error acquiring the state lock

Error message: HTTP remote state already locked: ID=lock-7
Lock Info:
  ID:        lock-7
  Path:      \n\
  Operation: OperationTypeApply
  Who:       headwater@runner
  Version:   1.11.4
  Created:   2026-01-02 03:04:05.678 +0000 UTC
  Info:      \n\


Terraform acquires a state lock to protect the state from being written
by multiple users at the same time. Please resolve the issue above and try
again. For most commands, you can disable locking with the "-lock=false"
flag, but this is not recommended.
```

</details>

If what left that lock has ended for sure, an admin frees it:

```
/unlock db --state lock-7
```

To try again what is not done, at the same commit:

```
/retry
```

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
        assert pull.say("/unlock db --state lock-7", by="bob") == snapshot("""\
### Not unlocked

> [!WARNING]
> **You may not free the lock of a state here; it takes any of**: `admin`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/unlock db --state lock-7` by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
        assert pull.say("/unlock db --state -force", by="olga") == snapshot("""\
### That was not understood

- `/unlock db --state -force`: &#45;-state needs ID, and '-force' follows; quote it if it is meant. It is written `/unlock [ENV…] [--workflow NAME]`

<sub>`/unlock db --state -force` by olga · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
        assert store.lock is not None
        assert pull.say("/unlock db --state lock-7", by="olga") == snapshot("""\
### Unlocked `db`

| Environment | State | Job |
| :-- | :-- | :-- |
| `db` | ✓\xa0unlocked | [N s](https://github/acme/shop/actions/runs/RUN) |

<sub>`/unlock db --state lock-7` by olga · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 3</sub>\
""")
        assert store.lock is None
        pull.say("/retry")
        assert "### Deployed `db`" in pull.newest()


@pytest.mark.parametrize("broken", ["held", "take"])
def test_while_the_store_does_not_answer_for_locks_nothing_is_deployed(
    town: Town, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()

    def gone(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("the server closed the connection"))

    with monkeypatch.context() as patched:
        patched.setattr(locks, broken, gone)
        pull.comment("/deploy")
        town.wait_for(lambda: "commands" in town.tried_again())
        assert town.tool_log() == []
    town.settle()
    assert town.tool_log() == ["db begins", "db deployed"]
