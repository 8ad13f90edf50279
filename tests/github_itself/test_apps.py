"""Apps: their tokens, what these may do, and what GitHub says when they may not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from githubkit.exception import RequestFailed

from tests.github import GitHub
from tests.github.world.apps import App, new_private_key
from tests.github.world.repository import Repository
from tests.github_itself.clients import Receiver, as_itself, as_person, call, githubkit_of, integration

OTHER_KEY = new_private_key()


@pytest.fixture
def shop(github: GitHub) -> Repository:
    github.world.organization("acme", ["owner"])
    return github.repository("acme/shop", {"README.md": "# Shop\n"}, write=["ada"])


@pytest.fixture
def app(github: GitHub, shop: Repository) -> App:
    return github.app("acme")


def token(github: GitHub, app: App, **body: Any) -> str:
    found = next(one for one in github.world.installations.values() if one.app is app)
    path = f"/app/installations/{found.id}/access_tokens"
    answer = call(github, "POST", path, as_itself(github, app), json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]


def test_an_app_finds_its_installations(github: GitHub, shop: Repository, app: App) -> None:
    client = integration(github, app)
    assert client.get_app().slug == "headwater"
    found = client.get_repo_installation("acme", "shop")
    assert [one.id for one in client.get_installations()] == [found.id]
    assert [one.full_name for one in client.get_installations()[0].get_repos()] == ["acme/shop"]
    assert client.get_org_installation("acme").id == found.id


def test_githubkit_works_with_it_too(github: GitHub, shop: Repository, app: App) -> None:
    client = githubkit_of(github, app)
    found = client.rest.apps.get_repo_installation("acme", "shop").parsed_data
    bot = client.with_auth(client.auth.as_installation(found.id))
    github.commit(shop, {"x": "y"}, branch="feature", by="ada")
    number = as_person(github, "ada").get_repo("acme/shop").create_pull("main", "feature", title="x").number
    made = bot.rest.issues.create_comment("acme", "shop", number, body="hello").parsed_data
    assert made.user is not None
    assert (made.user.login, made.user.type) == ("headwater[bot]", "Bot")
    assert made.performed_via_github_app is not None
    listed = bot.rest.paginate(bot.rest.issues.list_comments, owner="acme", repo="shop", issue_number=number)
    assert [one.body for one in listed] == ["hello"]
    pull = bot.rest.pulls.get("acme", "shop", number).parsed_data
    run = bot.rest.checks.create("acme", "shop", name="plan", head_sha=pull.head.sha).parsed_data
    assert bot.rest.checks.list_for_ref("acme", "shop", pull.head.sha).parsed_data.check_runs[0].id == run.id
    with pytest.raises(RequestFailed, match="403"):
        bot.rest.repos.create_commit_status("acme", "shop", pull.head.sha, state="success")


def claims(**other: Any) -> dict[str, Any]:
    now = int(time.time())
    return {name: value for name, value in {"iat": now - 10, "exp": now + 300, **other}.items() if value is not None}


@pytest.mark.parametrize(("wrong", "status", "words"), [
    ({"exp": 1}, 401, "'Expiration time' claim"),
    ({"exp": int(time.time()) + 3600}, 401, "too far in the future"),
    ({"iat": int(time.time()) + 3600}, 401, "'Issued at' claim"),
    ({"iss": "999999"}, 404, "Integration not found"),
    ({"key": OTHER_KEY}, 401, "could not be decoded"),
    ({"algorithm": "HS256", "key": "x" * 40}, 401, "could not be decoded"),
    ({"algorithm": "none", "key": ""}, 401, "could not be decoded"),
])  # fmt: skip
def test_bad_app_tokens(github: GitHub, app: App, wrong: Mapping[str, Any], status: int, words: str) -> None:
    wrong = dict(wrong)
    key, algorithm = wrong.pop("key", app.private_key), wrong.pop("algorithm", "RS256")
    text = jwt.encode(claims(**{"iss": str(app.id), **wrong}), key, algorithm)
    answer = call(github, "GET", "/app", text)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True)


def test_tokens_are_limited_to_permissions_and_repositories(github: GitHub, shop: Repository, app: App) -> None:
    github.repository("acme/secret", {"x": "y"})
    text = token(github, app, permissions={"contents": "read"}, repositories=["shop"])
    assert call(github, "GET", "/repos/acme/shop/branches", text).status_code == 200
    assert call(github, "GET", "/repos/acme/secret/branches", text).status_code == 404
    refused = call(github, "GET", "/repos/acme/shop/pulls", text)
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
    assert refused.headers["X-Accepted-GitHub-Permissions"] == "pull_requests=read"
    found = next(iter(github.world.installations))
    path, proof = f"/app/installations/{found}/access_tokens", as_itself(github, app)
    more = call(github, "POST", path, proof, json={"permissions": {"contents": "write"}})
    gone = call(github, "POST", path, proof, json={"repositories": ["nothing"]})
    assert (more.status_code, gone.status_code) == (422, 422)


def test_tokens_expire_and_are_revoked(github: GitHub, shop: Repository, app: App) -> None:
    text = token(github, app)
    assert call(github, "GET", "/repos/acme/shop", text).status_code == 200
    github.world.clock.move(3601)
    assert call(github, "GET", "/repos/acme/shop", text).json()["message"] == "Bad credentials"
    github.world.clock.move(-3601)
    assert call(github, "DELETE", "/installation/token", text).status_code == 204
    assert call(github, "GET", "/repos/acme/shop", text).status_code == 401


def test_suspended_and_uninstalled(github: GitHub, shop: Repository, app: App, receiver: Receiver) -> None:
    app.webhook_url = receiver.url
    text, owner = token(github, app), github.world.user("owner")
    found = next(iter(github.world.installations.values()))
    github.world.suspend(found, owner)
    assert call(github, "GET", "/repos/acme/shop", text).json()["message"] == "This installation has been suspended"
    github.world.suspend(found, owner, suspended=False)
    assert call(github, "GET", "/repos/acme/shop", text).status_code == 200
    github.world.uninstall(found, owner)
    assert call(github, "GET", "/repos/acme/shop", text).status_code == 401
    github.settle()
    assert receiver.titles() == ["installation suspend", "installation unsuspend", "installation deleted"]


def test_people_see_what_they_may(github: GitHub, shop: Repository) -> None:
    github.world.team("acme", "Platform Team", ["bob"]).repositories["acme/shop"] = "maintain"
    asked = as_person(github, "owner").get_repo("acme/shop")
    roles = {login: asked.get_collaborator_permission(login) for login in ("ada", "bob", "owner", "acme")}
    assert roles == {"ada": "write", "bob": "write", "owner": "read", "acme": "admin"}
    assert asked.get_collaborator_role_name("bob") == "maintain"
    github.world.user("eve")
    assert asked.get_collaborator_permission("eve") == "none"
    stranger = github.world.personal_token("eve")
    assert call(github, "GET", "/repos/acme/shop", stranger).status_code == 404
    assert call(github, "GET", "/repos/acme/shop").status_code == 404
    shop.private = False
    assert call(github, "GET", "/repos/acme/shop").status_code == 200
    assert call(github, "POST", "/repos/acme/shop/issues/1/comments", json={"body": "x"}).status_code == 401


def test_teams_are_read_with_the_members_permission(github: GitHub, shop: Repository, app: App) -> None:
    github.world.team("acme", "platform", ["bob"])
    text = token(github, app)
    assert call(github, "GET", "/orgs/acme/teams/platform/memberships/bob", text).json()["state"] == "active"
    assert call(github, "GET", "/orgs/acme/teams/platform/memberships/ada", text).status_code == 404
    assert call(github, "GET", "/orgs/acme/teams/platform", text).json()["slug"] == "platform"
    less = token(github, app, permissions={"contents": "read"})
    assert call(github, "GET", "/orgs/acme/teams/platform/memberships/bob", less).status_code == 403


def test_a_manifest_becomes_an_app_once(github: GitHub, shop: Repository, app: App) -> None:
    github.manifests["code"] = app
    made = call(github, "POST", "/app-manifests/code/conversions", github.world.personal_token("ada"))
    assert (made.status_code, made.json()["pem"]) == (201, app.private_key)
    assert (
        call(github, "POST", "/app-manifests/code/conversions", github.world.personal_token("ada")).status_code == 404
    )


def test_a_renamed_repository_is_found_by_its_old_name(github: GitHub, shop: Repository, app: App) -> None:
    github.world.rename(shop, "store", github.world.user("owner"))
    github.world.transfer(shop, github.world.organization("other"), github.world.user("owner"))
    shop.collaborators["ada"] = "write"
    assert as_person(github, "ada").get_repo("acme/store").full_name == "other/store"
    assert as_person(github, "ada").get_repo("acme/store").get_branch("main").name == "main"
    shop.archived = True
    refused = call(github, "POST", "/repos/other/store/git/refs", github.world.personal_token("ada"), json={})
    assert refused.json()["message"] == "Repository was archived so is read-only."
