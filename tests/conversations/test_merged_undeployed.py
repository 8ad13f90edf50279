"""A merge that deploys nothing, where a workflow does not ask for that: its plan comment says how it is deployed now."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.seeing import update_branch
from tests.conversations.town import Conversation, Town
from tests.conversations.workflows import workflow

PAIR = workflow({"db": "", "api": "db", "cdn": ""})


def last_words(pull: Conversation) -> str:
    """What follows the plans in the plan comment, up to its last line."""
    return pull.plan().rpartition("</details>")[2].partition("<sub>")[0].strip()


def _changed(town: Town) -> Conversation:
    town.setup({"headwater.yml": PAIR, **town.environments(db="1", api="1", cdn="1")})
    pull = town.pull(town.environments(db="2", cdn="2"))
    town.settle()
    return pull


def test_what_was_not_deployed_is_named_with_the_command_for_it(town: Town) -> None:
    pull = _changed(town)
    comments = len(pull.ours())
    pull.merge()
    town.settle()
    assert last_words(pull) == snapshot("""\
Merged without being deployed. To deploy it, on an open pull request that has this merge:

```
/deploy db cdn api
```\
""")
    assert len(pull.ours()) == comments
    other = town.pull({"README.md": "# More\n"})
    assert other.say("/deploy db api cdn").splitlines()[0] == snapshot(
        "### `db` and `cdn` wait for approval: 1 waiting"
    )


def test_an_older_pull_request_does_not_deploy_it_as_it_was_before(town: Town) -> None:
    """It would plan no changes, and be recorded as deployed, with the old text."""
    pull = _changed(town)
    old = town.pull({"README.md": "# Old\n"})
    town.settle()
    pull.merge()
    town.settle()
    assert old.say("/deploy db api cdn") == snapshot("""\
### Not deployed

> [!WARNING]
> **The base branch has since changed what these read**: `db` and `cdn`. Merge the base branch into it, or rebase it

<sub>`/deploy db api cdn` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert old.say("/adopt db") == snapshot("""\
### Not adopted

> [!WARNING]
> **The base branch has since changed what these read**: `db`. Merge the base branch into it, or rebase it

<sub>`/adopt db` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert "changed what these read" in old.say("/adopt --from db")
    update_branch(old, "ada")
    town.settle()
    assert old.say("/deploy db api cdn").splitlines()[0] == snapshot("### `db` and `cdn` wait for approval: 1 waiting")


def test_what_was_deployed_before_the_merge_is_not_named(town: Town) -> None:
    pull = _changed(town)
    pull.say("/deploy cdn")
    pull.merge()
    town.settle()
    assert last_words(pull) == snapshot("""\
Merged without being deployed. To deploy it, on an open pull request that has this merge:

```
/deploy db api
```\
""")


def test_after_everything_was_deployed_there_is_nothing_to_type(town: Town) -> None:
    pull = _changed(town)
    pull.say("/deploy")
    pull.merge()
    town.settle()
    assert last_words(pull) == ""


def test_what_is_closed_offers_no_deploy(town: Town) -> None:
    pull = _changed(town)
    assert "/deploy" in last_words(pull)
    pull.close()
    town.settle()
    assert last_words(pull) == ""
    pull.reopen()
    town.settle()
    assert "/deploy" in last_words(pull)
