"""The cache: quick when it is there, right when it is not, and never believed when it is not ours."""

from __future__ import annotations

import marshal
import subprocess
import sys
from pathlib import Path

import pytest

from planner import reading, workflow_files
from planner.index import cache_folder, definitions_at, definitions_in_work_tree, index_at
from planner.indexing.building import _from_nothing
from planner.indexing.cache import Cache, _digest, _version
from planner.repository import Repository
from tests.planner.git_world import GitWorld, shop, workflow


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    one = shop(tmp_path / "repo")
    one.commit(files={"envs/db/main.tf": "# 2\n"})
    return one


def cache_files(world: GitWorld) -> list[Path]:
    return sorted(path for path in (world.folder / ".git/headwater/cache").iterdir())


def test_the_cache_lies_in_the_git_folder_and_may_vanish(world: GitWorld) -> None:
    first = world.affected("HEAD~1")
    assert {path.name.partition("-")[0] for path in cache_files(world)} == {"index", "parsed"}
    for path in cache_files(world):
        path.unlink()
        assert world.affected("HEAD~1") == first


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign", "older", "evil"])
def test_what_is_not_ours_is_made_anew(world: GitWorld, damage: str) -> None:
    first = world.affected("HEAD~1")
    for path in cache_files(world):
        content = path.read_bytes()
        head = len(_version()) + 20
        other = marshal.dumps(("x", (), False))
        path.write_bytes(
            {
                "cut": content[: len(content) // 2],
                "flipped": content[:-7] + bytes([content[-7] ^ 1]) + content[-6:],
                "empty": b"",
                "foreign": b"something else entirely",
                "older": b"headwater cache old\n" + content[len(_version()) :],
                "evil": content[: head - 20] + content[head - 20 : head] + other,
            }[damage]
        )
    assert world.affected("HEAD~1") == first


def test_a_value_of_another_shape_is_made_anew(world: GitWorld) -> None:
    first = world.affected("HEAD~1")
    for path in cache_files(world):
        for body in (marshal.dumps(None), marshal.dumps(7), marshal.dumps(("a", ())), marshal.dumps({"a": 1})):
            path.write_bytes(_version() + _digest(body) + body)
            assert world.affected("HEAD~1") == first


def test_a_folder_that_cannot_be_written_is_no_error(world: GitWorld) -> None:
    (world.folder / ".git/headwater").write_text("in the way")
    assert list(world.affected("HEAD~1")) == ["db", "app"]


def test_the_cache_does_not_grow_without_end(world: GitWorld) -> None:
    for number in range(20):
        world.commit(files={"envs/db/main.tf": f"# {number}\n", "headwater.yml": f"# {number}\n" + workflow(db=[])})
        world.affected("HEAD~1")
        definitions = Repository(world.folder)
        definitions_at(definitions, "HEAD", cache_folder(definitions))
        definitions.close()
    names = [path.name.partition("-")[0] for path in cache_files(world)]
    assert {name: names.count(name) for name in set(names)} == {"index": 12, "parsed": 1, "reading": 6}


def test_other_remotes_are_other_definitions(world: GitWorld) -> None:
    text = workflow(vpc=[], db=["vpc"]).replace("path: envs/db", "path: envs/db, repository: https://github.com/o/r")
    world.put({"headwater.yml": text + "repositories: [https://github.com/o/r]\n"})
    world.git("remote", "add", "origin", "https://github.com/o/other")
    world.commit()
    world.commit(files={"envs/db/main.tf": "# 3\n"})
    assert list(world.affected("HEAD~1")) == []
    world.git("remote", "set-url", "origin", "git@github.com:o/r.git")
    assert list(world.affected("HEAD~1")) == ["db"]


def same_as_from_nothing(world: GitWorld, *commits: str) -> None:
    """Find the indexes one from the other, and compare the last with one made from nothing."""
    with Repository(world.folder) as repository:
        near = None
        for commit in commits:
            near = index_at(repository, repository.described(commit), Cache(None), near)
        fresh = _from_nothing(repository, repository.described(commits[-1]), Cache(None)).index
    assert near is not None
    assert (near.snapshot.key, near.has_errors) == (fresh.snapshot.key, fresh.has_errors)
    assert list(near.snapshot.records) == list(fresh.snapshot.records)
    assert near.snapshot.inputs == fresh.snapshot.inputs


def test_a_path_that_vanishes_and_comes_back_is_asked_again(world: GitWorld) -> None:
    world.git("rm", "-rq", "envs/app2")
    world.commit()
    same_as_from_nothing(world, "HEAD~1", "HEAD")
    world.commit(files={"envs/app2/main.tf": "# back\n"})
    same_as_from_nothing(world, "HEAD~1", "HEAD")


def test_code_and_definitions_that_change_at_once_are_both_read_again(world: GitWorld) -> None:
    world.put({"headwater.yml": workflow(vpc=[], db=["vpc"], app=["db"]), "modules/late/main.tf": ""})
    world.commit(files={"envs/db/main.tf": 'module "m" { source = "../../modules/late" }\n'})
    same_as_from_nothing(world, "HEAD~1", "HEAD")


def test_a_backend_that_comes_or_goes_is_asked_again(world: GitWorld) -> None:
    twice = "environments:\n" + "".join(f"  {a}: {{vcs: {{type: terraform, path: envs/vpc}}}}\n" for a in "ab")
    world.commit(files={"headwater.yml": twice})
    world.commit(files={"envs/vpc/main.tf": 'terraform {\n  backend "s3" {}\n}\n'})
    same_as_from_nothing(world, "HEAD~1", "HEAD")
    with Repository(world.folder) as repository:
        assert not definitions_at(repository, "HEAD~1").errors
        assert "declares a backend" in definitions_at(repository, "HEAD").errors[0].message


def test_definitions_come_back_from_the_cache_as_they_went_in(world: GitWorld) -> None:
    text = """
variables: {A: [1, {b: null}], S: {sensitive: true, fromSecret: TOKEN}}
templates: {t: {type: opentofu, path: envs/db, version: "1.8"}}
environments:
  vpc: {vcs: {type: terraform, path: envs/vpc}, variables: {X: "${environments.db.outputs.id}"}, timeout: 30m}
  db: {templateName: t, needs: [], watch: ['x/**'], disabled: "${OFF}", steps: {plan: {before: [echo a]}}}
"""
    commit = world.commit(files={"headwater.yml": text})
    with Repository(world.folder) as repository:
        plain = definitions_at(repository, commit)
        folder = cache_folder(repository)
        assert [definitions_at(repository, commit, folder) for _ in range(3)] == [plain] * 3
        for path in cache_files(world):
            if not path.name.startswith("index"):
                path.unlink()
        assert definitions_at(repository, commit, folder) == plain
        assert definitions_in_work_tree(repository) == plain
        assert plain.definitions.workflows[0].environments


def test_the_work_tree_has_new_files_but_not_ignored_or_deleted_ones(world: GitWorld) -> None:
    one = "name: {0}\nenvironments:\n  {0}: {{vcs: {{type: terraform, path: envs/db}}, workspace: {0}}}\n"
    world.put({".gitignore": "ignored\n", "ignored/headwater.yml": one.format("ignored")})
    world.put({"new/env0.workflow.yml": one.format("new"), "headwater.yml": None})
    with Repository(world.folder / "envs") as repository:
        names = [each.name for each in definitions_in_work_tree(repository).require().workflows]
    assert names == ["new"]


def test_a_workflow_file_behind_a_link_is_read(world: GitWorld) -> None:
    world.put({"shared/flow.yml": workflow(side=[]).replace("envs/side", "envs/db")})
    world.link("other/headwater.yml", "../shared/flow.yml")
    world.commit()
    world.commit(files={"shared/flow.yml": workflow(side=[]).replace("envs/side", "envs/vpc")})
    assert world.reasons("HEAD~1")["side"] == ["definition-changed path is envs/vpc, was envs/db"]


HOT = """
import sys
from pathlib import Path
from planner.question import affected_between
affected_between(Path(sys.argv[1]), "HEAD~1")
heavy = {"git", "networkx", "pydantic", "rich", "sqlalchemy", "yaml", "jinja2", "json", "planner.reading", "planner.indexing.building"}
print(sorted(heavy & sys.modules.keys()))
"""


def test_a_warm_question_imports_nothing_heavy(world: GitWorld) -> None:
    world.affected("HEAD~1")
    command = [sys.executable, "-c", HOT, str(world.folder)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("path", ["headwater.yml", "a/b/env0.workflow.yaml", ".git/headwater.yml", "xheadwater.yml", "a/headwater.yml/b", "env0.workflow.yml.bak"])  # fmt: skip
def test_the_quick_answer_and_the_readers_agree_on_workflow_files(path: str) -> None:
    assert workflow_files.is_workflow_file(path) == reading.is_workflow_file(path)


def test_every_changed_byte_of_a_kept_file_is_noticed(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.save("x", {"a": [1, 2, "b"]})
    content = (tmp_path / "x").read_bytes()
    assert cache.load("x") == {"a": [1, 2, "b"]}
    for place in range(len(content)):
        (tmp_path / "x").write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert cache.load("x") is None
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
