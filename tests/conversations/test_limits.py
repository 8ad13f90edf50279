"""When requests to GitHub become few: commands and deploys go on, the rest waits, and nothing is lost."""

from __future__ import annotations

import re
import time
import uuid

from sqlalchemy import select

from bot.store import work as work_rows
from bot.store.hosted_tables import work
from bot.working.sweeping import sweep
from tests.bot.test_metrics import values
from tests.conversations.town import Town


def hour_is_over(town: Town) -> None:
    """The hour of GitHub's limits ends, there and by our clock; what waited for it is due."""
    town.github.limits.renew()
    town.passed += 3600
    with town.server.database.writing() as connection:
        connection.execute(work.update().where(work.c.kind != "sweep").values(due_at=time.time()))
    town.server.wake()


def waits(town: Town) -> dict[str, str]:
    """What waits, by kind, with the reason."""
    with town.server.database.reading() as connection:
        return {row.kind: row.error for row in connection.execute(select(work.c.kind, work.c.error))}


def test_commands_go_through_while_plans_sweeps_and_edits_wait_and_the_last_edit_is_right(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    shop.github.limits.leave(240)  # less than the twentieth that plans leave to commands
    pull.comment("/deploy")
    shop.wait_for(lambda: "api deployed" in shop.tool_log(), 60)
    late = shop.pull(shop.environments(db="d2"), by="bob")
    with shop.server.database.writing() as connection:
        work_rows.request(connection, "sweep", "all", time.time(), time.time())
    shop.server.wake()
    shop.wait_for(lambda: all("held back" in waits(shop).get(kind, "") for kind in ("pull", "publish")), 60)
    assert late.ours() == []
    assert "Deployed 3 environments" not in pull.newest()  # it was answered, and is brought up to date later
    told = {one.payer: one for one in shop.server.github.limits.numbers()}
    assert sum(one.limited for one in told.values()) == 0  # GitHub refused nothing: it was held back here
    assert sum(one.held for one in told.values()) > 0
    hour_is_over(shop)
    shop.settle()
    assert "Deployed 3 environments" in pull.newest()
    assert len(pull.ours()) == 2
    assert "1 to change" in late.plan()
    counted = values(shop.server.metrics)
    assert counted["headwater_github_calls_held_total"] > 0
    assert counted['headwater_tasks_finished{result="succeeded",tool="script"}'] > 3
    assert shop.tool_log() == [f"{name} {deed}" for name in ("network", "db", "api") for deed in ("begins", "deployed")]


def test_what_github_refuses_by_either_limit_is_done_later_and_once(shop: Town) -> None:
    shop.github.faults.retry_after(r"/comments", seconds=2, method="POST")
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    assert "1 to change" in pull.plan() or "environments" in pull.plan()
    shop.github.limits.leave(0)
    pull.comment("/deploy")
    shop.wait_for(lambda: bool(re.search("limit", waits(shop).get("commands", ""))), 60)
    assert shop.tool_log() == []
    hour_is_over(shop)
    shop.settle()
    assert "Deployed 3 environments" in pull.newest()
    assert len(pull.ours()) == 2
    assert shop.tool_log() == [f"{name} {deed}" for name in ("network", "db", "api") for deed in ("begins", "deployed")]


def test_a_sweep_reads_of_githubs_log_only_what_is_new(shop: Town) -> None:
    """A busy team's log of three days is hundreds of pages."""
    shop.settle()
    (first, *_) = shop.github.hooks.log
    for _ in range(250):
        shop.github.hooks.repeat(first, str(uuid.uuid4()))
    shop.settle()
    assert _pages_of_a_sweep(shop) >= 3
    shop.github.world.clock.move(3600)
    for _ in range(5):
        shop.github.hooks.repeat(first, str(uuid.uuid4()))
    shop.settle()
    assert _pages_of_a_sweep(shop) >= 3  # with what came shortly before the last one it read: that may be listed late
    shop.github.world.clock.move(3600)
    shop.github.hooks.plan = lambda one: shop.github.hooks.fail(one) or []
    pull = shop.pull(shop.environments(network="n2"))
    shop.github.faults.mend()
    assert _pages_of_a_sweep(shop) == 1
    shop.settle()
    assert "1 to change" in pull.plan() or "environments" in pull.plan()


def _pages_of_a_sweep(shop: Town) -> int:
    before = len(shop.github.rest.calls)
    sweep(shop.server, "all")
    return sum("/hook/deliveries" in path and method == "GET" for method, path, _ in shop.github.rest.calls[before:])
