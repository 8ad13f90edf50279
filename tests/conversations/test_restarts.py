"""Servers that are killed: whatever was accepted goes on, and nothing runs twice."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

from pydantic import SecretStr

from bot.work import Workers
from tests.bot.store.conftest import migrated_postgres, postgres  # noqa: F401  (fixtures)
from tests.conversations.outside import OutsideTown
from tests.conversations.town import Town


def test_a_server_that_is_killed_again_and_again_deploys_everything_once(
    make_outside: Callable[..., OutsideTown],
) -> None:
    town = make_outside()
    pull = town.pull(town.environments(network="n2"))
    town.wait_for(lambda: bool(pull.ours()) and "Planning" not in pull.plan(), 60)
    pull.comment("/deploy")
    for _ in range(4):
        time.sleep(1.0)
        town.kill()
        town.start_server()
    town.wait_for(lambda: "api deployed" in town.tool_log(), 120)
    town.settle(120)
    assert town.tool_log() == [f"{name} {deed}" for name in ("network", "db", "api") for deed in ("begins", "deployed")]
    assert "Deployed 3 environments" in pull.newest()
    assert len(pull.ours()) == 2


def test_jobs_that_end_while_no_server_is_there_are_heard_when_one_is(make_outside: Callable[..., OutsideTown]) -> None:
    town = make_outside()
    pull = town.pull(town.environments(network="n2"))
    town.settle()
    town.hold("network")
    pull.comment("/deploy")
    town.wait_for(lambda: town.tool_log() == ["network begins"], 60)
    town.kill()
    town.let_go("network")
    town.wait_for(lambda: town.tool_log()[-1] == "network deployed", 60)
    time.sleep(1.0)
    town.start_server()
    town.wait_for(lambda: "api deployed" in town.tool_log(), 120)
    town.settle(120)
    assert town.tool_log().count("network begins") == 1
    assert "Deployed 3 environments" in pull.newest()


def test_replicas_on_postgresql_share_the_work_and_survive_each_other(
    make_outside: Callable[..., OutsideTown],
    postgres: Callable[..., str],  # noqa: F811
    migrated_postgres: str,  # noqa: F811
) -> None:
    town = make_outside(postgres(migrated_postgres), roles=("web", "worker", "worker"))
    pull = town.pull(town.environments(network="n2"))
    town.wait_for(lambda: bool(pull.ours()) and "Planning" not in pull.plan(), 60)
    pull.comment("/deploy")
    for _ in range(3):
        time.sleep(1.0)
        town.kill("worker")
        town.start_one("worker")
    town.wait_for(lambda: "api deployed" in town.tool_log(), 120)
    town.settle(120)
    assert town.tool_log() == [f"{name} {deed}" for name in ("network", "db", "api") for deed in ("begins", "deployed")]
    assert len(pull.ours()) == 2


def test_a_machine_with_a_state_folder_of_its_own_goes_on_with_what_another_has_begun(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    shop.hold("network")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    shop.stop_server()
    before, elsewhere = shop.settings, shop.folder / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    shutil.copy(before.state / "key", elsewhere / "key")
    shop.settings = before.model_copy(update={"state": elsewhere, "database_url": SecretStr(before.database)})
    shop.start_server()  # as a second worker, which has fetched nothing of all this
    shop.let_go("network")
    shop.settle()
    assert shop.tool_log() == [f"{name} {deed}" for name in ("network", "db", "api") for deed in ("begins", "deployed")]
    assert "Deployed 3 environments" in pull.newest()


def test_a_token_that_ends_early_is_replaced_for_git_too(shop: Town) -> None:
    shop.github.faults.expire_token(r"/shop\.git/info/refs")
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle(20)
    assert pull.plan().startswith("### 3 environments")


def test_what_was_asked_for_before_the_app_was_suspended_is_done_when_it_may_again(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    there = shop.github.world
    (installation,) = there.installations.values()
    shop.workers.stop(10)
    comment = pull.comment("/deploy")
    there.suspend(installation, there.user("olga"))
    shop.github.settle()
    shop.workers = Workers(shop.server)
    shop.workers.start()
    shop.wait_for(lambda: "commands" in shop.tried_again())
    there.suspend(installation, there.user("olga"), suspended=False)
    shop.settle()
    assert pull.reactions(comment) == ["eyes"]
    assert "Deployed 3 environments" in pull.newest()
