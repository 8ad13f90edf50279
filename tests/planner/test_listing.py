"""Environments in short: the same as the whole definitions say, whether kept or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.graph import Graph
from planner.index import cache_folder, definitions_at
from planner.indexing.cache import Cache
from planner.listing import LISTING, listed, listing_at
from planner.problems import DefinitionError
from planner.repository import Repository
from tests.planner.git_world import GitWorld

TEXT = """
name: Shop
environments:
  late: {vcs: {type: terraform, path: envs/late}, needs: [Early, "é \\U0001F600"], workspace: "w-${W}"}
  Early: {vcs: {type: script, path: envs/early}, requiresApproval: true, disabled: "${OFF}", movedFrom: Before}
  "é \\U0001F600": {vcs: {type: opentofu, path: envs/late}, needs: [Early], disabled: true, workspace: two}
variables: {W: a, OFF: "false"}
"""


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    made = GitWorld(tmp_path / "repository")
    made.put({"headwater.yml": TEXT, "b/headwater.yml": "environments: {}\n"})
    made.commit(files={"envs/late/main.tf": "", "envs/early/plan": ""})
    return made


def test_what_is_kept_is_what_the_definitions_say(world: GitWorld) -> None:
    with Repository(world.folder) as repository:
        workflows = definitions_at(repository, "HEAD").require().workflows
        whole = tuple(listed(one) for one in workflows)
        assert [listing_at(repository, "HEAD", cache_folder(repository)) for _ in range(2)] == [whole, whole]
        assert listing_at(repository, "HEAD") == whole
    shop = next(one for one in whole if one.name == "Shop")
    assert [one.alias for one in shop.environments] == ["late", "Early", "é 😀"]
    graph = Graph.of(next(one for one in workflows if one.name == "Shop"))
    assert tuple(one.alias for one in shop.in_order) == graph.order
    late, early, third = shop.environments
    assert (late.workspace, late.wave, late.needs) == ("w-${W}", 2, ("Early", "é 😀"))
    assert (early.key, early.tool, early.disabled, early.moved_from) == ("early", "script", "${OFF}", "Before")
    assert (early.requires_approval, third.disabled, third.workspace) == (True, True, "two")


def test_errors_are_told_and_nothing_is_kept_of_them(world: GitWorld) -> None:
    world.commit(files={"headwater.yml": TEXT.replace("[Early]", "[Earli]")})
    with Repository(world.folder) as repository:
        for _ in range(2):
            with pytest.raises(DefinitionError, match="did you mean 'Early'"):
                listing_at(repository, "HEAD", cache_folder(repository))


def test_other_remotes_are_another_listing(world: GitWorld) -> None:
    text = TEXT.replace("path: envs/early}", "path: envs/early, repository: https://github.com/o/r}")
    world.git("remote", "add", "origin", "https://github.com/o/r")
    world.commit(files={"headwater.yml": text})
    with Repository(world.folder) as repository:
        assert len(listing_at(repository, "HEAD", cache_folder(repository))) == 2
    world.git("remote", "set-url", "origin", "https://github.com/o/other")
    with Repository(world.folder) as repository, pytest.raises(DefinitionError, match="another repository"):
        listing_at(repository, "HEAD", cache_folder(repository))


@pytest.mark.parametrize("value", [None, 7, ("a",), (("x",), []), ((), [], 3)])
def test_a_value_of_another_shape_is_made_anew(world: GitWorld, value: object) -> None:
    with Repository(world.folder) as repository:
        folder = cache_folder(repository)
        whole = listing_at(repository, "HEAD", folder)
        Cache(folder).save(LISTING + repository.described("HEAD").tree, value)
        assert listing_at(repository, "HEAD", folder) == whole
