"""The App: where it is installed, its tokens, its webhook's log, how it comes to be."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from bot.errors import HeadwaterError
from bot.github import identities
from bot.github.app import App, missing_permissions
from bot.github.data import NEEDED
from bot.github.errors import Forbidden, NotFound, NotInstalled, Refused, Suspended, Unauthorized
from bot.github.repository_client import RepositoryClient
from tests.bot.github.conftest import asked
from tests.github import GitHub
from tests.github.world import apps
from tests.github.world.pulls import Pull
from tests.github.world.repository import Repository
from tests.github_itself.clients import Receiver


def token_calls(github: GitHub) -> int:
    return sum("access_tokens" in one and one.endswith(" 201") for one in asked(github))


def test_who_it_is_and_where(github: GitHub, shop: Repository, app: App, installation: apps.Installation) -> None:
    github.repository("acme/other")
    github.world.user("eve")
    assert (app.slug, app.login) == ("headwater", "headwater[bot]")
    assert app.slug == "headwater"
    assert asked(github).count("GET /app 200") == 1
    (found,) = app.installations()
    assert (found.id, found.account, found.account_type, found.suspended) == (
        installation.id, "acme", "Organization", False,
    )  # fmt: skip
    assert app.installation_of("acme/shop").id == installation.id
    assert app.installation(installation.id).permissions["checks"] == "write"
    assert {one.full_name for one in app.repositories(installation.id)} == {"acme/shop", "acme/other"}
    github.repository("eve/private")
    with pytest.raises(NotInstalled, match="eve/private"):
        app.installation_of("eve/private")
    with pytest.raises(NotInstalled):
        app.installation(1)
    with pytest.raises(NotFound):
        app.installation_of("../shop")


def test_a_hundred_repositories_and_more(
    github: GitHub, shop: Repository, app: App, installation: apps.Installation
) -> None:
    for number in range(104):
        github.world.repositories[90_000 + number] = type(shop)(
            90_000 + number, shop.owner, f"shop-{number}", shop.git, shop.created_at
        )
    assert len(app.repositories(installation.id)) == 105


def test_permissions(github: GitHub, app: App, installation: apps.Installation) -> None:
    assert app.permissions(installation.id) == dict(NEEDED)
    assert app.missing_permissions(installation.id) == ()
    installation.permissions |= {"checks": "read", "statuses": "write"}
    del installation.permissions["members"]
    assert app.missing_permissions(installation.id) == ("members: read", "checks: write")
    person = github.world.install(github.world.apps[installation.app.id], github.world.user("eve"))
    del person.permissions["members"]
    told = app.installation(person.id)
    assert (told.account_type, missing_permissions(told)) == ("User", ())


def test_a_token_is_kept_while_it_lives(
    github: GitHub, shop: Repository, app: App, installation: apps.Installation
) -> None:
    first = app.token(installation.id)
    assert first.expires_at.tzinfo is not None
    assert 3000 < (first.expires_at - datetime.now(UTC)).total_seconds() < 3700
    assert app.token(installation.id) == first
    small = app.token(installation.id, repository_ids=(shop.id,), permissions={"contents": "read"})
    assert app.token(installation.id, repository_ids=(shop.id,), permissions={"contents": "read"}) == small
    assert (small != first, token_calls(github)) == (True, 2)
    made = github.world.tokens[small.value]
    assert (made.permissions, made.repositories) == ({"metadata": "read", "contents": "read"}, {shop.id})
    assert small.value not in repr(small)
    with pytest.raises(Refused, match="not granted"):
        app.token(installation.id, permissions={"contents": "write"})


def test_a_token_with_little_life_left_is_renewed(
    github: GitHub, registered: apps.App, installation: apps.Installation
) -> None:
    from bot.github.identities import Scope, Tokens  # noqa: PLC0415

    app = App(registered.id, registered.private_key, github.api_url, timeout=120)
    now = [0.0]
    tokens = Tokens(app._new_token, clock=lambda: now[0])
    first = tokens.get(Scope(installation.id))
    now[0] = 3200
    assert tokens.get(Scope(installation.id)) == first
    now[0] = 3400  # it would live for three minutes yet
    assert tokens.get(Scope(installation.id)) != first


def test_many_threads_ask_for_one_token(github: GitHub, app: App, installation: apps.Installation) -> None:
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(app.token(installation.id).value)) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(got), len(set(got)), token_calls(github)) == (12, 1, 1)


def test_an_expired_token_is_renewed_within_the_call(
    github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient
) -> None:
    client.repository()
    github.faults.expire_token("comments", "POST")
    assert client.comment(1, "once").body == "once"
    assert [one.body for one in shop.comments.values()] == ["once"]
    github.world.clock.move(3601)
    assert client.repository().full_name == "acme/shop"
    assert token_calls(github) == 3


def test_a_token_from_before_a_permission_was_given_is_renewed(
    github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient, installation: apps.Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    del installation.permissions["checks"]
    with pytest.raises(Forbidden):
        client.checks(pull.head_sha)
    installation.permissions["checks"] = "write"
    with pytest.raises(Forbidden):
        client.checks(pull.head_sha)  # a young token: GitHub is not asked for another one at each refusal
    assert token_calls(github) == 1
    monkeypatch.setattr(identities, "GRANTED_SECONDS", 0.0)
    assert client.checks(pull.head_sha) == ()
    assert token_calls(github) == 2


def test_suspended_uninstalled_and_left_out(
    github: GitHub, shop: Repository, app: App, client: RepositoryClient, installation: apps.Installation
) -> None:
    owner = github.world.user("owner")
    client.repository()
    github.world.suspend(installation, owner)
    with pytest.raises(Suspended, match="suspended"):
        client.repository()
    with pytest.raises(Suspended):
        app.token(installation.id, permissions={"contents": "read"})
    assert app.installation(installation.id).suspended
    github.world.suspend(installation, owner, suspended=False)
    assert client.repository().id == shop.id
    installation.repositories = set()
    with pytest.raises(NotFound):
        client.repository()
    installation.repositories = None
    github.world.uninstall(installation, owner)
    with pytest.raises(NotInstalled) as gone:
        client.repository()
    assert not isinstance(gone.value, Suspended)


def test_a_wrong_key_or_id(github: GitHub, registered: apps.App) -> None:
    for wrong in (
        App(registered.id, apps.new_private_key(), github.api_url),
        App(999_999, registered.private_key, github.api_url),
    ):
        with pytest.raises(Unauthorized, match="does not accept who we are") as told:
            wrong.installations()
        assert "HEADWATER_GITHUB_PRIVATE_KEY_FILE" in told.value.mend or "private key" in told.value.mend
    for text in ("", "no key", registered.private_key[:200]):
        with pytest.raises(HeadwaterError, match="not an RSA key") as refused:
            App(registered.id, text, github.api_url)
        assert text == "" or text not in str(refused.value)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_wrong(github: GitHub, registered: apps.App, hours: int) -> None:
    import time  # noqa: PLC0415

    app = App(
        registered.id, registered.private_key, github.api_url, timeout=120, clock=lambda: time.time() + 3600 * hours
    )
    assert app.slug == "headwater"
    assert len(app.installations()) == 1
    assert [one.rsplit(" ", 1)[1] for one in asked(github)] == ["401", "200", "200"]  # learnt once
    assert app.client(app.installations()[0].id, "acme/shop").repository().full_name == "acme/shop"


def test_the_log_of_webhooks(github: GitHub, shop: Repository, app: App, registered: apps.App) -> None:
    receiver = Receiver()
    try:
        registered.webhook_url, receiver.status = receiver.url, 500
        github.commit(shop, {"a": "1"})
        github.settle(120)
        receiver.status = 202
        for _ in range(105):
            github.hooks.ping(registered)
        github.settle(120)
        found = app.deliveries()
        assert len(found) == len(github.hooks.log) > 100
        assert [one.id for one in found] == sorted((one.id for one in found), reverse=True)
        failed = [one for one in found if one.failed]
        assert {(one.event, one.status_code) for one in failed} == {("push", 500), ("check_suite", 500)}
        push = next(one for one in failed if one.event == "push")
        assert (push.repository_id, push.action) == (shop.id, None)
        app.redeliver(push.id)
        github.settle(120)
        newest = app.deliveries()[0]
        assert (newest.guid, newest.failed) == (push.guid, False)
        assert len(app.deliveries(since=found[3].delivered_at)) >= 4
        assert app.deliveries(since="2999-01-01T00:00:00Z") == ()
        with pytest.raises(NotFound):
            app.redeliver(1)
    finally:
        receiver.stop()


def test_looking_at_new_webhooks_alone_is_one_page(
    github: GitHub, shop: Repository, app: App, registered: apps.App
) -> None:
    receiver = Receiver()
    try:
        registered.webhook_url = receiver.url
        for _ in range(105):
            github.hooks.ping(registered)
        github.settle(120)
        github.world.clock.move(100)
        github.commit(shop, {"a": "newest"})
        github.settle(120)
        newest = github.hooks.log[-1].at
        github.rest.calls.clear()
        found = app.deliveries(since=newest.isoformat())
        assert 1 <= len(found) <= 2
        assert len(asked(github)) == 1
    finally:
        receiver.stop()


def test_a_manifest_becomes_an_app(github: GitHub, registered: apps.App) -> None:
    github.manifests["c0de"] = registered
    made = App.from_manifest_code("c0de", github.api_url)
    assert (made.app_id, made.slug, made.owner) == (registered.id, "headwater", "acme")
    assert (made.private_key_pem, made.webhook_secret) == (registered.private_key, registered.webhook_secret)
    assert registered.webhook_secret not in repr(made)
    assert "PRIVATE KEY" not in repr(made)
    with pytest.raises(NotFound) as told:
        App.from_manifest_code("c0de", github.api_url)
    assert "c0de" not in str(told.value)


def test_each_missing_permission_is_named(
    github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient, app: App, installation: apps.Installation
) -> None:
    sha = pull.head_sha
    needs = {
        "contents: read": lambda: client.file("README.md", "main"),
        "pull_requests: read": lambda: client.pull(1),
        "checks: write": lambda: client.create_check("x", sha),
        "checks: read": lambda: client.checks(sha),
        "actions: write": lambda: client.dispatch("headwater.yml", "main", {"dispatch": "{}"}),
        "actions: read": lambda: client.runs("headwater.yml"),
        "statuses: read": lambda: client.statuses(sha),
        "issues: write or pull_requests: write": lambda: client.comment(1, "x"),
        "contents: write": lambda: client.edit_commit_comment(client.commit_comment(sha, "x").id, "y"),
    }
    for permission, call in needs.items():
        names = {one.split(":")[0] for one in permission.split(" or ")}
        kept = dict(installation.permissions)
        if permission != "contents: write":
            for name in names:
                del installation.permissions[name]
        app._tokens._places.clear()
        with pytest.raises(Forbidden) as told:
            call()
        assert told.value.permission == permission, permission
        assert f"lacks the permission `{permission}`" in told.value.what
        installation.permissions.clear()
        installation.permissions |= kept
    del installation.permissions["members"]
    del installation.permissions["administration"]
    app._tokens._places.clear()
    github.world.team("acme", "platform", ["bob"])
    assert client.team_member("acme", "platform", "bob") is None
    assert client.required_checks("main") is None
