"""What `/deploy` takes: a refusal tells all that is not met, and what to do for each."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.seeing import notice, update_branch
from tests.conversations.town import Conversation, Town
from tests.conversations.workflows import workflow
from tests.github.world import requests as asking
from tests.github.world.checks import CheckRun, Status
from tests.github.world.pushing import suite_for
from tests.github.world.repository import Protection

OWNERS = {".github/CODEOWNERS": "db/ @olga\n"}


def _one(town: Town, top: str = "", **more: object) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}, top=top), **town.environments(db="1"), **OWNERS})
    town.repository.protections["main"] = Protection(**more)  # type: ignore[arg-type]


def _status(pull: Conversation, context: str, state: str) -> None:
    """Somebody's CI says how it went."""
    world = pull.town.github.world
    made = Status(world.next_id(), pull.head, state, context, None, None, world.user("ci"), world.clock.now())
    pull.town.repository.statuses.append(made)


def _check(pull: Conversation, name: str, conclusion: str | None) -> None:
    """A job of somebody's workflow."""
    world, repository = pull.town.github.world, pull.town.repository
    suite = suite_for(world, repository, world.actions_app.id, pull.head, None)
    status = "completed" if conclusion else "in_progress"
    made = CheckRun(world.next_id(), suite, name, pull.head, status, conclusion, world.clock.now())
    repository.check_runs[made.id] = made


def test_all_that_is_not_met_is_told_at_once(town: Town) -> None:
    _one(
        town,
        "requirements: {approvals: 2, codeOwners: true}",
        required_checks=("lint", "unit", "end-to-end", "headwater deploy: shop"),
        code_owners=True,
    )
    pull = town.pull(town.environments(db="2"))
    pull.push({"db/more": ""}, by="bob")
    town.settle()
    pull.review("bob")  # who pushed last
    pull.review("eve")  # who may not write
    _status(pull, "lint", "failure")
    _check(pull, "unit", None)
    town.commit({"db/wanted": "3\n"})
    asking.mark_draft(town.github.world, town.repository, pull.pull, town.github.world.user("ada"), draft=True)
    town.settle()
    assert pull.say(f"/deploy @{'0' * 40}") == snapshot("""\
### Not deployed

> [!WARNING]
> - **This pull request is a draft**. Mark it as ready for review
> - **The commit named is not the head, which is COMMIT7**. Look at what was pushed, then name COMMIT7 or no commit
> - **It conflicts with the base branch in**: `db/wanted`
> - **The base branch has since changed what these read**: `db`. Merge the base branch into it, or rebase it
> - **Commit COMMIT7 has 0 of 2 approvals**. Have it approved by people who may write, other than the author and who pushed last
> - **Code owners have not approved**. Ask the code owners of the changed files for a review
> - **Checks have failed**: `lint`. Mend what they found and push, or run them again
> - **Checks have not ended**: `unit`. Wait for them, then write the command again
> - **Checks have not been reported**: `end-to-end`. See why they did not run at this head

<sub>`/deploy @COMMIT` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/deploy", by="eve") == snapshot("""\
### Not deployed

> [!WARNING]
> - **You may not deploy here; it takes any of**: `write`. Ask somebody who may to write the command, or change permissions on the default branch
> - **This pull request is a draft**. Mark it as ready for review
> - **It conflicts with the base branch in**: `db/wanted`
> - **The base branch has since changed what these read**: `db`. Merge the base branch into it, or rebase it
> - **Commit COMMIT7 has 0 of 2 approvals**. Have it approved by people who may write, other than the author and who pushed last
> - **Code owners have not approved**. Ask the code owners of the changed files for a review
> - **Checks have failed**: `lint`. Mend what they found and push, or run them again
> - **Checks have not ended**: `unit`. Wait for them, then write the command again
> - **Checks have not been reported**: `end-to-end`. See why they did not run at this head

<sub>`/deploy` by eve · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []


def test_reviews_count_unless_they_are_of_who_pushed_last(town: Town) -> None:
    _one(town, "requirements: {approvals: 1, codeOwners: true}", code_owners=True, approvals=1)
    pull = town.pull(town.environments(db="2"))
    pull.push({"db/more": ""}, by="bob")
    town.settle()
    pull.review("bob")
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> - **Commit COMMIT7 has 0 of 1 approval**. Have it approved by people who may write, other than the author and who pushed last
> - **Code owners have not approved**. Ask the code owners of the changed files for a review

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.review("olga", "REQUEST_CHANGES", "not like this")
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> - **Changes are requested by**: `olga`. Have them review again, or dismiss their reviews
> - **Commit COMMIT7 has 0 of 1 approval**. Have it approved by people who may write, other than the author and who pushed last
> - **Code owners have not approved**. Ask the code owners of the changed files for a review

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.review("olga")
    pull.say("/deploy")
    assert town.tool_log() == ["db begins", "db deployed"]


def test_an_approval_is_of_one_commit(town: Town) -> None:
    _one(town, "requirements: {approvals: 1}")
    pull = town.pull(town.environments(db="2"))
    town.settle()
    pull.review("bob")
    pull.push(town.environments(db="3"))
    town.settle()
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **Commit COMMIT7 has 0 of 1 approval**. Have it approved by people who may write, other than the author and who pushed last

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.review("eve", "REQUEST_CHANGES", "I may only read")
    pull.review("bob")
    pull.say("/deploy")
    assert town.tool_log() == ["db begins", "db deployed"]


def test_t20_required_checks_but_not_our_own(town: Town) -> None:
    _one(town, required_checks=("lint", "unit", "headwater plan: shop", "headwater deploy: shop"))
    pull = town.pull(town.environments(db="2"))
    town.settle()
    _status(pull, "lint", "pending")
    _check(pull, "unit", "cancelled")
    _check(pull, "not required", "failure")
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> - **Checks have failed**: `unit`. Mend what they found and push, or run them again
> - **Checks have not ended**: `lint`. Wait for them, then write the command again

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    _status(pull, "lint", "success")
    _check(pull, "unit", "success")
    assert pull.checks()["headwater deploy: shop"] == "neutral"
    pull.say("/deploy")
    assert town.tool_log() == ["db begins", "db deployed"]


def test_what_the_base_branch_has_changed_since(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": "", "cdn": ""}), **town.environments(db="1", cdn="1")})
    pull = town.pull(town.environments(db="2", cdn="2"))
    town.settle()
    town.commit({"db/more": "", "README.md": "# More\n"})
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **The base branch has since changed what these read**: `db`. Merge the base branch into it, or rebase it

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.say("/deploy cdn")
    assert town.tool_log() == ["cdn begins", "cdn deployed"]
    update_branch(pull, "ada")
    pull.say("/deploy db")
    assert town.tool_log()[2:] == ["db begins", "db deployed"]


def test_all_of_the_base_branch_where_that_is_asked_for(town: Town) -> None:
    _one(town, "requirements: {upToDate: branch, checks: all}")
    pull = town.pull(town.environments(db="2"))
    town.settle()
    town.commit({"README.md": "# More\n"})
    _check(pull, "lint", "failure")
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> - **The base branch has commits that it lacks**. Merge the base branch into it, or rebase it
> - **Checks have failed**: `lint`. Mend what they found and push, or run them again

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    update_branch(pull, "ada")
    pull.say("/deploy")
    assert town.tool_log() == ["db begins", "db deployed"]


def test_only_to_branches_that_are_deployed_from(town: Town) -> None:
    _one(town)
    town.commit({"NOTES.md": "old\n"}, branch="release")
    pull = town.pull(town.environments(db="2"), base="release")
    town.settle()
    assert "`shop` is deployed from pull requests to `main` alone." in pull.plan()
    assert "/deploy" not in pull.plan()
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **Nothing is deployed from pull requests to this base branch, only to**: `main`. Change the base branch, or triggers.branches

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == []


def test_each_workflow_only_from_its_own_branches(town: Town) -> None:
    live = "name: live\ntriggers: {branches: [release]}\nenvironments:\n  web:\n    vcs: {type: script, path: web}\n"
    files = {"headwater.yml": workflow({"db": ""}), "live/headwater.yml": live}
    town.setup({**files, **town.environments(db="1", web="1")})
    town.commit({"NOTES.md": "old\n"}, branch="release")
    both = town.environments(db="2", web="2")
    here, there = town.pull(both, base="release"), town.pull(both, branch="to-main")
    town.settle()
    assert here.plan()[here.plan().index("To deploy") :].partition("<sub>")[0] == snapshot("""\
To deploy what is shown here:

```
/deploy --workflow live
```

`shop` is deployed from pull requests to `main` alone.

""")
    assert here.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **From pull requests to this base branch nothing is deployed of**: `shop`. Name another workflow with --workflow, change the base branch, or triggers.branches

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert "only to**: `main`" in here.say("/deploy db")
    assert "only to**: `release`" in there.say("/deploy --workflow live")
    assert town.tool_log() == []
    here.say("/deploy web")
    assert town.tool_log() == ["web begins", "web deployed"]
    there.say("/deploy --workflow shop")
    assert town.tool_log()[2:] == ["db begins", "db deployed"]


def test_who_may(town: Town) -> None:
    _one(town, "permissions: {deploy: ['@acme/platform', maintain]}")
    town.github.world.team("acme", "platform", ["carl"])
    town.github.world.user("mallory")
    pull = town.pull(town.environments(db="2"))
    town.settle()
    assert pull.say("/deploy", by="ada") == snapshot("""\
### Not deployed

> [!WARNING]
> **You may not deploy here; it takes any of**: `@acme/platform` and `maintain`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/deploy", by="mallory") == snapshot("""\
### Not deployed

> [!WARNING]
> **You may not deploy here; it takes any of**: `@acme/platform` and `maintain`. Ask somebody who may to write the command, or change permissions on the default branch

<sub>`/deploy` by mallory · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.say("/unlock", by="mallory").splitlines()[0] == "### Not unlocked"
    assert pull.say("/cancel", by="eve").splitlines()[0] == "### Not cancelled"
    pull.say("/deploy", by="carl")
    assert town.tool_log() == ["db begins", "db deployed"]


def test_a_draft(town: Town) -> None:
    _one(town)
    pull = town.pull(town.environments(db="2"), draft=True)
    town.settle()
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> - **This pull request is a draft**. Mark it as ready for review
> - **Nothing was shown of COMMIT7 when the command was written**. Write `/plan`, read it, then write `/deploy` again

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    pull.say("/plan")
    assert pull.say("/deploy") == snapshot("""\
### Not deployed

> [!WARNING]
> **This pull request is a draft**. Mark it as ready for review

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    asking.mark_draft(town.github.world, town.repository, pull.pull, town.github.world.user("ada"), draft=False)
    town.settle()
    pull.say("/deploy")
    assert town.tool_log() == ["db begins", "db deployed"]


def test_a_plan_comment_tells_what_a_deploy_would_be_refused_for(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": "", "cdn": ""}), **town.environments(db="1", cdn="1")})
    behind = town.pull(town.environments(cdn="2"), branch="behind")
    stale = town.pull({**town.environments(cdn="2"), "db/other": ""}, branch="stale")
    torn = town.pull(town.environments(db="2"), branch="torn")
    town.settle()
    assert all("IMPORTANT" not in one.plan() for one in (behind, stale, torn))
    town.commit({"db/wanted": "3\n"})
    for pull in (behind, stale, torn):
        pull.push({"README.md": "# More\n"})
    town.settle()
    assert "IMPORTANT" not in behind.plan()
    assert notice(stale.plan()) == snapshot(
        "> `main` has since changed what `db` reads: merge `main` into it, or rebase it, before you write `/deploy`"
    )
    assert notice(torn.plan()) == snapshot(
        "> It conflicts with `main` in `db/wanted`: merge `main` into it, or rebase it, before you write `/deploy`"
    )
    update_branch(stale, "ada")
    assert "IMPORTANT" not in stale.plan()
