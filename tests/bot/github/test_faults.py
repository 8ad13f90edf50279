"""What GitHub may do to a call, and what becomes of it. Nothing is repeated here: the callers decide that."""

from __future__ import annotations

import time

import pytest

from bot.github.app import App
from bot.github.errors import Forbidden, GitHubError, NotUnderstood, RateLimited, Refused, Unreachable
from bot.github.limits import Limits, Priority
from bot.github.repository_client import RepositoryClient
from tests.bot.github.conftest import asked, open_pull
from tests.github import GitHub
from tests.github.world import apps
from tests.github.world.pulls import Pull
from tests.github.world.repository import Repository


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_no_answer_worth_the_name(
    github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient, status: int
) -> None:
    client.repository()
    github.faults.error("comments", status, times=None)
    with pytest.raises(Unreachable, match=f"failed to answer GET .*comments \\({status}\\)") as read:
        client.comments(1)
    with pytest.raises(Unreachable) as written:
        client.comment(1, "x")
    assert (read.value.uncertain, written.value.uncertain) == (False, True)
    assert (read.value.status, "<html>" in str(written.value)) == (status, False)
    github.faults.mend()
    assert client.comment(1, "x").body == "x"


def test_the_answer_is_lost_after_the_effect(
    github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient
) -> None:
    client.repository()
    github.faults.lose_answer("comments", "POST")
    with pytest.raises(Unreachable, match="the connection was cut") as lost:
        client.comment(1, "done all the same")
    assert lost.value.uncertain
    assert [one.body for one in client.comments(1)] == ["done all the same"]
    github.faults.cut("comments", "POST")
    with pytest.raises(Unreachable) as cut:
        client.comment(1, "never")
    assert cut.value.uncertain  # nobody can know
    github.faults.cut("comments", "GET")
    with pytest.raises(Unreachable) as read:
        client.comments(1)
    assert not read.value.uncertain
    assert len(shop.comments) == 1


def test_nobody_is_there(github: GitHub, registered: apps.App) -> None:
    app = App(registered.id, registered.private_key, "http://127.0.0.1:9/api/v3", timeout=2)
    with pytest.raises(Unreachable, match="no connection") as told:
        app.redeliver(1)
    assert not told.value.uncertain  # a write, but nothing was sent


def test_a_late_answer_and_a_dripping_one(
    github: GitHub, shop: Repository, pull: Pull, registered: apps.App, installation: apps.Installation
) -> None:
    client = App(registered.id, registered.private_key, github.api_url, timeout=5).client(installation.id, "acme/shop")
    client.repository()
    github.faults.late("comments", seconds=30)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="it took too long"):
        client.comments(1)
    github.faults.drip("/pulls/1", seconds=90)  # a byte now and then keeps every single read alive
    with pytest.raises(Unreachable, match="it took too long"):
        client.pull(1)
    assert time.monotonic() - began < 30
    github.faults.drip("/pulls/1", seconds=0.3)
    assert client.pull(1).number == 1


def test_a_pause_is_asked_for(
    github: GitHub, shop: Repository, pull: Pull, registered: apps.App, installation: apps.Installation
) -> None:
    now = [1000.0]
    app = App(registered.id, registered.private_key, github.api_url, limits=Limits(lambda: now[0]), timeout=120)
    client = app.client(installation.id, "acme/shop")
    for status in (403, 429):
        github.faults.retry_after("comments", seconds=7, status=status, method="POST")
        with pytest.raises(RateLimited, match="asks for a pause") as told:
            client.comment(1, "x")
        assert (told.value.wait, told.value.secondary, told.value.held) == (7.0, True, False)
        github.rest.calls.clear()
        now[0] += 2
        other = app.client(installation.id, "acme/shop", Priority.COMMAND)
        with pytest.raises(RateLimited) as held:  # another client of the same installation stays away as well
            other.pull(1)
        assert (held.value.held, held.value.wait, asked(github)) == (True, 5.0, [])
        now[0] += 5
        assert client.comment(1, f"said once {status}").body == f"said once {status}"
    assert [one.body for one in shop.comments.values()] == ["said once 403", "said once 429"]


def test_the_hour_is_used_up(github: GitHub, client: RepositoryClient, installation: apps.Installation) -> None:
    client.repository()
    github.limits.use_up(f"installation ID {installation.id}")
    with pytest.raises(RateLimited, match="limit of requests is used up") as told:
        client.pull(1)
    assert not told.value.secondary
    assert 3500 < told.value.wait <= 3600
    github.rest.calls.clear()
    with pytest.raises(RateLimited) as held:
        client.repository()
    assert (held.value.held, held.value.secondary, asked(github)) == (True, False, [])


def test_one_repository_leaves_a_part_of_the_hour_to_another(
    github: GitHub, app: App, installation: apps.Installation, shop: Repository
) -> None:
    github.limits.hourly = 100
    github.repository("acme/other", {"README.md": "# Other\n"})
    busy, quiet = (app.client(installation.id, name, Priority.PLAN) for name in ("acme/shop", "acme/other"))

    def answered(client: RepositoryClient, most: int) -> int:
        for number in range(most):
            try:
                client.file("none", f"branch-{number}")
            except RateLimited as told:
                assert told.held
                return number
        return most

    quiet.repository()
    assert 70 <= answered(busy, 100) <= 72
    assert answered(quiet, 10) == 10
    assert answered(busy.at(Priority.COMMAND), 5) == 5


def test_github_counts_what_is_created(
    github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient, app: App
) -> None:
    github.limits.content_a_minute = 3
    for number in range(3):
        client.comment(1, str(number))
    with pytest.raises(RateLimited) as told:
        client.comment(1, "4")
    assert (told.value.wait, told.value.secondary, told.value.held) == (60.0, True, False)
    assert len(shop.comments) == 3


def test_headwater_paces_what_it_creates(
    github: GitHub, shop: Repository, pull: Pull, registered: apps.App, installation: apps.Installation
) -> None:
    now = [1000.0]
    app = App(registered.id, registered.private_key, github.api_url, limits=Limits(lambda: now[0]), timeout=120)
    client = app.client(installation.id, "acme/shop")
    written = 0
    for _ in range(3):
        while True:
            try:
                client.comment(1, str(written))
            except RateLimited as held:
                assert held.held
                now[0] += held.wait
                github.world.clock.move(held.wait)
                break
            written += 1
    assert written == 240
    assert len(shop.comments) == 240  # none lost, none twice, and GitHub never had to refuse
    assert all(not one.endswith(" 403") for one in asked(github))


def test_a_repository_is_renamed(
    github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient, app: App
) -> None:
    open_pull(github, shop, "second")
    client.comment(1, "before")
    github.world.rename(shop, "store", github.world.user("owner"))
    assert client.repository().full_name == "acme/store"
    assert client.comment(1, "after").body == "after"
    assert [one.body for one in client.comments(1)] == ["before", "after"]
    assert len(client.open_pulls()) == 2
    assert client.review_decision(1) is None
    assert app.installation_of("acme/shop").account == "acme"
    shown = [one for one in asked(github) if "/repositories/" in one and "/pulls" in one]
    assert all("state=open" in one and "per_page=100" in one for one in shown)  # the query goes along
    assert shown


def test_a_repository_is_archived_transferred_deleted(
    github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient
) -> None:
    shop.archived = True
    with pytest.raises(Forbidden, match="archived") as told:
        client.comment(1, "x")
    assert told.value.permission is None
    assert client.repository().archived
    shop.archived = False
    github.world.transfer(shop, github.world.organization("other"), github.world.user("owner"))
    with pytest.raises(GitHubError):
        client.comment(1, "x")
    github.world.delete_repository(shop, github.world.user("owner"))
    with pytest.raises(GitHubError):
        client.repository()


def test_asking_again_costs_nothing(
    github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient, installation: apps.Installation
) -> None:
    first = client.open_pulls()
    used = github.limits.headers(f"installation ID {installation.id}")["X-RateLimit-Used"]
    assert [client.open_pulls() for _ in range(5)] == [first] * 5
    assert github.limits.headers(f"installation ID {installation.id}")["X-RateLimit-Used"] == used
    assert [one.rsplit(" ", 1)[1] for one in asked(github) if "/pulls?" in one] == ["200"] + ["304"] * 5
    github.commit(shop, {"more": "x"}, branch="feature", by="ada")
    assert client.open_pulls()[0].head_sha != first[0].head_sha


def test_an_answer_that_leads_elsewhere_is_not_followed(github: GitHub, client: RepositoryClient) -> None:
    client.repository()
    line = client._caller.line
    for address in ("http://127.0.0.1:1/api/v3/x", "https://evil.example/api/v3/x", f"{github.url}/evil", "//evil/x"):
        with pytest.raises(NotUnderstood, match="leads away"):
            line.inside(address, "GET x")  # type: ignore[arg-type]
    assert line.inside(f"{github.api_url}/repositories/1", "x").endswith("/repositories/1")  # type: ignore[arg-type]


def test_something_else_answers(github: GitHub, registered: apps.App) -> None:
    app = App(registered.id, registered.private_key, github.url)  # its pages, not its API
    with pytest.raises(GitHubError) as told:
        app.installations()
    assert told.value.mend or isinstance(told.value, Refused)
