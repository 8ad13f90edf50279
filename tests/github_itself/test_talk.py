"""Comments, reactions, checks, statuses, deployments; pages, ETags and limits."""

from __future__ import annotations

import pytest
from github import GithubException

from tests.github import GitHub
from tests.github.world.apps import App
from tests.github.world.repository import Repository
from tests.github_itself.clients import Receiver, as_app, as_person, call
from tests.github_itself.judge import wrong_refusal


@pytest.fixture
def shop(github: GitHub) -> Repository:
    github.world.organization("acme", ["owner"])
    made = github.repository("acme/shop", {"README.md": "# Shop\n"}, write=["ada"])
    github.commit(made, {"x": "y"}, branch="feature", by="ada")
    as_person(github, "ada").get_repo("acme/shop").create_pull("main", "feature", title="x")
    return made


@pytest.fixture
def app(github: GitHub, shop: Repository, receiver: Receiver) -> App:
    return github.app(
        "acme",
        receiver.url,
        events=[
            "issue_comment",
            "check_run",
            "check_suite",
            "commit_comment",
            "deployment",
            "deployment_status",
            "status",
        ],
    )


def test_a_comment_lives(github: GitHub, shop: Repository, app: App, receiver: Receiver) -> None:
    issue = as_app(github, app).get_repo("acme/shop").get_issue(1)
    comment = issue.create_comment("one")
    comment.edit("two")
    assert [one.body for one in issue.get_comments()] == ["two"]
    assert [text for _, text in shop.comments[comment.id].history] == ["one", "two"]
    assert comment.create_reaction("eyes").content == "eyes"
    assert comment.create_reaction("eyes").id == next(iter(comment.get_reactions())).id
    theirs = as_person(github, "ada").get_repo("acme/shop").get_issue(1).get_comment(comment.id)
    theirs.edit("by one who may write")
    with pytest.raises(GithubException, match="Must have admin rights"):
        stranger = github.world.user("eve")
        shop.collaborators[stranger.login] = "read"
        as_person(github, "eve").get_repo("acme/shop").get_issue(1).get_comment(comment.id).edit("mine")
    theirs.delete()
    github.settle()
    assert receiver.titles()[-4:] == [f"issue_comment {one}" for one in ("created", "edited", "edited", "deleted")]
    assert receiver.got[-2].payload["changes"] == {"body": {"from": "two"}}


def test_a_comment_has_its_limits(github: GitHub, shop: Repository, app: App) -> None:
    issue = as_app(github, app).get_repo("acme/shop").get_issue(1)
    assert len(issue.create_comment("é" * 65_536).body) == 65_536
    with pytest.raises(GithubException, match=r"body is too long \(maximum is 65536 characters\)"):
        issue.create_comment("x" * 65_537)
    with pytest.raises(GithubException, match="missing_field"):
        issue.create_comment("")


def test_comments_on_commits(github: GitHub, shop: Repository, app: App, receiver: Receiver) -> None:
    app.permissions["contents"] = "write"
    for one in github.world.installations.values():
        one.permissions["contents"] = "write"
    commit = as_app(github, app).get_repo("acme/shop").get_commit("main")
    made = commit.create_comment("deployed")
    made.edit("deployed well")
    assert [one.body for one in commit.get_comments()] == ["deployed well"]
    github.settle()
    assert "commit_comment created" in receiver.titles()


def test_checks_from_queued_to_done(github: GitHub, shop: Repository, app: App, receiver: Receiver) -> None:
    repository = as_app(github, app).get_repo("acme/shop")
    sha = repository.get_pull(1).head.sha
    note = {"path": "x", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "bad"}
    run = repository.create_check_run("plan", sha, status="in_progress", external_id="7")
    output = {"title": "Plan", "summary": "s", "annotations": [note] * 50}
    run.edit(status="completed", conclusion="failure", output=output)
    run.edit(output={"title": "Plan", "summary": "s", "annotations": [note]})
    assert (run.conclusion, run.output.annotations_count, len(list(run.get_annotations()))) == ("failure", 51, 51)
    assert repository.get_pull(1).mergeable_state == "unstable"
    again = repository.create_check_run("plan", sha, conclusion="success", status="completed")
    assert [one.id for one in repository.get_commit(sha).get_check_runs()] == [again.id]
    assert repository.get_check_suite(again.raw_data["check_suite"]["id"]).conclusion == "success"
    assert next(iter(repository.get_commit(sha).get_check_suites())).latest_check_runs_count == 1
    token = github.world.personal_token("ada")
    assert call(github, "POST", f"/repos/acme/shop/check-runs/{run.id}/rerequest", token).status_code == 201
    suite = again.raw_data["check_suite"]["id"]
    assert call(github, "POST", f"/repos/acme/shop/check-suites/{suite}/rerequest", token).status_code == 201
    github.settle()
    assert [one for one in receiver.titles() if "check" in one] == [
        "check_run created", "check_run completed", "check_suite completed", "check_run created",
        "check_run completed", "check_suite completed", "check_run rerequested", "check_suite rerequested",
    ]  # fmt: skip


def test_checks_have_their_limits(github: GitHub, shop: Repository, app: App) -> None:
    repository = as_app(github, app).get_repo("acme/shop")
    sha = repository.get_pull(1).head.sha
    note = {"path": "x", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "bad"}
    with pytest.raises(GithubException, match="No more than 50"):
        repository.create_check_run("p", sha, output={"title": "t", "summary": "s", "annotations": [note] * 51})
    repository.create_check_run("p", sha, output={"title": "t", "summary": "x" * 65_535})
    with pytest.raises(GithubException, match="65535"):
        repository.create_check_run("p", sha, output={"title": "t", "summary": "é" * 32_768})
    with pytest.raises(GithubException, match="conclusion"):
        repository.create_check_run("p", sha, status="completed")
    with pytest.raises(GithubException, match="No commit found"):
        repository.create_check_run("p", "0" * 40)
    with pytest.raises(GithubException, match="authenticate via a GitHub App"):
        as_person(github, "ada").get_repo("acme/shop").create_check_run("p", sha)


def test_statuses(github: GitHub, shop: Repository, app: App, receiver: Receiver) -> None:
    commit = as_person(github, "ada").get_repo("acme/shop").get_commit("feature")
    commit.create_status("pending", context="ci")
    commit.create_status("success", context="ci", description="fine")
    assert [one.state for one in commit.get_statuses()] == ["success", "pending"]
    assert commit.get_combined_status().state == "success"
    github.settle()
    assert receiver.titles().count("status") == 2


def test_deployments(github: GitHub, shop: Repository, app: App, receiver: Receiver) -> None:
    repository = as_person(github, "ada").get_repo("acme/shop")
    made = repository.create_deployment("feature", environment="prod", required_contexts=[])
    made.create_status("in_progress", description="going")
    made.create_status("success", environment_url="http://x")
    assert [one.state for one in made.get_statuses()] == ["success", "in_progress"]
    assert [one.id for one in repository.get_deployments(environment="prod")] == [made.id]
    assert [one.name for one in repository.get_environments()] == ["prod"]
    with pytest.raises(GithubException, match="Commit status checks failed"):
        repository.create_deployment("feature", required_contexts=["ci"])
    github.settle()
    assert [one for one in receiver.titles() if "deployment" in one] == ["deployment created"] + [
        "deployment_status created"
    ] * 2


def test_lists_come_in_pages(github: GitHub, shop: Repository, app: App) -> None:
    github.limits.content_a_minute = 1000
    issue = as_person(github, "ada").get_repo("acme/shop").get_issue(1)
    for number in range(65):
        issue.create_comment(str(number))
    assert [one.body for one in issue.get_comments()] == [str(number) for number in range(65)]
    token = github.world.personal_token("ada")
    answer = call(github, "GET", "/repos/acme/shop/issues/1/comments?per_page=20&page=2", token)
    assert sorted(answer.links) == ["first", "last", "next", "prev"]
    assert answer.links["last"]["url"].endswith("page=4")
    assert len(call(github, "GET", "/repos/acme/shop/issues/1/comments?per_page=500", token).json()) == 65


def test_an_unchanged_answer_costs_nothing(github: GitHub, shop: Repository) -> None:
    token = github.world.personal_token("ada")
    first = call(github, "GET", "/repos/acme/shop/pulls/1", token)
    again = call(github, "GET", "/repos/acme/shop/pulls/1", token, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"] == "4997"
    as_person(github, "ada").get_repo("acme/shop").get_pull(1).edit(title="new")
    changed = call(github, "GET", "/repos/acme/shop/pulls/1", token, headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, changed.json()["title"]) == (200, "new")


def test_limits(github: GitHub, shop: Repository, app: App) -> None:
    token = github.world.personal_token("ada")
    github.limits.hourly = 6
    statuses = [call(github, "GET", "/repos/acme/shop", token).status_code for _ in range(8)]
    assert statuses[-1] == 403
    refused = call(github, "GET", "/repos/acme/shop", token)
    assert (refused.headers["X-RateLimit-Remaining"], "rate limit exceeded" in refused.json()["message"]) == ("0", True)
    assert call(github, "GET", "/rate_limit", token).json()["rate"]["remaining"] == 0
    github.world.clock.move(3601)
    assert call(github, "GET", "/repos/acme/shop", token).status_code == 200
    github.limits.hourly = 5000
    github.limits.content_a_minute = 2
    for _ in range(2):
        assert call(github, "POST", "/repos/acme/shop/issues/1/comments", token, json={"body": "x"}).status_code == 201
    refused = call(github, "POST", "/repos/acme/shop/issues/1/comments", token, json={"body": "x"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (403, "60")
    assert "secondary rate limit" in refused.json()["message"]


def test_bursts_are_limited_by_points(github: GitHub, shop: Repository) -> None:
    token, github.limits.points_a_minute = github.world.personal_token("ada"), 12
    github.world.clock.move(61)  # past what the pull request took
    assert call(github, "POST", "/repos/acme/shop/issues/1/comments", token, json={"body": "x"}).status_code == 201
    statuses = [call(github, "GET", "/repos/acme/shop", token).status_code for _ in range(8)]
    assert statuses == [200] * 7 + [403]
    refused = call(github, "GET", "/repos/acme/shop", token)
    assert (refused.headers["Retry-After"], int(refused.headers["X-RateLimit-Remaining"]) > 4000) == ("60", True)
    github.world.clock.move(61)
    assert call(github, "GET", "/repos/acme/shop", token).status_code == 200


def test_all_jobs_of_a_repository_share_a_smaller_hour(github: GitHub, shop: Repository) -> None:
    jobs = [github.world.job_token(shop, {"metadata": "read"}, run) for run in (1, 2)]
    told = [call(github, "GET", "/repos/acme/shop", one).headers for one in jobs]
    assert [one["X-RateLimit-Limit"] for one in told] == ["1000", "1000"]
    assert [one["X-RateLimit-Remaining"] for one in told] == ["999", "998"]
    github.limits.job_hourly = 2
    assert call(github, "GET", "/repos/acme/shop", jobs[0]).status_code == 403


def test_bad_requests(github: GitHub, shop: Repository) -> None:
    token = github.world.personal_token("ada")
    assert call(github, "POST", "/repos/acme/shop/pulls", token, data=b"{").json()["message"] == "Problems parsing JSON"
    assert call(github, "GET", "/nothing", token).status_code == 404
    assert call(github, "GET", "/repos/acme/shop", "ghp_wrong").json()["message"] == "Bad credentials"
    assert call(github, "GET", "/repos/acme/shop/pulls/99", token).status_code == 404
    assert call(github, "GET", "/repos/acme/shop/contents/none", token).status_code == 404


def test_what_refuses_is_judged_too() -> None:
    assert wrong_refusal(404, b'{"message": "Not Found", "documentation_url": "https://docs.github.com"}') == []
    assert wrong_refusal(422, b'{"message": "Invalid", "errors": ["too long"], "documentation_url": "x"}') == []
    assert wrong_refusal(404, b'{"message": 404}')
    assert wrong_refusal(422, b'{"message": "Validation Failed"}')
