"""Random repositories and changes, against an oracle that reads whole trees and asks for no difference.

The oracle writes out both commits with `git archive`'s kin, follows every path by the operating system, and compares
all that an environment can see. It shares no code with the planner but the reading of definitions' needs.
"""

from __future__ import annotations

import posixpath
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from planner.index import index_at
from planner.indexing.building import _from_nothing
from planner.indexing.cache import Cache
from planner.question import affected_between
from planner.repository import Repository
from tests.planner.git_world import GitWorld

FOLDERS = ["a", "b", "b/inner", "c", "mods/m1", "mods/m2", "mods/m1/sub", "data", "data/é", "data/x y"]
ALIASES = ["a", "b", "inner", "c", "root"]
PATHS = {"a": "a", "b": "b", "inner": "b/inner", "c": "c", "root": "."}


@dataclass
class World:
    """What is in the repository, kept beside git: the oracle's view."""

    files: dict[str, str] = field(default_factory=dict)  # path -> content
    modes: dict[str, bool] = field(default_factory=dict)  # path -> executable
    links: dict[str, str] = field(default_factory=dict)  # path -> target
    modules: dict[str, set[str]] = field(default_factory=dict)  # folder -> folders of modules it reads
    named: dict[str, set[str]] = field(default_factory=dict)  # folder -> paths that its code names
    sets: dict[str, set[tuple[str, str]]] = field(default_factory=dict)  # folder -> (folder, suffix) of filesets
    watch: dict[str, set[str]] = field(default_factory=dict)  # alias -> folder of a `FOLDER/*.yml` glob
    needs: dict[str, list[str]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)
    submodules: dict[str, str] = field(default_factory=dict)  # path -> commit

    def copy(self) -> World:
        return World(
            dict(self.files), dict(self.modes), dict(self.links),
            {k: set(v) for k, v in self.modules.items()}, {k: set(v) for k, v in self.named.items()},
            {k: set(v) for k, v in self.sets.items()}, {k: set(v) for k, v in self.watch.items()},
            {k: list(v) for k, v in self.needs.items()}, dict(self.versions), list(self.aliases), dict(self.submodules),
        )  # fmt: skip


def first_world(chance: random.Random) -> World:
    world = World()
    world.aliases = [alias for alias in ALIASES if chance.random() < 0.9 or alias == "a"]
    for number, alias in enumerate(world.aliases):
        world.needs[alias] = [one for one in world.aliases[:number] if chance.random() < 0.35]
        world.versions[alias] = 1
        world.watch[alias] = {f for f in ("data", "data/é") if chance.random() < 0.15}
    for folder in FOLDERS:
        world.modules[folder] = {
            m for m in ("mods/m1", "mods/m2", "mods/m1/sub") if m != folder and chance.random() < 0.25
        }
        world.named[folder] = {f"data/f{n}.txt" for n in range(3) if chance.random() < 0.15}
        world.sets[folder] = {("data/é", ".json")} if chance.random() < 0.15 else set()
        for number in range(2):
            world.files[f"{folder}/f{number}.txt"] = "0"
    for name in ("data/w.yml", "data/é/w.yml", "data/é/s.json", "README"):
        world.files[name] = "0"
    for path, target in (("a/link", "../data/x y"), ("mods/m2/l.txt", "../../data/f2.txt"), ("c/self", ".")):
        if chance.random() < 0.4:
            world.links[path] = target
    return world


def change(world: World, chance: random.Random) -> World:
    """Another commit: a few random changes."""
    new = world.copy()
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(sorted(new.files))
        folder = chance.choice(FOLDERS)
        match chance.choice(
            ["edit", "edit", "delete", "move", "mode", "add", "link", "unlink", "code", "define", "sub"]
        ):
            case "edit":
                new.files[path] += "x"
            case "delete":
                del new.files[path]
            case "move":
                new.files[f"{folder}/moved{chance.randint(0, 3)}.txt"] = new.files.pop(path)
            case "mode":
                new.modes[path] = not new.modes.get(path, False)
            case "add":
                new.files[f"{folder}/{chance.choice(['n.yml', 'n.json', 'ñ.txt', 'n n.txt'])}"] = "new"
            case "link":
                new.links[f"{folder}/l{chance.randint(0, 2)}"] = posixpath.relpath(
                    chance.choice(sorted(new.files)), folder
                )
            case "unlink" if new.links:
                del new.links[chance.choice(sorted(new.links))]
            case "code":
                new.modules[folder] = {m for m in ("mods/m1", "mods/m2") if m != folder and chance.random() < 0.5}
            case "define":
                new.versions[chance.choice(new.aliases)] += 1
            case "sub":
                new.submodules[f"{folder}/vendored"] = f"{chance.getrandbits(160):040x}"
    return new


def write(git: GitWorld, world: World) -> str:
    """Make this world a commit."""
    for place in git.folder.iterdir():
        if place.name != ".git":
            subprocess.run(["rm", "-rf", str(place)], check=True)
    git.put(dict(world.files))
    for path, executable in world.modes.items():
        if path in world.files:
            (git.folder / path).chmod(0o755 if executable else 0o644)
    for path, target in world.links.items():
        git.link(path, target)
    for folder in FOLDERS:
        git.put({f"{folder}/main.tf": code(world, folder)})
    git.put({"headwater.yml": definitions(world)})
    git.git("add", "-A")
    for path, commit in world.submodules.items():
        git.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    git.git("commit", "-q", "--allow-empty", "-m", "x")
    return git.git("rev-parse", "HEAD")


def code(world: World, folder: str) -> str:
    lines = [
        f'module "m{n}" {{\n  source = "{dotted(one, folder)}"\n}}'
        for n, one in enumerate(sorted(world.modules[folder]))
    ]
    lines += [
        f'locals {{ n{n} = file("${{path.module}}/{posixpath.relpath(one, folder)}") }}'
        for n, one in enumerate(sorted(world.named[folder]))
    ]
    lines += [
        f'locals {{ s = fileset("${{path.module}}/{posixpath.relpath(f, folder)}", "*{suffix}") }}'
        for f, suffix in sorted(world.sets[folder])
    ]
    return "\n".join(lines) + "\n"


def dotted(path: str, start: str) -> str:
    relative = posixpath.relpath(path, start)
    return relative if relative.startswith("../") else f"./{relative}"


def definitions(world: World) -> str:
    lines = ["environments:"]
    for alias in world.aliases:
        lines.append(f"  {alias}:")
        lines.append(f"    vcs: {{type: terraform, path: {PATHS[alias]}, terraformVersion: 1.{world.versions[alias]}}}")
        lines.append(f"    needs: [{', '.join(world.needs[alias])}]")
        if world.watch[alias]:
            lines.append("    watch: [" + ", ".join(f"'{one}/*.yml'" for one in sorted(world.watch[alias])) + "]")
    return "\n".join(lines) + "\n"


def everything(world: World) -> dict[str, str]:
    """What lies at each path, as a text that differs whenever it does; workflow files left out."""
    found = {path: f"file {world.modes.get(path, False)} {content}" for path, content in world.files.items()}
    found |= {path: f"link {target}" for path, target in world.links.items()}
    found |= {path: f"module {commit}" for path, commit in world.submodules.items()}
    found |= {f"{folder}/main.tf": f"code {code(world, folder)}" for folder in FOLDERS}
    return found


def seen(world: World, alias: str) -> dict[str, str]:
    """All that an environment reads of a world."""
    lies, found = everything(world), dict[str, str]()
    folders = [posixpath.normpath(PATHS[alias])]
    visited: set[str] = set()

    def take(path: str) -> None:
        """A path and all beneath it, links followed."""
        if path in visited:
            return
        visited.add(path)
        for one, what in lies.items():
            if path == "." or one == path or one.startswith(path + "/"):
                found[one] = what
                if one in world.links:
                    take(posixpath.normpath(posixpath.join(posixpath.dirname(one), world.links[one])))

    code_folders: set[str] = set()
    while folders:
        folder = folders.pop()
        take(folder)
        if folder not in code_folders:
            code_folders.add(folder)
            folders += world.modules.get(folder, ())
            for path in world.named.get(folder, ()):
                take(path)
            for there, suffix in world.sets.get(folder, ()):
                found |= {p: w for p, w in lies.items() if posixpath.dirname(p) == there and p.endswith(suffix)}
                for link in [p for p in world.links if p.startswith(there + "/")]:
                    take(link)
    for there in world.watch[alias]:
        found |= {p: w for p, w in lies.items() if posixpath.dirname(p) == there and p.endswith(".yml")}
    return found


def expected(base: World, head: World) -> tuple[set[str], set[str]]:
    """The changed, and the affected."""
    before, after = everything(base), everything(head)
    differ = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    changed = {
        alias
        for alias in head.aliases
        if differ & (seen(base, alias).keys() | seen(head, alias).keys())
        or base.versions[alias] != head.versions[alias]
    }
    affected = set(changed)
    for _ in head.aliases:
        affected |= {alias for alias in head.aliases if affected & set(head.needs[alias])}
    return changed, affected


@pytest.mark.parametrize("seed", range(16))
def test_random_repositories_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    git = GitWorld(tmp_path / "repo")
    worlds = [first_world(chance)]
    for _ in range(4):
        worlds.append(change(worlds[-1], chance))
    commits = [write(git, world) for world in worlds]
    for then, now in [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (4, 0)]:
        answer = affected_between(git.folder, commits[then], commits[now], exact=True)
        told = {one.alias: one for each in answer.workflows for one in each.environments}
        changed, affected = expected(worlds[then], worlds[now])
        assert {alias for alias, one in told.items() if one.changed} == changed, (then, now)
        assert set(told) == affected, (then, now)


@pytest.mark.parametrize("seed", range(100, 108))
def test_an_index_found_from_another_is_the_one_made_from_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    git = GitWorld(tmp_path / "repo")
    world = first_world(chance)
    commits = [write(git, world)]
    for _ in range(5):
        world = change(world, chance)
        commits.append(write(git, world))
    with Repository(git.folder) as repository:
        near = None
        for commit in commits:
            described = repository.described(commit)
            near = index_at(repository, described, Cache(None), near)
            fresh = _from_nothing(repository, described, Cache(None)).index
            assert (near.snapshot.key, near.has_errors) == (fresh.snapshot.key, fresh.has_errors)
            assert list(near.snapshot.records) == list(fresh.snapshot.records)
            assert near.snapshot.inputs == fresh.snapshot.inputs
