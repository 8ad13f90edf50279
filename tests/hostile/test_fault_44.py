"""Fault 44: files that are bombs, graphs without end, and paths that lead where nothing of ours may go."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from planner.format.yaml_nodes import LARGEST_FILE
from planner.index import definitions_at
from planner.problems import DefinitionError
from planner.reading import read
from planner.repository import Repository
from planner.trees.tree import Kind
from tests.bot.runner.conftest import World
from tests.planner.git_world import GitWorld

ROOM = 1024 * 1024 * 1024
"""Bytes that a process may take for a file of at most four mebibytes."""
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MAPS = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{{', '.join(f'k{n}: *{old}' for n in range(10))}}}\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
EVERYTHING = "all: &all [" + ",".join(f"e{number}" for number in range(5_000)) + "]\nenvironments:\n"
BILLION = EVERYTHING + "".join(f"  e{number}:\n    needs: *all\n" for number in range(5_000))
WRITTEN_OUT = "environments:\n  a: {vcs: {type: script, path: a}}\n  b:\n    vcs: {type: script, path: b}\n    needs: ["


def lint(folder: Path, text: str) -> str:
    """What `headwater lint` says of a file, in a process that may take no more than ROOM."""
    world = GitWorld(folder)
    world.put({"headwater.yml": text, "a/plan": "", "b/plan": ""})
    world.commit()
    done = subprocess.run(
        [Path(sys.executable).with_name("headwater"), "lint"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM)),
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 2), done.stderr[-2000:]
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "bomb", [BOMB, MAPS, "environments:\n  " + BOMB.replace("\n", "\n  ")], ids=["lists", "maps", "within"]
)
def test_fault_44_yaml_bombs(bomb: str, tmp_path: Path) -> None:
    said = lint(tmp_path / "r", bomb)
    assert "make more than 100,000 values of this file: write fewer" in said


def test_fault_44_a_yaml_bomb_of_merged_maps(tmp_path: Path) -> None:
    merged = "a: &a {x: 1}\n" + "".join(
        f"{n}: &{n} {{<<: [{', '.join(['*' + o] * 300)}]}}\n" for o, n in zip("abc", "bcd", strict=True)
    )
    assert "write fewer" in lint(tmp_path / "r", merged) or "unknown key" in lint(tmp_path / "s", merged)


def test_fault_44_yaml_that_is_deeper_than_any_stack(tmp_path: Path) -> None:
    assert "nested more than 64 deep" in lint(tmp_path / "r", "a: " + "[" * 500 + "]" * 500)
    assert "exceeded maximum nesting depth" in lint(tmp_path / "s", "a: " + "[" * 500_000)


def test_fault_44_a_billion_needs_by_aliases(tmp_path: Path) -> None:
    assert "make more than 100,000 values of this file" in lint(tmp_path / "r", BILLION)


def test_fault_44_needs_without_end_that_are_written_out(tmp_path: Path) -> None:
    """As many as a file has room for; of fewer, each is told."""
    whole = WRITTEN_OUT + ",".join(["a"] * ((LARGEST_FILE - 1000) // 2)) + "]\n"
    assert "more than 400,000 values: split it into several workflow files" in lint(tmp_path / "r", whole)
    count = 20_000
    found = read({"headwater.yml": (WRITTEN_OUT + ",".join(["zz"] * count) + "]\n").encode()}, lambda _path: "folder")
    assert len(found.errors) == count


def test_fault_44_a_file_that_is_larger_than_any(tmp_path: Path) -> None:
    assert "split it into several workflow files" in lint(tmp_path / "r", "# " + "x" * (LARGEST_FILE + 1))


def test_fault_44_a_cycle_through_ten_thousand() -> None:
    lines = ["environments:"]
    for number in range(10_000):
        lines += [
            f"  e{number}:",
            f"    needs: [e{(number + 1) % 10_000}]",
            f"    vcs: {{type: script, path: e{number}}}",
        ]
    (cycle,) = read({"headwater.yml": "\n".join(lines).encode()}, lambda _path: "folder").problems
    assert "a cycle: " in cycle.message
    assert len(cycle.message) < 1_000


@pytest.mark.parametrize("target", ["/etc", "../../..", "../outside", "a/../../outside"])
def test_fault_44_symlinks_out_of_the_repository(target: str, tmp_path: Path, world: World) -> None:
    """Neither planner nor runner goes where they lead; what is there is in no answer."""
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "plan").write_text("#!/bin/sh\necho headwater-was-here\n")
    (secret / "plan").chmod(0o755)
    git = GitWorld(tmp_path / "r")
    git.put({"headwater.yml": "environments:\n  x: {vcs: {type: script, path: out}}\n", "a/plan": ""})
    git.link("out", target)
    git.commit()
    with Repository(git.folder) as repository, pytest.raises(DefinitionError, match="leaves the repository"):
        assert repository.tree("HEAD").kind("out") is Kind.OUTSIDE
        definitions_at(repository, "HEAD").require()
    (world.repo / "out").symlink_to(target)
    world.commit({})
    report = world.attempt(path="out").run()
    assert report["result"] == "failed"
    assert "leads out of the repository" in report["error"] or "There is no folder" in report["error"]
    assert "headwater-was-here" not in str(report)


def test_fault_44_a_workflow_file_that_is_a_symlink_out_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text("environments: {stolen: {vcs: {type: script, path: a}}}\n")
    git = GitWorld(tmp_path / "r")
    git.put({"a/plan": ""})
    git.link("headwater.yml", "../secret.yml")
    git.commit()
    with Repository(git.folder) as repository:
        assert "stolen" not in str(definitions_at(repository, "HEAD"))
        assert "stolen" not in str(definitions_at(repository, repository.commit("HEAD")))


def test_fault_44_a_submodule_with_a_file_url(world: World) -> None:
    """Its files are never fetched, and an environment in it says so."""
    other = world.folder / "elsewhere"
    other.mkdir()
    world.git("init", "-q", "-b", "main", repo=other)
    (other / "plan").write_text("#!/bin/sh\necho headwater-was-here\n")
    world.git("add", "-A", repo=other)
    world.git("commit", "-q", "-m", "x", repo=other)
    world.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", f"file://{other}", "svc")
    world.commit({})
    report = world.attempt(path="svc").run()
    assert (report["result"], "submodules are not fetched" in report["error"]) == ("failed", True)
    assert "headwater-was-here" not in str(report)


@pytest.mark.parametrize("path", [".git", ".git/hooks", "a/.git", ".GIT/hooks", "a/../.git", "./.git", ".git."])
def test_fault_44_git_in_a_path(path: str, tmp_path: Path, world: World) -> None:
    git = GitWorld(tmp_path / "r")
    git.put({"headwater.yml": f"environments:\n  x: {{vcs: {{type: script, path: {path}}}}}\n", "a/plan": ""})
    commit = git.commit()
    with Repository(git.folder) as repository:
        for tree in (repository.tree(commit), repository.work_tree()):
            assert tree.kind(path) is None
        with pytest.raises(DefinitionError):
            definitions_at(repository, commit).require()
    world.commit({"a/plan": ""})
    report = world.attempt(path=path).run()
    assert report["result"] == "failed"
    assert "There is no folder" in report["error"]


def test_fault_44_a_tree_that_holds_git_itself(world: World) -> None:
    """Only by hand can such a commit be made; git's own check-out refuses it, and nothing of it is run."""
    hook = world.git("hash-object", "-w", "--literally", "-t", "blob", str(world.repo / "README"))
    inner = tree_of(world, f"100755 blob {hook}\tpost-checkout")
    hooks = tree_of(world, f"040000 tree {inner}\thooks")
    whole = tree_of(world, f"040000 tree {hooks}\t.git")
    commit = world.git("commit-tree", whole, "-m", "x")
    world.git("update-ref", "refs/heads/evil", commit)
    world.git("fetch", "-q", "origin", "+refs/*:refs/*", repo=world.mirror)
    report = world.attempt(commit=commit, path="").run()
    assert report["result"] == "failed"
    assert "could not be checked out" in report["error"]


def tree_of(world: World, entry: str) -> str:
    done = subprocess.run(
        ["git", "mktree"], input=entry + "\n", cwd=world.repo, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_fault_44_read_alone_says_the_same_as_lint() -> None:
    """What the server reads of a branch goes the same way: problems, and no exception."""
    for text in (BOMB, BILLION, "a: " + "[" * 100_000, WRITTEN_OUT + "a" * 100):
        assert read({"headwater.yml": text.encode()}, lambda _path: "folder").errors
