"""The planner's git, on real repositories, and what it says when git cannot answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planner.indexing.inputs import ChangedPath
from planner.question import affected_between
from planner.repository import GitError, Repository, UnknownRevision
from planner.trees.tree import Kind
from tests.planner.git_world import GitWorld, shop


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return shop(tmp_path / "repo")


def test_a_folder_that_is_in_no_repository(tmp_path: Path) -> None:
    with pytest.raises(GitError, match=r"is not in a git repository: .*-C"):
        Repository(tmp_path)
    with pytest.raises(GitError, match=r"is not a folder"):
        Repository(tmp_path / "missing")


def test_an_empty_repository(tmp_path: Path) -> None:
    repository = Repository(GitWorld(tmp_path / "repo").folder)
    assert repository.is_empty()
    with pytest.raises(UnknownRevision, match=r"has no commits yet: commit something first"):
        repository.commit("HEAD")
    repository.close()


@pytest.mark.parametrize("revision", ["nope", "HEAD~99", "main..HEAD", "-x", "--output=/tmp/x", "", "a\nb", "HEAD:envs", "\udcff"])  # fmt: skip
def test_an_unknown_revision(world: GitWorld, revision: str) -> None:
    with Repository(world.folder) as repository:
        with pytest.raises(UnknownRevision, match=r"revision|no commit is called"):
            repository.commit(revision)
        assert repository.commit("HEAD") == world.git("rev-parse", "HEAD")  # and it still answers


def test_revisions_of_all_kinds(world: GitWorld) -> None:
    world.git("tag", "-a", "v1", "-m", "annotated")
    world.git("branch", "topic")
    head = world.git("rev-parse", "HEAD")
    with Repository(world.folder / "envs/db") as repository:
        assert {repository.commit(one) for one in ("HEAD", "v1", "topic", "main", head, head[:9], "@")} == {head}


def test_unrelated_histories_say_so(world: GitWorld) -> None:
    world.git("checkout", "-q", "--orphan", "other")
    world.commit()
    with Repository(world.folder) as repository, pytest.raises(GitError, match=r"no common history.*--exact"):
        repository.merge_base("main", "HEAD")


def test_a_shallow_clone_says_how_to_mend_it(world: GitWorld, tmp_path: Path) -> None:
    world.git("checkout", "-q", "-b", "topic")
    world.commit(files={"envs/db/main.tf": "# topic\n"})
    world.git("checkout", "-q", "main")
    world.commit(files={"README.md": "on\n"})
    world.git("clone", "-q", "--depth=1", "--no-single-branch", f"file://{world.folder}", str(tmp_path / "shallow"))
    with Repository(tmp_path / "shallow") as repository:
        with pytest.raises(GitError, match=r"shallow.*git fetch --unshallow.*fetch-depth: 0"):
            repository.merge_base("origin/topic", "HEAD")
        with pytest.raises(UnknownRevision, match=r"unshallow"):
            repository.commit("HEAD~1")


def test_a_bare_repository_answers_but_has_no_work_tree(world: GitWorld, tmp_path: Path) -> None:
    world.commit(files={"envs/db/main.tf": "# 2\n"})
    world.git("clone", "-q", "--bare", str(world.folder), str(tmp_path / "bare.git"))
    answer = affected_between(tmp_path / "bare.git", "HEAD~1")
    assert [one.alias for one in answer.workflows[0].environments] == ["db", "app"]
    with Repository(tmp_path / "bare.git") as repository:
        assert (repository.top, repository.git_dir) == (None, tmp_path / "bare.git")
        with pytest.raises(GitError, match=r"bare repository"):
            repository.work_tree()


def test_linked_work_trees_share_the_git_folder(world: GitWorld, tmp_path: Path) -> None:
    world.git("worktree", "add", "-q", str(tmp_path / "linked"))
    with Repository(tmp_path / "linked") as repository:
        assert repository.git_dir == world.folder / ".git"
        assert repository.top == tmp_path / "linked"


def test_variables_that_steer_git_do_not(world: GitWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = GitWorld(tmp_path / "other")
    other.commit()
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    with Repository(world.folder) as repository:
        assert repository.git_dir == world.folder / ".git"
        assert "headwater.yml" in repository.tree("HEAD").entries("")


def test_origins_are_all_remotes_that_of_origin_first(world: GitWorld) -> None:
    world.git("remote", "add", "origin", "https://h/o/r.git")
    world.git("remote", "add", "fork", "git@h:me/r")
    with Repository(world.folder) as repository:
        assert repository.origins == ("https://h/o/r.git", "git@h:me/r")


def test_changed_paths_have_both_sides_modes_and_odd_names(world: GitWorld) -> None:
    world.put({"ü \t\n.txt": "1"})
    world.link("to", "envs")
    (world.folder / "README.md").chmod(0o755)
    world.git("mv", "envs/db/main.tf", "envs/db/moved.tf")
    world.commit()
    with Repository(world.folder) as repository:
        found = repository.changed_paths("HEAD~1", "HEAD")
    assert found == (
        ChangedPath("README.md", "100644", "100755"),
        ChangedPath("envs/db/main.tf", "100644", "000000"),
        ChangedPath("envs/db/moved.tf", "000000", "100644"),
        ChangedPath("to", "000000", "120000"),
        ChangedPath("ü \t\n.txt", "000000", "100644"),
    )


def test_a_tree_says_where_paths_lead(world: GitWorld) -> None:
    world.link("in", "envs/db")
    world.link("up/out", "../../etc")
    world.link("absolute", "/etc")
    world.link("loop", "loop")
    world.link("envs/again", "../in/../vpc")
    world.commit()
    with Repository(world.folder) as repository:
        for tree in (repository.tree("HEAD"), repository.work_tree()):
            kinds = {path: tree.kind(path) for path in ("", "envs", "in", "in/main.tf", "envs/again", "absolute")}
            assert kinds == {
                "": Kind.FOLDER,
                "envs": Kind.FOLDER,
                "in": Kind.FOLDER,
                "in/main.tf": Kind.FILE,
                "envs/again": Kind.FOLDER,
                "absolute": Kind.OUTSIDE,
            }
            assert tree.resolve("envs/again").path == "envs/vpc"
            assert (tree.kind("up/out"), tree.kind("loop"), tree.kind("nope/x")) == (Kind.OUTSIDE, None, None)
            assert tree.kind("README.md/x") is None
            assert tree.contents(["README.md", "in", "envs", "nope"]) == {"README.md": b"hello\n", "in": b"envs/db"}


def test_reading_many_objects_does_not_block(world: GitWorld) -> None:
    world.commit(files={f"many/{number}": str(number) * 2_000 for number in range(1_500)})
    with Repository(world.folder) as repository:
        tree = repository.tree("HEAD")
        paths = [f"many/{number}" for number in range(1_500)]
        assert all(content == str(n).encode() * 2_000 for n, content in enumerate(tree.contents(paths).values()))


def test_git_that_is_not_there(world: GitWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match=r"install git"):
        Repository(world.folder)
    assert os.environ["PATH"] == str(tmp_path)
