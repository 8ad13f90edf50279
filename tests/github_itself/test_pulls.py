"""Pull requests from opening to merge, as PyGithub and the webhooks see them."""

from __future__ import annotations

import pytest
from github import GithubException

from tests.github import GitHub
from tests.github.world import requests
from tests.github.world.repository import Protection, Repository
from tests.github_itself.clients import Receiver, as_app, as_person, call


@pytest.fixture
def shop(github: GitHub) -> Repository:
    github.world.organization("acme", ["owner"])
    return github.repository("acme/shop", {"README.md": "# Shop\n", "db/main.tf": ""}, write=["ada", "bob"])


def opened(github: GitHub, shop: Repository, branch: str = "feature", login: str = "ada", **files: str):
    github.commit(shop, files or {"db/main.tf": f"# {branch}\n"}, "Change db", branch=branch, by=login)
    return as_person(github, login).get_repo("acme/shop").create_pull("main", branch, title="Change db", body="Why")


def test_a_pull_request_tells_its_story_by_webhooks(github: GitHub, shop: Repository, receiver: Receiver) -> None:
    app = github.app("acme", receiver.url)
    pull = opened(github, shop)
    github.commit(shop, {"db/main.tf": "# more\n"}, branch="feature", by="ada")
    pull.create_issue_comment("/deploy")
    pull.edit(title="Better title")
    pull.edit(state="closed")
    pull.edit(state="open")
    pull.merge()
    github.settle()
    assert receiver.titles() == [
        "installation created", "push", "check_suite requested", "pull_request opened", "push",
        "check_suite requested", "pull_request synchronize", "issue_comment created", "pull_request edited",
        "pull_request closed", "pull_request reopened", "push", "check_suite requested", "pull_request closed",
    ]  # fmt: skip
    assert all(one.signed_by(app.webhook_secret) for one in receiver.got)
    assert receiver.got[-1].payload["pull_request"]["merged"] is True
    assert [one.payload["installation"]["id"] for one in receiver.got] == [next(iter(github.world.installations))] * 14
    synchronize = receiver.got[6].payload
    assert synchronize["before"] != synchronize["after"] == synchronize["pull_request"]["head"]["sha"]


def test_pygithub_reads_what_a_pull_request_is(github: GitHub, shop: Repository) -> None:
    github.app("acme")
    pull = opened(github, shop, **{"db/main.tf": "a\nb\n", "net/new.tf": "x\n"})
    repository = as_person(github, "bob").get_repo("acme/shop")
    found = repository.get_pull(pull.number)
    assert (found.mergeable, found.mergeable_state, found.changed_files, found.additions) == (True, "clean", 2, 3)
    assert sorted(one.filename for one in found.get_files()) == ["db/main.tf", "net/new.tf"]
    assert [one.commit.message for one in found.get_commits()] == ["Change db"]
    assert [one.number for one in repository.get_pulls(head="acme:feature")] == [pull.number]
    assert repository.get_contents("net/new.tf", ref=found.head.sha).decoded_content == b"x\n"
    assert repository.compare("main", "feature").ahead_by == 1
    assert repository.get_branch("feature").commit.sha == found.head.sha
    assert [one.number for one in repository.get_commit(found.head.sha).get_pulls()] == [pull.number]
    assert repository.get_git_ref("heads/feature").object.sha == found.head.sha


@pytest.mark.parametrize(("method", "parents", "message"), [
    ("merge", 2, "Merge pull request #1 from acme/feature\n\nChange db"),
    ("squash", 1, "Change db (#1)"),
    ("rebase", 1, "Change db"),
])  # fmt: skip
def test_three_ways_to_merge(github: GitHub, shop: Repository, method: str, parents: int, message: str) -> None:
    pull = opened(github, shop)
    github.commit(shop, {"other.txt": "moved on"}, "Base moves")
    merged = pull.merge(merge_method=method)
    tip = shop.git.log("main", most=1)[0]
    assert (merged.sha, len(tip.parents), tip.message) == (tip.sha, parents, message)
    assert shop.git.read("main", "db/main.tf") == b"# feature\n"
    assert pull.is_merged()


def test_conflicts_and_moved_heads_are_not_merged(github: GitHub, shop: Repository) -> None:
    pull = opened(github, shop)
    github.commit(shop, {"db/main.tf": "# other\n"}, "Conflict")
    assert as_person(github, "bob").get_repo("acme/shop").get_pull(pull.number).mergeable_state == "dirty"
    with pytest.raises(GithubException, match="not mergeable"):
        pull.merge()
    other = opened(github, shop, "clean", **{"x.txt": "x"})
    with pytest.raises(GithubException, match="Head branch was modified"):
        other.merge(sha="0" * 40)


def test_a_fork_opens_a_pull_request(github: GitHub, shop: Repository, receiver: Receiver) -> None:
    github.app("acme", receiver.url)
    shop.private = False
    fork = github.world.create_repository("eve/shop", parent=shop)
    github.commit(fork, {"db/main.tf": "# evil\n"}, branch="evil", by="eve")
    client = as_person(github, "eve").get_repo("acme/shop")
    pull = client.create_pull("main", "eve:evil", title="Please", body="")
    assert (pull.head.repo.full_name, pull.base.repo.full_name) == ("eve/shop", "acme/shop")
    assert shop.git.resolve(f"refs/pull/{pull.number}/head") == pull.head.sha
    github.settle()
    assert receiver.titles()[-2:] == ["check_suite requested", "pull_request opened"]
    github.world.delete_repository(fork, github.world.user("eve"))
    assert client.get_pull(pull.number).head.repo is None


def test_protection_wants_reviews_checks_and_owners(github: GitHub, shop: Repository) -> None:
    app = github.app("acme")
    shop.collaborators["cat"] = "write"
    github.commit(shop, {"CODEOWNERS": "/db/ @cat\n"})
    shop.protections["main"] = Protection(("headwater",), approvals=1, code_owners=True, enforce_admins=True)
    pull = opened(github, shop)
    with pytest.raises(GithubException, match="At least 1 approving review is required"):
        pull.merge()
    as_person(github, "bob").get_repo("acme/shop").get_pull(pull.number).create_review(event="APPROVE")
    assert decision(github, pull.number) == "REVIEW_REQUIRED"
    as_person(github, "cat").get_repo("acme/shop").get_pull(pull.number).create_review(event="APPROVE")
    assert decision(github, pull.number) == "APPROVED"
    with pytest.raises(GithubException, match='Required status check "headwater" is expected'):
        pull.merge()
    bot = as_app(github, app).get_repo("acme/shop")
    bot.create_check_run("headwater", pull.head.sha, status="completed", conclusion="success")
    assert bot.get_pull(pull.number).mergeable_state == "clean"
    assert bot.get_branch("main").get_required_status_checks().contexts == ["headwater"]
    assert pull.merge().merged


def decision(github: GitHub, number: int) -> str | None:
    query = "query($owner: String!, $repo: String!, $number: Int!) { repository(owner: $owner, name: $repo) { pullRequest(number: $number) { reviewDecision } } }"
    variables = {"owner": "acme", "repo": "shop", "number": number}
    client = as_person(github, "bob")
    answered = client.requester.graphql_query(query, variables)[1]
    return answered["data"]["repository"]["pullRequest"]["reviewDecision"]


def test_reviews_count_the_newest_and_are_dismissed(github: GitHub, shop: Repository, receiver: Receiver) -> None:
    github.app("acme", receiver.url)
    shop.protections["main"] = Protection(approvals=1, dismiss_stale=True)
    pull = opened(github, shop)
    with pytest.raises(GithubException, match="Unprocessable"):
        pull.create_review(event="APPROVE")
    theirs = as_person(github, "bob").get_repo("acme/shop").get_pull(pull.number)
    theirs.create_review(event="REQUEST_CHANGES", body="no")
    assert decision(github, pull.number) == "CHANGES_REQUESTED"
    theirs.create_review(event="APPROVE")
    assert decision(github, pull.number) == "APPROVED"
    github.commit(shop, {"db/main.tf": "# pushed after\n"}, branch="feature", by="ada")
    assert decision(github, pull.number) == "REVIEW_REQUIRED"
    path, token = f"/repos/acme/shop/issues/{pull.number}/timeline", github.world.personal_token("ada")
    told = call(github, "GET", path, token).json()
    assert [one["event"] for one in told] == ["reviewed", "reviewed", "review_dismissed"]
    assert told[-1]["dismissed_review"]["state"] == "approved"
    assert told[-1]["dismissed_review"]["dismissal_commit_id"] == shop.pulls[pull.number].head_sha
    github.settle()
    assert [one for one in receiver.titles() if "review" in one] == [
        "pull_request_review submitted", "pull_request_review submitted", "pull_request_review dismissed",
    ]  # fmt: skip


def test_drafts_and_bases_change(github: GitHub, shop: Repository, receiver: Receiver) -> None:
    github.app("acme", receiver.url)
    pull = opened(github, shop)
    one = shop.pulls[pull.number]
    requests.mark_draft(github.world, shop, one, one.user, draft=True)
    with pytest.raises(GithubException, match="still a draft"):
        pull.merge()
    requests.mark_draft(github.world, shop, one, one.user, draft=False)
    github.commit(shop, {"x": "y"}, branch="release")
    pull.edit(base="release")
    github.settle()
    changes = receiver.got[-1].payload["changes"]
    assert receiver.titles()[-1] == "pull_request edited"
    assert changes["base"]["ref"]["from"] == "main"


def test_what_cannot_be_opened(github: GitHub, shop: Repository) -> None:
    opened(github, shop)
    repository = as_person(github, "ada").get_repo("acme/shop")
    for head, words in [("feature", "already exists"), ("main", "No commits between"), ("gone", "Validation Failed")]:
        with pytest.raises(GithubException, match=words):
            repository.create_pull("main", head, title="x")
    token = github.world.personal_token("ada")
    assert call(github, "POST", "/repos/acme/shop/pulls", token, json={"title": "x"}).status_code == 422


def test_a_deleted_branch_closes_its_pull_request(github: GitHub, shop: Repository, receiver: Receiver) -> None:
    github.app("acme", receiver.url)
    pull = opened(github, shop)
    as_person(github, "ada").get_repo("acme/shop").get_git_ref("heads/feature").delete()
    github.settle()
    assert receiver.titles()[-3:] == ["push", "delete", "pull_request closed"]
    assert shop.pulls[pull.number].state == "closed"


def test_commits_pushed_to_the_base_merge_it(github: GitHub, shop: Repository) -> None:
    pull = opened(github, shop)
    as_person(github, "bob").get_repo("acme/shop").get_git_ref("heads/main").edit(pull.head.sha)
    assert shop.pulls[pull.number].merged_at is not None


def test_the_activities_tell_who_moved_a_branch(github: GitHub, shop: Repository) -> None:
    app = github.app("acme")
    pull = opened(github, shop)
    github.commit(shop, {"db/main.tf": "# more\n"}, branch="feature", by="bob")
    told = as_app(github, app).requester.requestJsonAndCheck(
        "GET", "/repos/acme/shop/activity", parameters={"ref": "refs/heads/feature"}
    )[1]
    assert [(one["activity_type"], one["actor"]["login"]) for one in told] == [
        ("push", "bob"),
        ("branch_creation", "ada"),
    ]
    assert told[0]["before"] == told[1]["after"] == pull.head.sha
