"""`/explain`: why it waits, on what, since when, what would free it, and why something was refused."""

from __future__ import annotations

from bot.explaining import Asked, explain
from bot.render import explain_comment
from bot.store import hosting
from tests.conversations.conftest import on_both
from tests.conversations.town import Conversation, Town, shown
from tests.conversations.workflows import workflow


def test_why_it_waits_and_why_a_command_was_refused(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": "", "api": "db"}), **town.environments(db="1", api="1")})
    first = town.pull(town.environments(db="2"), by="ada")
    town.settle()
    first.say("/deploy", by="eve")
    refused = first.say("/explain db")
    assert (
        "`/deploy` by eve was refused on DATE ([#1](https://github/acme/shop/pull/1)): you may not deploy here"
        in refused
    )
    assert "ask somebody who may to write the command, or change permissions on the default branch" in refused

    town.hold("db")
    first.comment("/deploy")
    town.wait_for(lambda: town.tool_log() == ["db begins"])
    first.comment("/explain api")
    town.wait_for(lambda: "It goes on" in first.newest())
    waits = first.newest()
    assert "- waits for `db` (deployment 2, since DATE): its turn has not come" in waits
    assert "- asked for by ada ([#1](https://github/acme/shop/pull/1)), for: downstream of `db`" in waits
    assert "It goes on by itself, once `db` succeeds." in waits
    assert "was refused" not in waits  # it was deployed since
    town.let_go("db")
    town.settle()

    second = town.pull(town.environments(db="3"), by="bob")
    town.settle()
    second.say("/deploy")
    behind = second.say("/explain db")
    assert "- belongs to [#1](https://github/acme/shop/pull/1) since DATE" in behind
    assert (
        "- `/deploy` by bob waits for [#1](https://github/acme/shop/pull/1), which holds `db`, `api`, since DATE"
        in behind
    )
    assert "It goes on by itself once that is merged, restored or unlocked." in behind


def told(town: Town, pull: Conversation, alias: str) -> str:
    """What `/explain` would tell on a pull request now, also where GitHub cannot be asked."""
    with town.server.database.reading() as connection:
        (hosted,) = hosting.repositories(connection)
    asked = Asked(hosted.id, hosted.full_name, pull.number, 10**9)
    found = explain(town.server.project(hosted), alias, None, pull.head, asked)
    return shown(explain_comment(found, repository_url=hosted.html_url))


@on_both
def test_a_dispatch_that_github_does_not_take_says_why(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    shop.github.faults.error("/dispatches", 502, times=None)
    pull.comment("/deploy")
    shop.wait_for(
        lambda: "once GitHub can be asked for it again: `GitHub failed to answer POST" in told(shop, pull, "network")
    )
    there = shop.github.world
    (installation,) = there.installations.values()
    there.suspend(installation, there.user("olga"))
    with shop.server.database.writing() as connection:
        hosting.mark_trouble(connection, trouble=hosting.SUSPENDED, installation=installation.id)
    assert f"once GitHub can be asked for it again: `{hosting.SUSPENDED}`" in told(shop, pull, "network")
    with shop.server.database.writing() as connection:
        hosting.mark_trouble(connection, trouble="", installation=installation.id)
    there.suspend(installation, there.user("olga"), suspended=False)
    shop.github.faults.mend()
    shop.settle()
    assert "GitHub can be asked" not in told(shop, pull, "network")


def test_a_dispatch_that_waits_for_a_limit_says_so(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    limited = shop.github.faults.retry_after("/dispatches", seconds=60, times=1)
    pull.comment("/deploy")
    shop.wait_for(lambda: bool(limited.met))
    shop.wait_for(lambda: "once GitHub can be asked for it again: `" in told(shop, pull, "network"))
    assert "limit" in told(shop, pull, "network")


def test_a_command_that_is_not_begun_says_why_on_other_pull_requests_too(shop: Town) -> None:
    first = shop.pull(shop.environments(network="n2"))
    second = shop.pull(shop.environments(api="a2"), by="bob")
    shop.settle()
    shop.github.faults.error(f"/pulls/{first.number}", 502, times=None)
    first.comment("/deploy network")
    waits = "`/deploy` by ada on [#1](https://github/acme/shop/pull/1) waits until it can be done: "
    shop.wait_for(lambda: waits in told(shop, second, "network"))
    assert "`/deploy` by ada waits until it can be done: " in told(shop, first, "network")
    assert "/deploy" not in told(shop, second, "api").partition("```")[0]
    shop.github.faults.mend()
    shop.settle()
