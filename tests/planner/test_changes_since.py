"""What is changed since each environment was last deployed (trap T13)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from planner.changes import AffectedWorkflow, Base, DeployedFacts, affected_since
from planner.index import cache_folder, index_at
from planner.indexing.cache import Cache
from planner.problems import PlannerError
from planner.question import own_revisions
from planner.repository import Repository
from tests.planner.git_world import GitWorld, shop, workflow


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return shop(tmp_path / "repo")


def since(
    world: GitWorld,
    *deployed: DeployedFacts,
    sources: Mapping[tuple[str, str], str] | None = None,
    everything: bool = False,
    without: str = "",
) -> tuple[AffectedWorkflow, ...]:
    """What is affected at HEAD since these deploys."""
    with Repository(world.folder) as repository:
        cache = Cache(cache_folder(repository))
        head = repository.described("HEAD")
        now = index_at(repository, head, cache)
        bases = {}
        for commit in {one.commit for one in deployed if one.commit and one.commit != without}:
            then = repository.described(commit)
            snapshot = index_at(repository, then, cache, now).snapshot
            bases[commit] = Base(snapshot, repository.changed_paths(then.tree, head.tree))
        return affected_since(now.snapshot, deployed, bases, sources, everything=everything)


def told(found: tuple[AffectedWorkflow, ...]) -> dict[str, list[str]]:
    return {
        one.alias: [f"{reason.code.value} {reason.detail}" for reason in one.reasons]
        for each in found
        for one in each.environments
    }


def at(commit: str | None, *aliases: str, **more: object) -> list[DeployedFacts]:
    return [DeployedFacts("headwater.yml", alias, commit, **more) for alias in aliases]  # type: ignore[arg-type]


def test_t13_every_environment_counts_from_its_own_last_deploy(world: GitWorld) -> None:
    first = world.git("rev-parse", "HEAD")
    second = world.commit(files={"envs/db/main.tf": "# 2\n"})
    world.commit(files={"envs/app2/main.tf": "# 3\n"})
    world.commit(files={"README.md": "4"})
    found = since(world, *at(second, "vpc", "app", "app2"), *at(first, "db"))
    assert told(found) == {
        "db": ["file-changed envs/db/main.tf"],
        "app2": ["file-changed envs/app2/main.tf"],
        "app": ["upstream-affected db"],
    }


def test_t13_a_squash_or_rebase_compares_trees_and_not_history(world: GitWorld) -> None:
    deployed = world.git("rev-parse", "HEAD")
    world.git("checkout", "-q", "--orphan", "fresh")
    world.commit(files={"envs/app/main.tf": "# rewritten\n"})
    assert list(told(since(world, *at(deployed, "vpc", "db", "app", "app2")))) == ["app"]


def test_nothing_deployed_is_never_deployed(world: GitWorld) -> None:
    found = told(since(world))
    assert list(found) == ["vpc", "db", "app2", "app"]
    assert {reason for reasons in found.values() for reason in reasons} == {"never-deployed it was never deployed"}


def test_a_failed_deploy_and_a_moved_upstream_affect_without_any_change(world: GitWorld) -> None:
    head = world.git("rev-parse", "HEAD")
    found = since(
        world,
        *at(head, "vpc"),
        *at(head, "db", unfinished=True),
        *at(head, "app"),
        *at(head, "app2", upstream_moved=("vpc",)),
    )
    assert told(found) == {
        "db": ["unfinished its last deploy did not finish"],
        "app2": ["upstream-moved vpc"],
        "app": ["upstream-affected db"],
    }
    assert told(since(world, *at(head, "vpc", "db", "app", "app2"))) == {}


def test_one_that_failed_on_its_first_deploy_says_both(world: GitWorld) -> None:
    head = world.git("rev-parse", "HEAD")
    found = told(since(world, *at(head, "vpc", "db", "app"), *at(None, "app2", unfinished=True)))
    assert found == {"app2": ["never-deployed it was never deployed", "unfinished its last deploy did not finish"]}


def test_a_revision_that_moved_changes_what_is_pinned_to_it(world: GitWorld) -> None:
    head = world.commit(files={"headwater.yml": workflow(vpc=[], db=["vpc"]) + "    revision: v1\n"})
    facts = [*at(head, "vpc"), *at(head, "db", source_commit="a" * 40)]
    assert told(since(world, *facts, sources={("", "v1"): "a" * 40})) == {}
    moved = told(since(world, *facts, sources={("", "v1"): "b" * 40}))
    assert moved == {"db": ["revision-moved v1 is bbbbbbbbbbbb, was aaaaaaaaaaaa"]}


def test_a_branch_that_an_environment_is_read_at_moves_on(world: GitWorld) -> None:
    world.git("branch", "stable")
    was = world.git("rev-parse", "stable")
    world.commit(files={"headwater.yml": workflow(vpc=[], db=["vpc"]) + "    revision: stable\n"})
    now = world.git("rev-parse", "HEAD")
    world.git("branch", "-f", "stable", "HEAD")
    with Repository(world.folder) as repository:
        snapshot = index_at(repository, repository.described("HEAD"), Cache(None)).snapshot
        sources = own_revisions(repository, snapshot)
    assert sources == {("", "stable"): now}
    found = told(since(world, *at(now, "vpc"), *at(now, "db", source_commit=was), sources=sources))
    assert found == {"db": [f"revision-moved stable is {now[:12]}, was {was[:12]}"]}


def test_what_was_deployed_and_is_gone_is_removed_but_a_move_is_not(world: GitWorld) -> None:
    deployed = world.git("rev-parse", "HEAD")
    text = workflow(vpc=[], database=["vpc"], app=["database"]).replace("envs/database", "envs/db")
    world.commit(files={"headwater.yml": text, "README.md": "x"})
    (found,) = since(world, *at(deployed, "vpc", "db", "app", "app2"))
    assert told((found,)) == {"database": ["moved from db"], "app": ["upstream-affected database"]}
    assert [one.alias for one in found.removed] == ["app2"]


def test_what_was_never_deployed_is_not_removed(world: GitWorld) -> None:
    head = world.commit(files={"headwater.yml": workflow(vpc=[])})
    assert since(world, *at(head, "vpc"), *at(None, "app2")) == ()


def test_a_deployed_commit_that_is_not_here_is_refused(world: GitWorld) -> None:
    head = world.git("rev-parse", "HEAD")
    with pytest.raises(PlannerError, match=r"'db' was last deployed at .*git fetch"):
        since(world, *at(head, "db"), without=head)


def test_everything_lists_the_unaffected_as_well(world: GitWorld) -> None:
    head = world.git("rev-parse", "HEAD")
    (found,) = since(world, *at(head, "vpc", "db", "app", "app2"), everything=True)
    assert [(one.alias, one.changed, one.affected, one.wave) for one in found.environments] == [
        ("vpc", False, False, 0),
        ("db", False, False, 1),
        ("app2", False, False, 1),
        ("app", False, False, 2),
    ]
