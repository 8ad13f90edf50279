"""A base branch that demands `headwater deployed`: nothing is merged to it that is not deployed."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from tests.conversations.conftest import on_both
from tests.conversations.merged import begin
from tests.conversations.seeing import check_of, told
from tests.conversations.town import Conversation, Town
from tests.github.world import pushing
from tests.github.world import requests as asking
from tests.github.world.refusal import Refusal
from tests.github.world.repository import Protection

CHECK = "headwater deployed"


@pytest.fixture
def strict(shop: Town) -> Town:
    """A shop whose default branch demands the check, with everything deployed."""
    begin(shop)
    shop.repository.protections["main"] = Protection(required_checks=(CHECK,))
    return shop


def _says(pull: Conversation) -> str:
    return told(check_of(pull, CHECK))


@on_both
def test_what_is_not_deployed_cannot_be_merged(strict: Town) -> None:
    pull = strict.pull(strict.environments(network="n2", api="a2"))
    strict.settle()
    assert _says(pull) == snapshot("""\
in_progress
2 of 3 environments to deploy
Not deployed as it is here: `network` and `api`. The base branch demands that before a merge: write `/deploy`.\
""")
    with pytest.raises(Refusal, match=CHECK):
        pull.merge()
    pull.say("/deploy network --only")
    assert _says(pull) == snapshot("""\
in_progress
2 of 3 environments to deploy
Not deployed as it is here: `db` and `api`. The base branch demands that before a merge: write `/deploy`.\
""")
    pull.say("/deploy")
    assert _says(pull) == snapshot("""\
success
Nothing left to deploy
What this changes is deployed as it is here, or comes to no changes.\
""")
    pull.merge()
    strict.settle()
    assert strict.tool_log() == ["network begins", "network deployed", "api begins", "api deployed"]


def test_what_touches_nothing_can_be_merged_at_once(strict: Town) -> None:
    pull = strict.pull({"README.md": "about\n"})
    strict.settle()
    assert _says(pull) == snapshot("""\
success
Nothing to deploy
No environment reads what this changes.\
""")
    pull.merge()


def test_what_is_pushed_later_is_to_be_deployed_as_well(strict: Town) -> None:
    pull = strict.pull(strict.environments(network="n2"))
    strict.settle()
    pull.say("/deploy")
    pull.push(strict.environments(db="d2"))
    strict.settle()
    assert _says(pull) == snapshot("""\
in_progress
1 of 3 environments to deploy
Not deployed as it is here: `db`. The base branch demands that before a merge: write `/deploy`.\
""")
    strict.repository.protections.clear()


def test_a_merge_queue_gets_it_too(strict: Town) -> None:
    pull = strict.pull({"README.md": "about\n"})
    strict.settle()
    world, main = strict.github.world, strict.repository.git.branch("main")
    queued = strict.commit({"README.md": "about\n"}, branch="gh-readonly-queue/main/pr-1", start=main)
    world.emit(
        "merge_group", world.user("ada"), strict.repository, "checks_requested",
        head_sha=queued, base_sha=main, head_ref="refs/heads/gh-readonly-queue/main/pr-1", base_ref="refs/heads/main",
    )  # fmt: skip
    strict.settle()
    assert told(check_of(pull, CHECK, queued)) == snapshot("""\
success
Deployed on the pull request
It was, before it came to the queue.\
""")
    assert told(check_of(pull, "headwater plan", queued)).startswith("success")


def test_what_does_not_end_well_is_still_to_be_deployed(strict: Town) -> None:
    pull = strict.pull({**strict.environments(network="n2"), "network/apply": ("100755", "#!/bin/sh\nexit 1\n")})
    strict.settle()
    pull.say("/deploy")
    assert _says(pull) == snapshot("""\
in_progress
2 of 3 environments to deploy
Not deployed as it is here: `network` and `db`. The base branch demands that before a merge: write `/deploy`.\
""")


def test_what_is_there_already_counts_as_deployed(strict: Town) -> None:
    pull = strict.pull(strict.environments(api="a2"))
    strict.settle()
    (strict.tools / "api").write_text("a2\n")  # somebody made it by hand
    pull.say("/deploy")
    assert _says(pull).startswith("success\nNothing left to deploy")


def test_what_another_pull_request_deployed_over_it_is_to_be_deployed_again(strict: Town) -> None:
    pull = strict.pull(strict.environments(api="a2"))
    strict.settle()
    pull.say("/deploy")
    assert _says(pull).startswith("success\nNothing left to deploy")
    pull.say("/unlock")
    other = strict.pull(strict.environments(api="a3"), by="bob")
    strict.settle()
    other.say("/deploy", by="bob")
    assert _says(pull).startswith("in_progress\n1 of 1 environment to deploy")


@on_both
def test_two_pull_requests_of_one_head_say_the_same(strict: Town) -> None:
    """GitHub heeds the newest check of a commit, whichever of them it was posted for."""
    pull = strict.pull(strict.environments(network="n2", db="d2", api="a2"))
    pushing.move(strict.github.world, strict.repository, "refs/heads/develop", pull.head, pull.pull.user)
    strict.repository.protections["develop"] = Protection(required_checks=(CHECK,))
    pull.push({"README.md": "about\n"})
    strict.settle()
    other = asking.open_pull(
        strict.github.world, strict.repository, strict.github.world.user("bob"),
        title="The same to develop", head=pull.pull.head_branch, base="develop",
    )  # fmt: skip
    strict.settle()
    checks = [one for one in strict.repository.check_runs.values() if one.name == CHECK and one.head_sha == pull.head]
    assert [one.status for one in checks] == ["in_progress", "in_progress"]
    pull.say("/deploy")
    assert [one.conclusion for one in checks] == ["success", "success"]
    assert other.state == "open"
    pull.merge()
