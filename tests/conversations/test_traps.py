"""The traps that others of this field fell into, T1 to T24, each by name: what happens here instead.

Those about state are told on PostgreSQL as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from inline_snapshot import snapshot

from bot.decide.facts import Limits
from bot.decide.reconcile import Dispatch, Move, reconcile
from bot.decide.transitions import Code, TaskState
from tests.bot.decide.making import a_task, facts_of
from tests.conversations.conftest import on_both
from tests.conversations.merged import begin, check_at, headline, rows
from tests.conversations.outside import OutsideTown
from tests.conversations.seeing import notice
from tests.conversations.town import Town, shown
from tests.conversations.workflows import workflow
from tests.github.world import requests as asking
from tests.github.world.pushing import move
from tests.github.world.repository import Protection

ON_MERGE = "triggers: {deployOnMerge: true}"


def deploy_jobs(town: Town, alias: str) -> int:
    """How many jobs GitHub was asked to run for deploys of an environment."""
    jobs = [job for run in town.repository.runs.values() for job in run.current()]
    return sum(job.name == f"deploy {alias}" for job in jobs)


def test_t1_a_diamond_runs_its_end_once(town: Town) -> None:
    files = town.environments(left="1", right="1", top="1")
    town.setup({"headwater.yml": workflow({"left": "", "right": "", "top": "left right"}, top=ON_MERGE), **files})
    pull = town.pull(town.environments(left="2", right="2"))
    town.settle()
    town.hold("left")
    town.hold("right")
    pull.merge()
    town.wait_for(lambda: sorted(town.tool_log()) == ["left begins", "right begins"])
    town.let_go("left")
    town.let_go("right")
    town.settle()
    assert town.tool_log()[4:] == ["top begins", "top deployed"]
    assert deploy_jobs(town, "top") == 1


def test_t2_a_failed_upstream_stops_its_grandchildren(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    shop.break_("network")
    pull.merge()
    shop.settle()
    assert shop.tool_log() == ["network begins", "network broke"]
    assert rows(pull.newest()) == [
        "`network` ✗ **failed** +1", "`db` ⊘ blocked by `network` +1", "`api` ⊘ blocked by `network`",
    ]  # fmt: skip


def test_t3_a_retry_of_the_upstream_goes_on_downstream(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    shop.break_("network")
    pull.merge()
    shop.settle()
    shop.mend("network")
    pull.say("/retry", by="bob")
    assert shop.tool_log()[2:] == [
        "network begins", "network deployed", "db begins", "db deployed", "api begins", "api deployed",
    ]  # fmt: skip


@on_both
def test_t4_no_state_of_a_check_is_lost_when_many_change_at_once(town: Town) -> None:
    """Two workflows end at the same moment, and answers of GitHub get lost on the way."""
    one = workflow({"a": "", "b": ""}, name="one", top=ON_MERGE)
    two = workflow({"c": "", "d": ""}, name="two", top=ON_MERGE)
    files = town.environments(a="1", b="1", c="1", d="1")
    town.setup({"one/headwater.yml": one, "two/headwater.yml": two, **files})
    pull = town.pull(town.environments(a="2", b="2", c="2", d="2"))
    town.settle()
    town.github.faults.lose_answer("/check-runs", times=4)
    pull.say("/deploy")
    town.github.faults.mend()
    assert pull.checks() == {
        "headwater deploy: one": "success", "headwater deploy: two": "success", "headwater plan": "success",
        "headwater plan: one": "success", "headwater plan: two": "success",
    }  # fmt: skip


@on_both
def test_t5_a_deploy_counts_as_done_only_when_all_of_it_is(shop: Town) -> None:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    shop.hold("api")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log()[-1:] == ["api begins"])
    shop.wait_for(lambda: pull.checks()["headwater deploy: shop"] != "neutral")
    assert pull.checks()["headwater deploy: shop"] == "in_progress"
    shop.let_go("api")
    shop.settle()
    assert pull.checks()["headwater deploy: shop"] == "success"


def test_t6_a_plan_of_what_the_pull_request_changes_no_more_is_not_deployed(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(db="d1", network="n1"))
    shop.settle()
    pull.push(shop.environments(db="d0"))  # db is as it was
    shop.settle()
    pull.say("/deploy --only db")
    assert "`db`" in pull.newest()
    pull.say("/deploy network --only")
    assert shop.tool_log() == ["network begins", "network deployed"]


def test_t7_all_missing_upstreams_are_told_and_not_the_first_alone(shop: Town) -> None:
    pull = shop.pull(shop.environments(api="a2"))
    shop.settle()
    answer = pull.say("/deploy api --only")
    assert "`network`" in answer.replace("'", "`"), answer
    assert "`db`" in answer.replace("'", "`"), answer
    assert shop.tool_log() == []


def test_t8_a_need_that_is_written_twice_is_a_warning(town: Town) -> None:
    files = town.environments(a="1", b="1")
    town.setup({"headwater.yml": workflow({"a": "", "b": "a a"}), **files})
    pull = town.pull(town.environments(a="2"))
    town.settle()
    assert pull.checks()["headwater plan"] == "success"
    assert rows(pull.plan()) == ["`a` +1 `a/wanted` script", "`b` +1 downstream of `a` script"]
    assert "IMPORTANT" not in pull.plan()
    pull.push({"headwater.yml": workflow({"a": "", "b": "a a a"})})
    town.settle()
    assert notice(pull.plan()) == snapshot("""\
> - headwater.yml:\u200b7:\u200b16: warning: 'b' needs 'a' twice (first in line 7): take one out
> - headwater.yml:\u200b7:\u200b19: warning: 'b' needs 'a' twice (first in line 7): take one out\
""")
    assert pull.checks()["headwater plan"] == "success"


def test_t9_a_changed_leaf_affects_itself_and_what_is_downstream_alone(town: Town) -> None:
    files = town.environments(a="1", b="1", c="1", d="1")
    town.setup({"headwater.yml": workflow({"a": "", "b": "a", "c": "b", "d": "a"}), **files})
    pull = town.pull(town.environments(b="2"))
    town.settle()
    assert [row.split()[0] for row in rows(pull.plan())] == ["`b`", "`c`"]


def test_t10_what_the_base_branch_got_since_is_not_the_pull_requests(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(api="a1"))
    shop.settle()
    shop.commit(shop.environments(network="n1"), "Meanwhile")
    shop.settle()
    pull.push({"README.md": "# Still only the api\n"})
    shop.settle()
    assert [row.split()[0] for row in rows(pull.plan())] == ["`api`"]


def test_t11_a_change_of_thousands_of_files_is_seen_whole(shop: Town) -> None:
    """GitHub's own comparison ends at 300 files, and a pull request's list at 3,000."""
    many = {f"assets/{number}.txt": "x\n" for number in range(3_200)}
    pull = shop.pull({**many, **shop.environments(network="n2")})
    shop.settle()
    assert [row.split()[0] for row in rows(pull.plan())] == ["`network`", "`db`", "`api`"]


def test_t12_both_sides_of_a_rename_count(shop: Town) -> None:
    shop.commit({"network/shared.txt": "the same words\n" * 20}, "Something to move")
    begin(shop)
    pull = shop.pull({"network/shared.txt": None, "api/shared.txt": "the same words\n" * 20})
    shop.settle()
    assert [row.split()[0] for row in rows(pull.plan())] == ["`network`", "`db`", "`api`"]


@on_both
def test_t13_each_environment_counts_from_what_is_really_deployed_of_it(shop: Town) -> None:
    """Several commits, a squash, a rebase, a failure and a direct push: each time only what differs is deployed."""
    begin(shop)
    squashed, rebased = (
        shop.pull(shop.environments(api="a1"), title="A"),
        shop.pull(shop.environments(db="d1"), title="B"),
    )
    squashed.push({"api/more": "1\n"})
    rebased.push({"db/more": "1\n"})
    shop.settle()
    shop.break_("db")
    squashed.merge(method="squash")
    shop.settle()
    rebased.merge(method="rebase")
    shop.settle()
    assert shop.tool_log() == ["api begins", "api deployed", "db begins", "db broke"]
    shop.mend("db")
    shop.commit({"README.md": "# One\n"}, "One")
    shop.commit({"README.md": "# Two\n"}, "Two")
    shop.settle()
    assert shop.tool_log()[4:] == ["db begins", "db deployed"]
    shop.commit({"README.md": "# Three\n"}, "Three")
    shop.settle()
    assert shop.tool_log()[6:] == []


LOUD_PLAN = """#!/bin/sh
i=0; while [ $i -lt 6000 ]; do echo '+ ``` 🚀 </details> <!-- headwater plan 1 --> @olga ~~~~'; i=$((i+1)); done
echo 'Plan: 1 to add, 0 to change, 0 to destroy.'
exit 2
"""


def test_t14_a_comment_is_never_cut_within_a_fence_a_sign_or_a_fold(shop: Town) -> None:
    pull = shop.pull({f"{name}/plan": ("100755", LOUD_PLAN) for name in ("network", "db")})
    shop.settle()
    body = pull.ours()[0].body
    assert len(body) <= 65_536
    assert len(body.encode("utf-16-le")) // 2 <= 65_536
    fences = [line for line in body.splitlines() if re.match(r"`{4,}", line)]
    assert len(fences) % 2 == 0
    outside = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", body)
    assert outside.count("<details") == outside.count("</details>") == 2
    assert "@olga" not in outside
    assert pull.checks()["headwater plan: shop"] == "success"


ODD = """name: odd
triggers: {deployOnMerge: true}
environments:
  "my db/ü 🚀":
    vcs: {type: script, path: network}
  "$(touch /tmp/pwned); `x`":
    vcs: {type: script, path: db}
    needs: ["my db/ü 🚀"]
"""


def test_t15_any_text_is_a_name_and_none_is_code(town: Town) -> None:
    town.setup({"headwater.yml": ODD, **town.environments(network="1", db="1")})
    pull = town.pull(town.environments(network="2"))
    town.settle()
    answer = pull.say('/deploy "my db/ü 🚀" --only')
    assert headline(answer) == "### Deployed `my db/ü 🚀`"
    pull.merge()
    town.settle()
    assert town.tool_log() == ["network begins", "network deployed", "db begins", "db deployed"]
    clash = town.pull({"headwater.yml": workflow({"network": "", "Network": ""})})
    town.settle()
    assert "problem" in headline(clash.plan())


@on_both
def test_t16_webhooks_twice_and_out_of_order(shop: Town) -> None:
    begin(shop)
    shop.github.hooks.hold()
    pull = shop.pull(shop.environments(db="d1"))
    pull.push(shop.environments(db="d2"))
    last = pull.push(shop.environments(db="d3"))
    held = shop.github.hooks.release(lambda deliveries: [*reversed(deliveries), *deliveries])
    shop.settle()
    assert len(pull.ours()) == 1
    assert last[:7] in pull.ours()[0].body
    pull.comment("/deploy")
    shop.settle()
    for one in [*held, *shop.github.hooks.log[-40:]]:
        shop.github.hooks.redeliver(one)
    shop.settle()
    assert shop.tool_log() == ["db begins", "db deployed"]
    assert len(pull.ours()) == 2


def test_t17_only_a_new_line_of_a_person_is_a_command(shop: Town) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(db="d1"))
    shop.settle()
    world, repository = shop.github.world, shop.repository
    edited = pull.comment("Looks good to me")
    asking.edit_comment(world, repository, edited, world.user("ada"), "/deploy")
    for text in ("> /deploy", "```\n/deploy\n```", "    /deploy", "`/deploy`", "<!--\n/deploy\n-->", "please /deploy"):
        pull.comment(text)
    asking.comment(world, repository, pull.number, shop.app.bot, "/deploy", app=shop.app.id)
    shop.settle()
    assert len(pull.ours()) == 2  # the plan, and what was written here in the bot's name
    assert shop.tool_log() == []


def test_t18_merged_pull_requests_never_wait_for_each_other_in_a_circle(town: Town) -> None:
    """Each holds what the other one changes too; both are merged in a moment."""
    files = town.environments(a="1", b="1")
    town.setup({"headwater.yml": workflow({"a": "", "b": ""}, top=ON_MERGE), **files})
    one = town.pull({**town.environments(a="2"), "b/one": "1\n"}, title="A")
    two = town.pull({**town.environments(b="2"), "a/two": "1\n"}, title="B")
    town.settle()
    one.say("/deploy a --only")
    two.say("/deploy b --only")
    one.merge()
    two.merge()
    town.settle()
    assert sorted(town.tool_log()) == ["a begins", "a deployed", "b begins", "b deployed"]
    assert "locked" not in "".join(shown(comment.body) for comment in (*one.ours(), *two.ours()))
    assert not [task for task in town.tasks() if "blocked" in task]


@on_both
def test_t19_what_is_deployed_is_the_commit_that_was_read(shop: Town) -> None:
    """Pushed by force while the jobs run: they go on with what they were given, and the next command is refused."""
    begin(shop)
    pull = shop.pull(shop.environments(network="n1", db="d1"))
    shop.settle()
    shop.hold("network")
    pull.comment("/deploy", by="bob")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    shop.github.hooks.hold()
    read = pull.head
    evil = shop.commit(shop.environments(db="evil"), branch="elsewhere", start=shop.repository.git.branch("main"))
    move(shop.github.world, shop.repository, f"refs/heads/{pull.pull.head_branch}", evil, shop.github.world.user("ada"))
    assert pull.head == evil
    assert not shop.repository.git.contains(evil, read)
    pull.comment("/deploy", by="bob")
    shop.github.hooks.release()
    shop.let_go("network")
    shop.settle()
    assert (shop.tools / "db").read_text() == "d1\n"
    assert headline(pull.newest()) == "### Not deployed"


def test_t20_our_own_required_check_keeps_nobody_from_deploying(shop: Town) -> None:
    begin(shop)
    shop.repository.protections["main"] = Protection(required_checks=("headwater deploy: shop",))
    pull = shop.pull(shop.environments(db="d1"))
    shop.settle()
    shop.break_("db")
    pull.say("/deploy")
    assert pull.checks()["headwater deploy: shop"] == "failure"
    shop.mend("db")
    pull.say("/deploy")
    assert pull.checks()["headwater deploy: shop"] == "success"
    pull.merge()


def test_t21_the_number_of_series_does_not_grow_with_use(shop: Town) -> None:
    few = {"status", "result", "outcome"}  # of a handful of values each, not all of which come up every time

    def series() -> set[str]:
        samples = [sample for one in shop.server.metrics.registry.collect() for sample in one.samples]
        return {f"{one.name}{sorted(pair for pair in one.labels.items() if pair[0] not in few)}" for one in samples}

    def one_more(wanted: str) -> None:
        pull = shop.pull(shop.environments(network=wanted))
        shop.settle()
        pull.say("/deploy")
        pull.merge()
        shop.settle()

    one_more("n2")
    before = series()
    one_more("n3")
    assert series() - before == set()


@pytest.mark.parametrize("status", [403, 429])
def test_t22_a_rate_limit_loses_no_update(shop: Town, status: int) -> None:
    begin(shop)
    pull = shop.pull(shop.environments(db="d1"))
    shop.settle()
    shop.github.faults.retry_after("/issues/|/check-runs", seconds=1, status=status, times=4)
    pull.merge()
    shop.settle()
    assert headline(pull.newest()) == "### Deployed `db`, 1 without changes"
    assert pull.pull.merge_commit is not None
    assert check_at(shop, pull.pull.merge_commit).startswith("success: Deployed db")


@on_both
def test_t23_a_crash_between_the_dispatch_and_its_record_starts_nothing_twice(
    make_outside: Callable[..., OutsideTown], store: str | None
) -> None:
    shop = make_outside(store)
    begin(shop)
    pull = shop.pull(shop.environments(db="d1"))
    shop.settle()
    lost = shop.github.faults.lose_answer("/dispatches", method="POST", seconds=20.0)
    pull.merge()
    shop.wait_for(lambda: bool(lost.met))
    shop.kill()
    shop.start_server()
    shop.settle(120)
    assert shop.tool_log() == ["db begins", "db deployed"]
    assert headline(pull.newest()) == "### Deployed `db`, 1 without changes"


@pytest.mark.parametrize("jobs", [1, 2, 50])
def test_t24_fail_fast_means_the_same_however_many_run_at_once(jobs: int) -> None:
    waiting = [a_task(TaskState.READY, id=number, alias=f"e{number}") for number in range(5)]
    going_on = reconcile(facts_of(*waiting, free_jobs=jobs))
    assert [len(one.tasks) for one in going_on if isinstance(one, Dispatch)] == [min(jobs, 5)]
    stopped = reconcile(facts_of(*waiting, free_jobs=jobs, failed=1, fail_fast=True, limits=Limits()))
    assert [(one.task, one.code) for one in stopped if isinstance(one, Move)] == [(n, Code.FAIL_FAST) for n in range(5)]
    assert not [one for one in stopped if isinstance(one, Dispatch)]
