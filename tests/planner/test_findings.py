"""What `lint` tells of a work tree: the same as a full reading of it, and as a commit of all that lies there."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from planner import findings
from planner.findings import findings_in_work_tree
from planner.index import definitions_in_work_tree
from planner.indexing.building import reading_at
from planner.indexing.cache import Cache
from planner.repository import Repository
from tests.planner.git_world import GitWorld, workflow

ALIASES = ["vpc", "db", "app"]


def files_of(chance: random.Random) -> dict[str, str | bytes | None]:
    return {
        "headwater.yml": workflow(**{alias: [] for alias in ALIASES}),
        "blog/env0.workflow.yml": workflow(blog=[]),
        "envs/blog/plan": "#!/bin/sh\n",
        **{f"envs/{alias}/main.tf": f"# {alias}\n" for alias in ALIASES},
        "README.md": "hello\n",
        ".gitignore": "ignored\n",
        **({"envs/db/.gitattributes": "* text eol=crlf\n"} if chance.random() < 0.2 else {}),
    }


def put(world: GitWorld, path: str, content: str) -> None:
    """Write a file wherever there is room for it."""
    place = world.folder / path
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_text(content)
    except OSError:
        return


def some_file(world: GitWorld, chance: random.Random) -> str | None:
    known = [path for path in world.git("ls-files").split("\n") if (world.folder / path).is_file()]
    return chance.choice(known) if known else None


def edit(world: GitWorld, chance: random.Random) -> None:
    path = some_file(world, chance)
    if path is not None:
        text = (world.folder / path).read_text(errors="replace")
        put(world, path, chance.choice([text + "# more\n", text.replace("envs/", "enva/"), text.replace("db", "vpc")]))


def delete(world: GitWorld, chance: random.Random) -> None:
    path = some_file(world, chance)
    if path is not None:
        (world.folder / path).unlink()


def remove_folder(world: GitWorld, chance: random.Random) -> None:
    folder = world.folder / "envs" / chance.choice(ALIASES)
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
        how = chance.randrange(4)
        if how == 1:
            folder.mkdir()
        elif how == 2:
            folder.write_text("a file\n")
        elif how == 3:
            folder.symlink_to(chance.choice(["../blog", "nowhere", "/tmp"]))


def add(world: GitWorld, chance: random.Random) -> None:
    name = chance.choice(["headwater.yml", "env0.workflow.yaml", "notes.txt", "main.tf"])
    folder = chance.choice(["envs/new/", "envs/db/", "ignored/", "", "other/"])
    text = workflow(**{chance.choice(["new", "db", "late"]): []}) if not name.endswith(".tf") else "# new\n"
    put(world, folder + name, text)


def share_a_state(world: GitWorld, chance: random.Random) -> None:
    put(world, "other/headwater.yml", "name: o\n" + workflow(db=[]))
    if chance.random() < 0.5:
        put(world, "envs/db/main.tf", 'terraform {\n  backend "s3" {}\n}\n')


def move(world: GitWorld, chance: random.Random) -> None:
    path = some_file(world, chance)
    if path is not None and (world.folder / "blog").is_dir():
        (world.folder / path).rename(world.folder / "blog" / chance.choice(["moved.txt", "headwater.yml"]))


def link(world: GitWorld, chance: random.Random) -> None:
    place = world.folder / chance.choice(["envs/link", "linked/headwater.yml", "blog/link"])
    place.parent.mkdir(exist_ok=True)
    if not place.is_symlink() and not place.exists():
        place.symlink_to(chance.choice(["../README.md", "../blog/env0.workflow.yml", "/etc"]))


def unignore(world: GitWorld, chance: random.Random) -> None:
    put(world, ".gitignore", chance.choice(["# nothing\n", "ignored\nenvs/new\n", "*.yml\n"]))


def same_size_at_once(world: GitWorld, chance: random.Random) -> None:
    path = world.folder / "headwater.yml"
    if path.is_file():
        path.write_text(path.read_text().replace("envs/db", "envs/dx"))


def nested(world: GitWorld, chance: random.Random) -> None:
    GitWorld(world.folder / chance.choice(["nested", "envs/db/nested"])).commit(files={"headwater.yml": workflow(n=[])})


def stage(world: GitWorld, chance: random.Random) -> None:
    world.git("add", "-A", check=False)


def commit(world: GitWorld, chance: random.Random) -> None:
    world.git("add", "-A", check=False)
    world.git("commit", "-q", "--allow-empty", "-m", "more")


def unstage(world: GitWorld, chance: random.Random) -> None:
    world.git("reset", "-q", check=False)


STEPS: list[Callable[[GitWorld, random.Random], None]] = [
    *(edit, edit, edit, delete, remove_folder, add, add, share_a_state, move, link, unignore, same_size_at_once),
    *(nested, stage, commit, commit, unstage),
]


def told(found: findings.Findings) -> tuple[list[str], int]:
    return [str(one) for one in found.problems], found.workflows


def read_anew(folder: Path) -> tuple[list[str], int]:
    with Repository(folder) as repository:
        reading = definitions_in_work_tree(repository)
    return [str(one) for one in reading.problems], len(reading.definitions.workflows)


def read_committed(world: GitWorld, scratch: Path) -> tuple[list[str], int]:
    """The definitions of a commit of everything that lies there, made beside the index."""
    index = scratch / "index"
    index.unlink(missing_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*arguments: str) -> str:
        environment = clean | {"GIT_INDEX_FILE": str(index)}
        return subprocess.run(
            ["git", *arguments], cwd=world.folder, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    shutil.copy2(world.folder / ".git/index", index)  # with its time: git looks again at files as young as the index
    git("add", "-A")
    made = git("commit-tree", "-m", "all", git("write-tree"))
    with Repository(world.folder) as repository:
        reading = reading_at(repository, repository.described(made), Cache(None))
    return [str(one) for one in reading.problems], len(reading.definitions.workflows)


@pytest.mark.parametrize("seed", range(24))
def test_what_lint_tells_is_what_lies_there(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    world = GitWorld(tmp_path / "repository")
    world.commit(files=files_of(chance))
    for _ in range(5):
        for _ in range(chance.randrange(3)):
            chance.choice(STEPS)(world, chance)
        with Repository(world.folder) as repository:
            found = told(findings_in_work_tree(repository))
        assert found == read_anew(world.folder)
        assert found == read_committed(world, tmp_path)


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    made = GitWorld(tmp_path / "repository")
    made.commit(files=files_of(random.Random(99)))
    return made


def found_in(world: GitWorld) -> tuple[list[str], int]:
    with Repository(world.folder) as repository:
        return told(findings_in_work_tree(repository))


@pytest.fixture
def full_readings(monkeypatch: pytest.MonkeyPatch) -> list[Path | None]:
    """Each full reading of a work tree, as it happens."""
    seen: list[Path | None] = []

    def counted(repository: Repository) -> object:
        seen.append(repository.top)
        return definitions_in_work_tree(repository)

    monkeypatch.setattr(findings, "definitions_in_work_tree", counted)
    return seen


def test_harmless_changes_need_no_full_reading(world: GitWorld, full_readings: list[Path | None]) -> None:
    assert found_in(world) == ([], 2)
    put(world, "envs/db/main.tf", "# changed\n")
    put(world, "envs/db/notes.txt", "new\n")
    put(world, "envs/vpc/staged.tf", "new\n")
    world.git("add", "envs/vpc")
    assert found_in(world) == ([], 2)
    assert full_readings == []


@pytest.mark.parametrize("how", ["--skip-worktree", "--assume-unchanged"])
def test_what_git_was_told_not_to_look_at_is_looked_at(world: GitWorld, how: str) -> None:
    assert found_in(world) == ([], 2)
    world.git("update-index", how, "envs/db/main.tf")
    shutil.rmtree(world.folder / "envs/db")
    assert world.git("status", "--porcelain") == ""
    assert "'envs/db' does not exist" in found_in(world)[0][0]


def test_a_sparse_checkout_has_what_it_has(world: GitWorld) -> None:
    assert found_in(world) == ([], 2)
    world.git("sparse-checkout", "set", "--no-cone", "/*", "!/blog/")
    assert found_in(world) == read_anew(world.folder) == ([], 1)


def test_a_filter_that_hides_a_change_from_git_hides_nothing(world: GitWorld) -> None:
    world.git("config", "filter.constant.clean", "cat .git/constant")
    (world.folder / ".git/constant").write_bytes((world.folder / "headwater.yml").read_bytes())
    world.commit(files={".gitattributes": "headwater.yml filter=constant\n"})
    assert found_in(world) == ([], 2)
    size = (world.folder / "headwater.yml").stat().st_size
    put(world, "headwater.yml", "environments: 7\n".ljust(size, "#"))
    assert world.git("status", "--porcelain") == ""
    assert len(found_in(world)[0]) == 1


def test_problems_that_were_kept_are_told_again(world: GitWorld, full_readings: list[Path | None]) -> None:
    world.commit(files={"blog/env0.workflow.yml": "environments: {blog: {vcs: {type: terafrom, path: envs/blog}}}\n"})
    first = found_in(world)
    assert len(first[0]) == 1
    assert found_in(world) == first == read_anew(world.folder)
    assert full_readings == []


def test_a_folder_whose_files_are_gone_is_gone(world: GitWorld) -> None:
    (world.folder / "envs/db/main.tf").unlink()
    assert "'envs/db' does not exist" in found_in(world)[0][0]


def test_a_backend_that_is_declared_in_the_work_tree_counts(world: GitWorld) -> None:
    world.commit(files={"other/headwater.yml": workflow(db=[])})
    assert ["warning" in one for one in found_in(world)[0]] == [True]
    put(world, "envs/db/main.tf", 'terraform {\n  backend "s3" {}\n}\n')
    assert ["warning" in one for one in found_in(world)[0]] == [False]


def test_a_link_that_leads_elsewhere_counts(world: GitWorld) -> None:
    world.link("envs/late", "db")
    world.commit(files={"late/headwater.yml": workflow(late=[])})
    assert found_in(world) == ([], 3)
    (world.folder / "envs/late").unlink()
    world.link("envs/late", "nowhere")
    assert world.git("status", "--porcelain") == "M envs/late"
    assert "'envs/late' does not exist" in found_in(world)[0][0]
