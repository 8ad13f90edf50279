"""Something is merged while open pull requests hold environments: theirs is left alone, and nothing is forgotten."""

from __future__ import annotations

import pytest

from bot.working.sweeping import sweep
from tests.conversations.conftest import SHOP, on_both
from tests.conversations.merged import begin, deployed, headline
from tests.conversations.town import Conversation, Town, shown
from tests.conversations.workflows import workflow
from tests.github.world import pushing

ON_MERGE = "triggers: {deployOnMerge: true}"
DESTROY = "settings: {environmentRemovalStrategy: destroy}\n"
CACHE = "  cache:\n    vcs: {type: script, path: cache}\n"


def making_cache(shop: Town, cache: str = CACHE) -> Conversation:
    """A pull request that adds an environment, where what leaves the file is destroyed."""
    deployed(shop, DESTROY + SHOP, network="n0", db="d0", api="a0")
    pull = shop.pull({"headwater.yml": DESTROY + SHOP + cache, **shop.environments(cache="c1")})
    shop.settle()
    return pull


def holding_db(shop: Town) -> Conversation:
    """A pull request that has deployed another `db` than the default branch has."""
    begin(shop)
    holder = shop.pull(shop.environments(db="d1"), by="bob", title="Holds")
    shop.settle()
    holder.say("/deploy")
    return holder


def merged_behind_the_holder(shop: Town) -> tuple[Conversation, Conversation]:
    """Who holds `db`, and a pull request merged since that changes it."""
    holder = holding_db(shop)
    pull = shop.pull(shop.environments(db="d2"))
    shop.settle()
    pull.merge()
    shop.settle()
    return holder, pull


def taking_cache_from_a_held_api(town: Town) -> tuple[Conversation, Conversation]:
    """Who holds `api`, and a pull request that changes it and takes out what it needed, which is then destroyed."""
    deployed(town, DESTROY + workflow({"cache": "", "api": "cache"}, top=ON_MERGE), cache="0", api="0")
    holder = town.pull(town.environments(api="h"), by="bob")
    town.settle()
    holder.say("/deploy api")
    pull = town.pull({"headwater.yml": DESTROY + workflow({"api": ""}, top=ON_MERGE), **town.environments(api="2")})
    town.settle()
    return holder, pull


def swept(town: Town) -> None:
    """Look at all branches once more."""
    sweep(town.server, "all")
    town.settle()


def test_what_an_open_pull_request_renames_and_lays_elsewhere_is_held_under_its_old_name(town: Town) -> None:
    deployed(town, workflow({"db": ""}, top=ON_MERGE), db="0")
    moved = workflow({"database": ""}, top=ON_MERGE, more={"database": "movedFrom: db"})
    holder = town.pull({"headwater.yml": moved, **town.environments(database="1")}, by="bob")
    town.settle()
    holder.say("/deploy")
    (town.tools / "log").unlink(missing_ok=True)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    assert "Waits for" in pull.say("/deploy")
    pull.merge()
    town.settle()
    assert "locked by" in pull.newest()
    assert town.tool_log() == []
    holder.merge()
    town.settle()
    swept(town)
    assert "`db` is now `database`: its state and history went along." in holder.newest()
    assert town.tasks()[-1] == "7 database deploy succeeded no-changes"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_an_open_pull_request_renames_keeps_that_name_while_others_are_merged(town: Town, elsewhere: bool) -> None:
    deployed(town, workflow({"db": "", "cdn": ""}, top=ON_MERGE), db="0", cdn="0")
    moved = workflow({"database": "", "cdn": ""}, top=ON_MERGE, more={"database": "movedFrom: db"})
    if not elsewhere:
        moved = moved.replace("path: database", "path: db").replace("    movedFrom: db\n", "")
    holder = town.pull({"headwater.yml": moved, **town.environments(**{"database" if elsewhere else "db": "1"})})
    town.settle()
    holder.say("/deploy")
    other = town.pull({"README.md": "# Else\n"}, by="bob")
    another = town.pull(town.environments(cdn="7"), by="bob")
    town.settle()
    for pull in (other, another):
        pull.merge()
        town.settle()
    assert other.ours() == []
    assert headline(another.newest()) == "### Deployed `cdn`"
    assert "`db` | ✓\xa0deployed | [#2]" in holder.say("/status")  # as the default branch calls it
    assert town.tasks()[-1].split()[1] == "cdn"


@on_both
def test_what_waits_goes_on_though_newer_commits_are_to_be_skipped(shop: Town) -> None:
    holder, pull = merged_behind_the_holder(shop)
    assert "What is locked goes on by itself" in pull.newest()
    for text in ("# Typo\n", "# Another\n"):
        shop.commit({"README.md": text, "api/wanted": "a9"}, "Mend a typo [skip headwater]")
        shop.settle()
    (shop.tools / "log").unlink()
    holder.say("/unlock", by="bob")
    swept(shop)
    assert shop.tool_log() == ["db begins", "db deployed"]
    assert [(shop.tools / one).read_text() for one in ("db", "api")] == ["d2\n", "a0\n"]  # as it was merged
    assert headline(pull.newest()) == "### Deploy is blocked: 1 done, 1 blocked"  # `api` was changed since


@on_both
def test_what_was_deployed_from_elsewhere_and_merged_to_be_skipped_is_not_rolled_back(shop: Town) -> None:
    holder, _ = merged_behind_the_holder(shop)
    world, git = shop.github.world, shop.repository.git
    sha = git.commit(
        git.tree_with(git.branch("main"), shop.environments(db="d1")),
        (git.branch("main"), holder.head),
        "Merge the holder [skip headwater]",
        world.author(world.user("olga")),
    )
    (shop.tools / "log").unlink()
    pushing.move(world, shop.repository, "refs/heads/main", sha, world.user("olga"))
    shop.settle()
    holder.say("/unlock", by="bob")
    swept(shop)
    assert shop.tool_log() == []
    assert (shop.tools / "db").read_text() == "d1\n"


def test_a_retry_does_not_bring_back_what_was_reverted_since(town: Town) -> None:
    deployed(town, workflow({"db": ""}, top=ON_MERGE), db="0")
    pull = town.pull(town.environments(db="1"))
    town.settle()
    town.break_("db")
    pull.merge()
    town.settle()
    town.mend("db")
    revert = town.pull(town.environments(db="0"), by="bob")
    town.settle()
    revert.merge()
    town.settle()
    assert headline(pull.say("/retry", by="bob")).startswith(
        "### Nothing that was deployed or destroyed from here has failed"
    )


def test_what_was_put_back_behind_commits_to_be_skipped_is_left(shop: Town) -> None:
    holder = holding_db(shop)
    begun = shop.repository.git.branch("main")
    pull = shop.pull(shop.environments(db="d2"))
    shop.settle()
    pull.merge()
    shop.settle()
    world, git = shop.github.world, shop.repository.git
    tree = git.tree_with(begun, {"README.md": "# Without it\n"})
    sha = git.commit(tree, (begun,), "Take it back [skip headwater]", world.author(world.user("olga")))
    pushing.move(world, shop.repository, "refs/heads/main", sha, world.user("olga"))
    shop.settle()
    (shop.tools / "log").unlink()
    holder.say("/unlock", by="bob")
    swept(shop)
    assert shop.tool_log() == []


@on_both
def test_what_a_rejected_deploy_took_the_place_of_is_asked_for_again(town: Town) -> None:
    asking = workflow({"db": ""}, top=ON_MERGE, more={"db": "requiresApproval: true"})
    town.setup({"headwater.yml": asking, **town.environments(db="0")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    pull.merge()
    town.settle()
    other = town.pull(town.environments(db="3"), by="bob")
    town.settle()
    other.say("/deploy db")
    assert "superseded by deployment" in pull.newest()
    swept(town)
    assert "superseded by deployment" in pull.newest()  # it may still be approved
    other.say("/reject db")
    assert headline(pull.newest()) == "### `db` waits for approval"
    pull.say("/approve", by="bob")
    assert (town.tools / "db").read_text() == "2\n"
    swept(town)
    assert town.tool_log() == ["db begins", "db deployed"]


@on_both
def test_what_failed_is_tried_again_though_a_merge_was_held_up_by_it_since(shop: Town) -> None:
    begin(shop)
    holder = shop.pull(shop.environments(db="d1"), by="bob", title="Holds")
    shop.settle()
    shop.break_("db")
    holder.say("/deploy")
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    pull.merge()
    shop.settle()
    assert "locked by" in pull.newest()
    assert headline(pull.say("/retry")) == "### Deploy is blocked: 2 blocked"
    shop.mend("db")
    assert headline(holder.say("/retry")) == "### Deployed `db`, 1 without changes"
    assert headline(holder.say("/retry")).startswith("### Nothing that was deployed or destroyed from here has failed")


def test_what_an_approval_leaves_because_it_is_locked_is_to_be_approved_again(town: Town) -> None:
    asking = workflow({"db": "", "cdn": ""}, more={"cdn": "requiresApproval: true"})
    deployed(town, asking, db="0", cdn="0")
    pull = town.pull(town.environments(cdn="2"))
    other = town.pull(town.environments(db="3"), by="bob")
    town.settle()
    pull.say("/deploy cdn")
    pull.say("/destroy db --confirm shop")
    other.say("/deploy db")
    answer = pull.say("/approve", by="bob")
    assert "`cdn`: approved" in answer
    assert "which holds `db`: `/approve` it once that pull request is merged, restored or unlocked" in answer
    other.close()
    other.say("/unlock")
    assert "db destroyed" not in town.tool_log()
    pull.say("/approve", by="bob")
    assert town.tool_log()[-1] == "db destroyed"


def test_what_is_to_be_adopted_and_is_locked_waits(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    other = town.pull({"README.md": "# x\n"}, by="bob")
    town.settle()
    town.break_("db")
    pull.say("/deploy")
    town.drift("db", "1")
    town.mend("db")
    assert "Waits for [#1]" in other.say("/adopt db")
    pull.close()
    pull.say("/unlock")
    assert town.tasks()[-1].endswith("db adopt succeeded no-changes")


def test_what_a_closed_pull_request_had_renamed_is_restored_under_its_old_name(town: Town) -> None:
    deployed(town, workflow({"db": ""}, top=ON_MERGE), db="0")
    moved = workflow({"database": ""}, top=ON_MERGE, more={"database": "movedFrom: db"})
    holder = town.pull({"headwater.yml": moved, **town.environments(database="1")}, by="bob")
    town.settle()
    holder.say("/deploy")
    holder.close()
    town.settle()
    holder.say("/restore", by="bob")
    holder.say("/approve", by="ada")
    assert "as on the default branch, and free" in shown(holder.ours()[-2].body)
    assert (town.tools / "db").read_text() == "0\n"


@on_both
def test_what_a_pull_request_is_just_deploying_for_the_first_time_is_not_forgotten(shop: Town) -> None:
    pull = making_cache(shop)
    other = shop.pull(shop.environments(api="a2"), by="bob")
    shop.settle()
    shop.hold("cache")
    pull.comment("/deploy")
    shop.wait_for(lambda: "cache begins" in shop.tool_log())
    other.merge()
    shop.wait_for(lambda: "api deployed" in shop.tool_log())
    shop.let_go("cache")
    shop.settle()
    assert "`cache` | ✓\xa0deployed" in pull.say("/status")


def test_what_waits_for_its_first_approval_is_not_forgotten(shop: Town) -> None:
    pull = making_cache(shop, f"{CACHE}    requiresApproval: true\n")
    other = shop.pull(shop.environments(api="a2"), by="bob")
    shop.settle()
    pull.say("/deploy")
    other.merge()
    shop.settle()
    pull.say("/approve", by="bob")
    assert shop.tool_log()[-1] == "cache deployed"


def test_what_only_an_open_pull_request_has_is_not_to_be_destroyed_by_another_merge(shop: Town) -> None:
    pull = making_cache(shop)
    pull.say("/deploy")
    other = shop.pull({"README.md": "# Else\n"}, by="bob")
    shop.settle()
    other.merge()
    shop.settle()
    assert other.ours() == []
    assert "`cache` | ✓\xa0deployed" in pull.say("/status")


def test_what_waits_because_its_upstream_moved_goes_on_though_something_else_was_merged_since(shop: Town) -> None:
    holder = holding_db(shop)
    for files in (shop.environments(network="n2"), {"README.md": "# Something else\n"}):
        pull = shop.pull(files)
        shop.settle()
        pull.merge()
        shop.settle()
    number = len(shop.tasks())
    holder.say("/unlock", by="bob")
    swept(shop)
    assert [one.split()[1:3] for one in shop.tasks()[number:]] == [["db", "deploy"], ["api", "deploy"]]


def test_what_is_destroyed_after_what_was_held_goes_on_with_it(town: Town) -> None:
    holder, pull = taking_cache_from_a_held_api(town)
    (town.tools / "log").unlink()
    pull.merge()
    town.settle()
    assert town.tool_log() == []
    holder.say("/unlock", by="bob")
    pull.say("/approve", by="bob")
    swept(town)
    assert town.tool_log() == ["api begins", "api deployed", "cache destroyed"]


def test_what_was_to_be_destroyed_and_came_back_behind_a_commit_to_be_skipped_stays(town: Town) -> None:
    holder, pull = taking_cache_from_a_held_api(town)
    pull.merge()
    town.settle()
    back = DESTROY + workflow({"cache": "", "api": ""}, top=ON_MERGE)
    town.commit({"headwater.yml": back}, "Keep the cache [skip headwater]")
    town.settle()
    (town.tools / "log").unlink()
    holder.say("/unlock", by="bob")
    pull.say("/approve", by="bob")
    swept(town)
    assert town.tool_log() == ["api begins", "api deployed"]


def test_what_needs_two_goes_on_once_both_are_done_of_which_one_was_held(town: Town) -> None:
    deployed(town, workflow({"x": "", "db": "", "api": "x db"}, top=ON_MERGE), x="0", db="0", api="0")
    holder = town.pull(town.environments(db="h"), by="bob")
    town.settle()
    holder.say("/deploy db --only")
    (town.tools / "log").unlink()
    pull = town.pull(town.environments(x="2", db="2", api="2"))
    town.settle()
    town.hold("x")
    pull.merge()
    town.wait_for(lambda: "x begins" in town.tool_log())
    town.wait_for(lambda: any("db deploy blocked" in one for one in town.tasks()))
    town.hold("db")
    holder.comment("/unlock", by="bob")
    town.wait_for(lambda: "db begins" in town.tool_log())
    town.let_go("x")
    town.wait_for(lambda: any("x deploy succeeded" in one for one in town.tasks()[-4:]))
    town.let_go("db")
    town.settle()
    assert "api deployed" in town.tool_log()


def test_a_restore_frees_nothing_that_was_deployed_from_there_meanwhile(town: Town) -> None:
    deployed(town, workflow({"db": "", "cdn": ""}), db="0", cdn="0")
    pull = town.pull(town.environments(db="2", cdn="2"))
    town.settle()
    pull.say("/deploy db")
    pull.say("/restore")
    (town.tools / "log").unlink()
    town.hold("db")
    pull.comment("/approve", by="bob")
    town.wait_for(lambda: "db begins" in town.tool_log())
    pull.comment("/deploy cdn")
    town.wait_for(lambda: "cdn deployed" in town.tool_log())
    town.let_go("db")
    town.settle()
    answer = pull.say("/status")
    assert "`cdn` | ✓\xa0deployed | [#2]" in answer
    assert "`db` | ✓\xa0deployed | [#2]" not in answer
