"""Where the App is: installed again, a repository under another name, one that it does not reach; what is lost."""

from __future__ import annotations

import hmac
import json
import threading
import time
from typing import Any

import pytest
import requests
from inline_snapshot import snapshot
from sqlalchemy import select

from bot.store import deliveries, hosting, work
from bot.store.hosted_tables import work as work_table
from bot.work import Workers
from bot.working import following
from tests.conversations.conftest import on_both
from tests.conversations.merged import begin
from tests.conversations.seeing import headline
from tests.conversations.town import SECRET, Conversation, Town
from tests.github.world.git_store import ZERO
from tests.github.world.pushing import move


def planned(shop: Town) -> Conversation:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    return pull


def swept(town: Town) -> None:
    """Look for what webhooks have missed."""
    with town.server.database.writing() as connection:
        now = time.time()
        work.request(connection, "sweep", "all", now, now)
    town.server.wake()
    town.settle()


def outcomes(town: Town) -> dict[str, str]:
    with town.server.database.reading() as connection:
        return {one.event: one.outcome for one in deliveries.recent(connection, 100)}


def test_what_was_asked_for_before_the_app_was_uninstalled_is_done_when_it_is_back(shop: Town) -> None:
    pull = planned(shop)
    world = shop.github.world
    (installation,) = world.installations.values()
    shop.workers.stop(10)
    pull.comment("/deploy")
    world.uninstall(installation, world.user("olga"))
    shop.github.settle()
    shop.workers = Workers(shop.server)
    shop.workers.start()
    shop.settle()
    assert outcomes(shop)["installation"] == "installation deleted"
    assert shop.tool_log() == []
    world.install(shop.app, world.organization("acme"))
    shop.wait_for(lambda: headline(pull.newest()) == "### Deployed 3 environments", 60)


def dropped(shop: Town, *kinds: str) -> bool:
    """Whether nothing of these kinds is to be done any more."""
    with shop.server.database.reading() as connection:
        asked = select(work_table.c.id).where(work_table.c.kind.in_(kinds))
        return connection.execute(asked.limit(1)).first() is None


@on_both
def test_what_ended_before_the_app_was_uninstalled_is_told_and_freed_when_it_is_back(shop: Town) -> None:
    pull = planned(shop)
    pull.say("/deploy")
    pull.close()
    shop.settle()
    pull.say("/restore", by="bob")
    restored = pull.ours()[-1]
    shop.hold("api")
    pull.comment("/approve", by="olga")
    shop.wait_for(lambda: headline(restored.body).startswith("### Deploying") and "/approve" in pull.newest())
    shop.github.faults.error("/repos/acme/shop/(issues|pulls)", times=None)
    shop.let_go("api")
    shop.wait_for(lambda: set(shop.tried_again()) >= {"publish", "commands"})
    world = shop.github.world
    (installation,) = world.installations.values()
    shop.github.hooks.hold()  # it is not heard of before something was tried in vain
    world.uninstall(installation, world.user("olga"))
    shop.github.faults.mend()
    shop.wait_for(lambda: dropped(shop, "publish", "commands"), 60)
    shop.github.hooks.release()
    world.install(shop.app, world.organization("acme"))
    shop.wait_for(lambda: "`api`: as on the default branch, and free" in restored.body)
    shop.settle()
    assert headline(restored.body) == "### Deployed `network`, 2 without changes"


def test_an_answer_that_was_not_posted_before_a_repository_was_archived_is_when_it_is_so_no_more(shop: Town) -> None:
    pull = planned(shop)
    world, olga = shop.github.world, shop.github.world.user("olga")
    shop.github.faults.error("/repos/acme/shop/issues/.*comments", method="POST", times=None)
    pull.comment("/status")
    shop.wait_for(lambda: "publish" in shop.tried_again())
    world.archive(shop.repository, olga)
    shop.wait_for(lambda: dropped(shop, "publish"), 60)
    shop.github.faults.mend()
    world.archive(shop.repository, olga, archived=False)
    shop.wait_for(lambda: headline(pull.newest()) == "### shop: Inactive")


def test_a_renamed_repository_is_deployed_under_its_new_name(shop: Town) -> None:
    planned(shop).merge()
    shop.settle()
    shop.github.world.rename(shop.repository, "store", shop.github.world.user("olga"))
    shop.settle()
    pull = shop.pull(shop.environments(network="n3"))
    shop.settle()
    assert "/acme/store/commit/" in pull.plan()
    assert headline(pull.say("/deploy")) == "### Deployed `network`, 2 without changes"


def test_a_repository_that_is_given_away_is_deployed_where_the_app_is_too(shop: Town) -> None:
    planned(shop).merge()
    shop.settle()
    world, olga = shop.github.world, shop.github.world.user("olga")
    other = world.organization("other")
    world.transfer(shop.repository, other, olga)
    pull = shop.pull(shop.environments(network="n3"))
    shop.settle()
    assert pull.ours() == []
    world.install(shop.app, other)
    shop.wait_for(lambda: pull.ours() != [])
    shop.settle()
    assert "/other/shop/commit/" in pull.plan()
    assert headline(pull.say("/deploy")) == "### Deployed `network`, 2 without changes"
    pull.merge()
    shop.settle()
    assert shop.tried_again() == []


def test_a_repository_that_is_gone_is_left_alone(shop: Town) -> None:
    planned(shop)
    shop.github.world.delete_repository(shop.repository, shop.github.world.user("olga"))
    shop.settle()
    assert outcomes(shop)["repository"] == "repository deleted"
    swept(shop)
    assert shop.tried_again() == []


def first(shop: Town, event: str) -> Any:
    """What GitHub told with its first webhook of that event."""
    return json.loads(next(one.body for one in shop.github.hooks.log if one.event == event))


def come(shop: Town, event: str, told: Any, guid: str) -> None:
    """A webhook comes."""
    body = json.dumps(told).encode()
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, "sha256").hexdigest(),
    }
    assert requests.post(shop.app.webhook_url or "", body, headers=headers, timeout=10).status_code == 202


@on_both
def test_a_webhook_that_comes_days_late_changes_nothing_that_is_known_since(shop: Town) -> None:
    planned(shop)
    world, olga = shop.github.world, shop.github.world.user("olga")
    world.archive(shop.repository, olga)
    world.archive(shop.repository, olga, archived=False)
    world.rename(shop.repository, "store", olga)

    def known() -> tuple[str, str]:
        with shop.server.database.reading() as connection:
            found = hosting.repository(connection, 1)
        assert found is not None
        return found.full_name, found.trouble

    shop.wait_for(lambda: known() == ("acme/store", ""))
    shop.settle()
    for event in ("pull_request", "repository"):
        come(shop, event, first(shop, event), f"late-{event.partition('_')[0]}")
        shop.settle()
        assert known() == ("acme/store", "")


def test_where_the_app_is_not_installed_a_webhook_is_ignored(shop: Town) -> None:
    planned(shop)
    foreign = first(shop, "pull_request")
    del foreign["installation"]
    foreign["repository"]["id"] += 1_000_000
    come(shop, "pull_request", foreign, "foreign")
    shop.settle()
    with shop.server.database.reading() as connection:
        found = {one.id: one.outcome for one in deliveries.recent(connection, 100)}
    assert found["foreign"] == "ignored: the App is not installed there"


def test_a_run_whose_end_nobody_told_of_is_found_by_a_sweep(shop: Town) -> None:
    pull = planned(shop)
    shop.hold("network")
    shop.github.faults.webhooks(seed=1, lost=1.0, events="^workflow_")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    (run,) = [
        one for one in shop.repository.runs.values() if any(job.name == "deploy network" for job in one.current())
    ]
    shop.github.actions.lose(next(job for job in run.current() if job.name == "deploy network"))
    shop.let_go("network")
    shop.github.settle()
    swept(shop)
    assert "failed (outcome unknown)" in pull.newest()


def test_a_webhook_that_cannot_be_worked_on_is_told_as_that_and_tried_again(
    shop: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow, mended = following._FOLLOW["pull"], threading.Event()

    def breaks(*given: Any) -> None:
        if not mended.is_set():
            raise ValueError("it broke")
        follow(*given)

    monkeypatch.setitem(following._FOLLOW, "pull", breaks)  # type: ignore[arg-type]
    pull = shop.pull(shop.environments(network="n2"))
    shop.wait_for(lambda: outcomes(shop).get("pull_request") == "failed, and is tried again: it broke")
    mended.set()
    shop.settle()
    assert outcomes(shop)["pull_request"] == "pull request 1"
    assert headline(pull.plan()).startswith("### 3 environments")


def test_a_pull_request_whose_branch_is_deleted_is_looked_at(shop: Town) -> None:
    pull = planned(shop)
    world = shop.github.world
    shop.github.faults.webhooks(seed=1, lost=1.0, events="^pull_request$")
    move(world, shop.repository, f"refs/heads/{pull.pull.head_branch}", ZERO, world.user("ada"))
    shop.settle()
    assert outcomes(shop)["delete"] == f"branch '{pull.pull.head_branch}' deleted"
    with shop.server.database.reading() as connection:
        row = hosting.pull(connection, 1, pull.number)
    assert row is not None
    assert row.state == "closed"


def test_a_branch_that_is_gone_before_its_push_is_looked_at(shop: Town) -> None:
    """An App that was out of reach hears of pushes to branches that were merged and deleted meanwhile."""
    begin(shop)
    world = shop.github.world
    shop.github.hooks.hold()
    shop.commit({"network/more": "1\n"}, "On a branch", branch="short-lived", by="ada")
    move(world, shop.repository, "refs/heads/short-lived", None, world.user("ada"))
    shop.github.hooks.release()
    shop.settle()
    with shop.server.database.reading() as connection:
        assert connection.execute(select(work_table.c.error).where(work_table.c.kind == "push")).all() == []


def test_a_merged_pull_request_whose_base_is_gone_answers(shop: Town) -> None:
    begin(shop)
    world = shop.github.world
    shop.commit({"README.md": "Release\n"}, "Begin", branch="release")
    pull = shop.pull(shop.environments(network="n1"), base="release")
    shop.settle()
    pull.merge()
    shop.settle()
    move(world, shop.repository, "refs/heads/release", None, world.user("olga"))
    shop.settle()
    assert headline(pull.say("/status")) == snapshot("### shop: Active")
