"""Every call about a repository, for real."""

from __future__ import annotations

import pytest

from bot.github.app import App
from bot.github.data import Annotation, CheckOutput, CheckStatus, Conclusion, RequiredCheck
from bot.github.errors import NotFound, Refused
from bot.github.repository_client import RepositoryClient
from tests.bot.github.conftest import asked, open_pull
from tests.github import GitHub
from tests.github.world import requests
from tests.github.world.checks import Status
from tests.github.world.pulls import Pull
from tests.github.world.pushing import move
from tests.github.world.repository import Protection, Repository


def test_the_repository(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    found = client.repository()
    assert (found.id, found.full_name, found.default_branch) == (shop.id, "acme/shop", "main")
    assert (found.clone_url, found.html_url) == (f"{github.url}/acme/shop.git", f"{github.url}/acme/shop")
    assert (found.private, found.archived) == (True, False)


def test_a_pull_request_of_a_fork(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    fork = github.world.create_repository("eve/shop", parent=shop)
    owner = github.world.user("eve")
    github.commit(fork, {"x": "y"}, branch="theirs", by="eve")
    pull = requests.open_pull(github.world, shop, owner, title="From afar", head="theirs", head_repository=fork)
    found = client.pull(pull.number)
    assert (found.fork, found.head_ref) == (True, "theirs")
    github.world.delete_repository(fork, owner)
    assert client.pull(pull.number).fork


def test_a_pull_request(github: GitHub, pull: Pull, client: RepositoryClient) -> None:
    found = client.pull(pull.number)
    assert (found.number, found.state, found.merged, found.draft) == (1, "open", False, False)
    assert (found.title, found.author) == ("Add feature", "ada")
    assert (found.head_sha, found.head_ref, found.base_ref) == (pull.head_sha, "feature", "main")
    assert (found.fork, found.mergeable) == (False, True)
    assert found.html_url == f"{github.url}/acme/shop/pull/1"
    assert [one.number for one in client.open_pulls()] == [1]
    with pytest.raises(NotFound, match="pulls/7"):
        client.pull(7)


def test_a_merged_pull_request_is_found_by_its_merge(
    github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient
) -> None:
    made = requests.merge_pull(github.world, shop, pull, github.world.user("ada"), method="squash")
    found = client.pull(pull.number)
    assert (found.state, found.merged, found.merge_commit, found.mergeable) == ("closed", True, made, None)
    (listed,) = client.pulls_of_commit(made)
    assert (listed.number, listed.merged) == (1, True)
    assert client.open_pulls() == ()
    with pytest.raises(NotFound):
        client.pulls_of_commit("0" * 40)


def test_more_open_pull_requests_than_a_page_holds(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    first = open_pull(github, shop)
    for number in range(2, 103):
        twin = requests.Pull(**{name: getattr(first, name) for name in first.__dataclass_fields__})
        twin.number, twin.id, twin.merge_commit = number, 10_000 + number, "f" * 40  # git need not be asked for each
        shop.pulls[number] = twin
    assert sorted(one.number for one in client.open_pulls()) == list(range(1, 103))
    assert sum("/pulls?" in one for one in asked(github)) == 2


def test_comments(github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient) -> None:
    ada = github.world.user("ada")
    theirs = requests.comment(github.world, shop, 1, ada, "/plan")
    ours = client.comment(1, "Planning …")
    assert (ours.author, ours.body) == ("headwater[bot]", "Planning …")
    assert [(one.author, one.body) for one in client.comments(1)] == [
        ("ada", "/plan"), ("headwater[bot]", "Planning …"),
    ]  # fmt: skip
    github.world.clock.move(60)
    edited = client.edit_comment(ours.id, "Planned.")
    assert edited.updated_at > ours.updated_at
    assert [(one.id, one.body) for one in client.comments(1, since=edited.updated_at)] == [(ours.id, "Planned.")]
    client.react(theirs.id, "eyes")
    client.react(theirs.id, "eyes")
    assert [one.content for one in shop.comments[theirs.id].reactions] == ["eyes"]
    requests.delete_comment(github.world, shop, shop.comments[ours.id], ada)
    with pytest.raises(NotFound):
        client.edit_comment(ours.id, "again")
    with pytest.raises(Refused, match="too long") as refused:
        client.comment(1, "x" * 65_537)
    assert (refused.value.status, "65536 characters" in refused.value.words) == (422, True)


def test_comments_on_a_commit(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    sha = shop.git.branch("main") or ""
    made = client.commit_comment(sha, "Deployed.")
    assert (made.author, made.body) == ("headwater[bot]", "Deployed.")
    assert [one.id for one in client.commit_comments(sha)] == [made.id]


def test_what_somebody_may(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    github.world.team("acme", "Platform", ["bob"]).repositories["acme/shop"] = "maintain"
    shop.collaborators[github.world.user("tri").login] = "triage"
    github.world.user("eve")
    roles = {login: client.permission(login) for login in ("ada", "bob", "tri", "owner", "acme", "eve", "nobody")}
    assert roles == {
        "ada": "write", "bob": "maintain", "tri": "triage", "owner": "read", "acme": "admin", "eve": "none",
        "nobody": "none",
    }  # fmt: skip
    assert client.team_member("acme", "platform", "bob") is True
    assert client.team_member("acme", "platform", "ada") is False
    assert client.team_member("acme", "gone", "ada") is None
    github.rest.calls.clear()
    assert (client.permission(".."), asked(github)) == ("none", [])


def test_reviews_and_code_owners(github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient) -> None:
    shop.collaborators[github.world.user("bob").login] = "write"
    assert client.review_decision(1) is None
    github.commit(shop, {"CODEOWNERS": "* @bob\n"})
    shop.protections["main"] = Protection(code_owners=True, approvals=1)
    assert client.review_decision(1) == "REVIEW_REQUIRED"
    requests.review(github.world, shop, pull, github.world.user("bob"), "REQUEST_CHANGES", "no")
    assert client.review_decision(1) == "CHANGES_REQUESTED"
    requests.review(github.world, shop, pull, github.world.user("bob"), "APPROVE")
    assert client.review_decision(1) == "APPROVED"
    assert [(one.author, one.state, one.commit) for one in client.reviews(1)] == [
        ("bob", "CHANGES_REQUESTED", pull.head_sha), ("bob", "APPROVED", pull.head_sha),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        client.review_decision(99)


def test_who_pushed(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    first = github.commit(shop, {"a": "1"}, branch="by/many", by="ada")
    second = github.commit(shop, {"a": "2"}, branch="by/many", by="bob")
    assert client.pusher("by/many", first) == "ada"
    assert client.pusher("by/many", second) == "bob"
    move(github.world, shop, "refs/heads/by/many", first, github.world.user("carl"))
    assert client.pusher("by/many", first) == "carl"
    assert client.pusher("by/many", "0" * 39 + "1") is None
    assert client.pusher("by/nobody", first) is None


def test_required_checks(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    assert client.required_checks("main") == ()
    assert client.required_checks("gone/away") == ()
    shop.protections["main"] = Protection(required_checks=("lint", "headwater plan: shop"))
    assert client.required_checks("main") == (RequiredCheck("headwater plan: shop"), RequiredCheck("lint"))
    shop.protections["main"] = Protection(approvals=1)
    assert client.required_checks("main") == ()


def test_checks(github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient) -> None:
    made = client.create_check("headwater plan: shop", pull.head_sha, external_id="plan 7")
    assert (made.status, made.conclusion, made.app_slug, made.external_id) == ("queued", None, "headwater", "plan 7")
    assert made.app_id == next(one.id for one in github.world.apps.values() if one.slug == "headwater")
    remarks = [Annotation("headwater.yml", line, line, f"wrong {line}", title="Wrong") for line in range(1, 121)]
    told = CheckOutput("2 problems", "**Two** problems", "the whole text")
    done = client.update_check(
        made.id, conclusion=Conclusion.FAILURE, output=told, details_url="https://ci.example/7", annotations=remarks
    )
    assert (done.status, done.conclusion) == ("completed", "failure")
    there = shop.check_runs[made.id]
    assert [one["start_line"] for one in there.annotations] == list(range(1, 121))
    assert there.output == {"title": "2 problems", "summary": "**Two** problems", "text": "the whole text"}
    assert there.details_url == "https://ci.example/7"
    assert sum(one.startswith("PATCH") for one in asked(github)) == 3  # 50, 50, 20
    assert [one.id for one in client.checks(pull.head_sha)] == [made.id]
    whole = client.create_check(
        "headwater deploy: shop", pull.head_sha, status=CheckStatus.IN_PROGRESS, output=told, annotations=remarks[:60]
    )
    assert (whole.status, len(shop.check_runs[whole.id].annotations)) == ("in_progress", 60)
    with pytest.raises(Refused, match="too long"):
        client.update_check(made.id, output=CheckOutput("x", "y" * 70_000))
    with pytest.raises(NotFound, match="No commit found"):
        client.create_check("x", "f" * 40)


def test_statuses(github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient) -> None:
    for state, context in (("pending", "ci"), ("success", "ci"), ("failure", "lint")):
        made = Status(
            github.world.next_id(), pull.head_sha, state, context, None, None, pull.user, github.world.clock.now()
        )
        shop.statuses.append(made)
    assert {one.context: one.state for one in client.statuses(pull.head_sha)} == {"ci": "success", "lint": "failure"}


def test_a_file(github: GitHub, shop: Repository, client: RepositoryClient) -> None:
    github.commit(shop, {"deep/a b#?.bin": bytes(range(256))}, branch="topic/1")
    assert client.file("README.md", "main") == b"# Shop\n"
    assert client.file("deep/a b#?.bin", "topic/1") == bytes(range(256))
    assert client.file("deep/a b#?.bin", "main") is None
    assert client.file("deep", "topic/1") is None
    assert client.file("README.md", "gone") is None
    with pytest.raises(NotFound):
        client.file("deep/../../../../user", "main")


def test_names_that_are_none(app: App) -> None:
    for name in ("acme", "acme/..", "../shop", "acme/shop/pulls", "acme/sh op", "acme/shop\n", ""):
        with pytest.raises(NotFound):
            app.client(1, name)
