"""Who asked for a deploy loses the permission, or a review is withdrawn, while it is under way: nothing more begins."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from inline_snapshot import snapshot

from tests.conversations.conftest import SHOP, on_both
from tests.conversations.merged import headline, rows
from tests.conversations.town import Conversation, Town, shown
from tests.github.world import requests as asking
from tests.github.world.repository import Protection

REVIEWED = "requirements: {approvals: 1}\n"


@pytest.fixture
def strict(make_town: Callable[..., Town], store: str | None) -> Town:
    """A town in which it is judged anew whether something may begin whenever something does."""
    return make_town(store, judge_seconds=0.3)


def _deploying(town: Town, top: str = "") -> Conversation:
    """A pull request on which `/deploy` has begun `network`, and `db` and `api` wait for that."""
    town.setup({"headwater.yml": top + SHOP, **town.environments(network="n1", db="d1", api="a1")})
    pull = town.pull(town.environments(network="n2", db="d2", api="a2"))
    town.settle()
    if top:
        pull.review("bob")
    town.hold("network")
    pull.comment("/deploy")
    town.wait_for(lambda: "network begins" in town.tool_log())
    return pull


def _finish(town: Town) -> None:
    town.let_go("network")
    town.settle()


def _note(comment: str) -> str:
    """What the comment says of what keeps it."""
    return next(line for line in comment.splitlines() if "for now" in line)


@on_both
def test_who_may_deploy_no_more_begins_nothing_more(strict: Town) -> None:
    pull = _deploying(strict)
    strict.repository.collaborators["ada"] = "read"
    _finish(strict)
    assert strict.tool_log() == ["network begins", "network deployed"]
    assert headline(pull.newest()) == snapshot("### Deploy was cancelled: 1 done, 2 cancelled")
    assert rows(pull.newest()) == snapshot(
        [
            "`network` ✓ deployed +1",
            "`db` ⊘ cancelled: ada may no longer deploy here +1",
            "`api` ⊘ cancelled: ada may no longer deploy here",
        ]
    )
    assert pull.checks()["headwater deploy: shop"] == "cancelled"
    strict.repository.collaborators["ada"] = "write"
    assert headline(pull.say("/retry")) == snapshot("### Deployed 2 environments")
    assert strict.tool_log()[2:] == ["db begins", "db deployed", "api begins", "api deployed"]


@on_both
def test_a_review_that_is_dismissed_lets_nothing_more_begin(town: Town) -> None:
    pull = _deploying(town, REVIEWED)
    (review,) = pull.pull.reviews
    asking.dismiss(town.github.world, town.repository, pull.pull, review, town.github.world.user("olga"))
    town.wait_for(lambda: "cancelled" in pull.newest())
    assert rows(pull.newest()) == snapshot(
        [
            "`network` ◐ deploying +1",
            "`db` ⊘ cancelled: commit COMMIT7 has 0 of 1 approval +1",
            "`api` ⊘ cancelled: commit COMMIT7 has 0 of 1 approval",
        ]
    )
    _finish(town)
    assert town.tool_log() == ["network begins", "network deployed"]
    assert headline(pull.say("/retry")) == snapshot("### Deploy was cancelled: 2 cancelled")
    assert town.tool_log() == ["network begins", "network deployed"]
    pull.review("bob")
    assert headline(pull.say("/retry")) == snapshot("### Deployed 2 environments")
    assert town.tool_log()[2:] == ["db begins", "db deployed", "api begins", "api deployed"]


@pytest.mark.parametrize("dismissing", [False, True])
def test_a_push_while_it_deploys_takes_no_review_from_what_was_reviewed(strict: Town, dismissing: bool) -> None:
    pull = _deploying(strict, REVIEWED)
    strict.repository.protections["main"] = Protection(approvals=1, dismiss_stale=dismissing)
    pull.push({"network/more": "more\n"}, by="bob")
    _finish(strict)
    assert strict.tool_log()[-1] == "api deployed"


def test_nothing_begins_while_github_does_not_say_who_may(strict: Town) -> None:
    pull = _deploying(strict)
    asks = "/collaborators/ada/permission"
    silence = strict.github.faults.error(asks, 502, times=None)
    strict.let_go("network")
    strict.wait_for(lambda: len(silence.met) > 1)
    strict.wait_for(lambda: "Nothing more begins for now" in pull.newest())
    assert _note(pull.newest()) == snapshot(
        "- Nothing more begins for now: GitHub failed to answer GET /repos/acme/shop/collaborators/ada/permission (502)"
    )
    pull.comment("/explain db", by="eve")
    strict.wait_for(lambda: "### `db`" in pull.newest())
    assert pull.newest() == snapshot("""\
### `db`

- not deployed
- needs `network`
- ready (deployment 2, since DATE): all that it needs has succeeded
- asked for by ada ([#1](https://github/acme/shop/pull/1)), for: `db/wanted`
- belongs to [#1](https://github/acme/shop/pull/1) since DATE
- would be deployed, since: never deployed

It goes on by itself, once that is known: `GitHub failed to answer GET /repos/acme/shop/collaborators/ada/permission (502)`.

<sub>shop</sub>\
""")
    assert strict.tool_log() == ["network begins", "network deployed"]
    strict.github.faults.mend()
    strict.settle()
    told = shown(pull.ours()[-2].body)
    assert headline(told) == snapshot("### Deployed 3 environments")
    assert "for now" not in told
    assert strict.tool_log()[-1] == "api deployed"


def test_what_waits_since_a_team_cannot_be_read_says_so(strict: Town) -> None:
    strict.github.world.team("acme", "platform", ["ada"])
    pull = _deploying(strict, "permissions: {deploy: ['@acme/platform']}\n")
    silence = strict.github.faults.error("/teams/platform/", 403, times=None)
    strict.let_go("network")
    strict.wait_for(lambda: "Nothing more begins for now" in pull.newest())
    assert _note(pull.newest()) == snapshot(
        "- Nothing more begins for now: it could not be found out whether ada may still deploy here"
    )
    strict.github.faults.mend()
    strict.settle()
    assert headline(pull.newest()) == snapshot("### Deployed 3 environments")
    assert silence.met


def test_a_review_of_what_was_pushed_meanwhile_leaves_the_one_that_counts(strict: Town) -> None:
    pull = _deploying(strict, REVIEWED)
    pull.push({"network/more": "more\n"})
    pull.review("bob")
    _finish(strict)
    assert strict.tool_log()[-1] == "api deployed"


def test_a_person_may_dismiss_what_a_push_would_have_dismissed_too(strict: Town) -> None:
    pull = _deploying(strict, REVIEWED)
    strict.repository.protections["main"] = Protection(approvals=1, dismiss_stale=True)
    (review,) = pull.pull.reviews
    asking.dismiss(strict.github.world, strict.repository, pull.pull, review, strict.github.world.user("olga"))
    pull.push({"network/more": "more\n"}, by="bob")
    _finish(strict)
    assert strict.tool_log() == ["network begins", "network deployed"]


def test_code_owners_are_not_asked_of_what_was_pushed_since(strict: Town) -> None:
    strict.repository.protections["main"] = Protection(code_owners=True, approvals=1, dismiss_stale=True)
    pull = _deploying(strict, "requirements: {codeOwners: true}\n")
    pull.push({"network/more": "more\n"}, by="bob")
    _finish(strict)
    assert strict.tool_log()[-1] == "api deployed"


def test_what_was_proposed_for_somebody_who_may_no_more_is_not_destroyed(town: Town) -> None:
    town.setup({"headwater.yml": SHOP, **town.environments(network="n1", db="d1", api="a1")})
    pull = town.pull(town.environments(api="a2"))
    town.settle()
    pull.say("/deploy")
    pull.say("/destroy --confirm shop")
    town.repository.collaborators["ada"] = "read"
    pull.say("/approve", by="olga")
    assert not [one for one in town.tool_log() if "destroyed" in one]
    assert rows(pull.newest()) == snapshot([])


def test_a_job_that_no_machine_has_taken_is_taken_back(make_town: Callable[..., Town]) -> None:
    town = make_town(judge_seconds=0.3)
    town.setup({"headwater.yml": SHOP, **town.environments(network="n1", db="d1", api="a1")})
    pull = town.pull(town.environments(network="n2", db="d2", api="a2"))
    town.settle()
    town.github.actions.most_jobs = 0
    pull.comment("/deploy")
    town.wait_for(lambda: "starting" in pull.newest())
    town.repository.collaborators["ada"] = "read"
    town.wait_for(lambda: "ada may no longer deploy here" in pull.newest())
    town.github.actions.most_jobs = 20
    town.settle()
    assert town.tool_log() == []
