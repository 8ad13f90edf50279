"""Repositories of any size for the benchmarks: Terraform environments in layers, and the same tree for turbo."""

from __future__ import annotations

import json
import os
import random
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

LAYERS = 10
ENVIRONMENTS_A_MODULE = 50
CHANGED_FILES = 10


class Layout(StrEnum):
    """Where the environments are defined: all in one file, or each group in a small file of its own."""

    ONE_FILE = "one-file"
    SMALL_FILES = "small-files"


@dataclass(frozen=True, slots=True)
class Stack:
    """One generated environment."""

    alias: str
    path: str
    module: str
    needs: tuple[str, ...]


def generate(folder: Path, count: int, layout: Layout = Layout.ONE_FILE, seed: int = 1) -> None:
    """Write a git repository of two commits into an empty folder; the second changes ten environments' files.

    With `Layout.SMALL_FILES` every environment has a workflow file of its own (and so needs nothing).
    Workspaces of npm, with the needs as dependencies, let turbo see the same packages and the same graph.
    """
    stacks = _stacks(count, layout, random.Random(seed))
    modules = sorted({stack.module for stack in stacks})
    for name in modules:
        _write_module(folder, name)
    for stack in stacks:
        _write_stack(folder, stack, layout)
    if layout is Layout.ONE_FILE:
        _write(folder / "headwater.yml", _workflow(stacks))
    _write_workspaces(folder, stacks, modules)
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "config", "gc.auto", "0")
    _commit(folder, "first")
    for stack in random.Random(seed + 1).sample(stacks, min(CHANGED_FILES, count)):
        with (folder / stack.path / "main.tf").open("a") as file:
            file.write("\n# changed\n")
    _commit(folder, "change ten files")
    _git(folder, "gc", "-q")


def _stacks(count: int, layout: Layout, chance: random.Random) -> list[Stack]:
    width = max(1, -(-count // LAYERS))
    stacks: list[Stack] = []
    for number in range(count):
        layer, place = divmod(number, width)
        alias = f"e{number:05d}"
        needs: tuple[str, ...] = ()
        if layer and layout is Layout.ONE_FILE:
            near = {(place + shift) % width for shift in (0, chance.randrange(1, 4))}
            needs = tuple(f"e{(layer - 1) * width + one:05d}" for one in sorted(near))
        module = f"m{number // ENVIRONMENTS_A_MODULE:04d}"
        stacks.append(Stack(alias, f"infra/layer{layer}/{alias}", module, needs))
    return stacks


def _workflow(stacks: list[Stack]) -> str:
    lines = ["environments:"]
    for stack in stacks:
        lines += [f"  {stack.alias}:", f"    vcs: {{type: terraform, path: {stack.path}, terraformVersion: '1.11.4'}}"]
        if stack.needs:
            lines.append(f"    needs: [{', '.join(stack.needs)}]")
        lines.append(f"    variables: {{SIZE: '{len(stack.needs)}'}}")
    return "\n".join(lines) + "\n"


def _write_stack(folder: Path, stack: Stack, layout: Layout) -> None:
    main = [
        f'module "base" {{\n  source = "../../../modules/{stack.module}"\n  name   = "{stack.alias}"\n}}\n',
        'resource "terraform_data" "this" {\n  input = { name = module.base.name, size = var.SIZE }\n}\n',
    ]
    _write(folder / stack.path / "main.tf", "\n".join(main))
    _write(folder / stack.path / "variables.tf", 'variable "SIZE" {\n  type    = string\n  default = "1"\n}\n')
    _write(folder / stack.path / "package.json", _package(stack.alias, [*stack.needs, stack.module]))
    if layout is Layout.SMALL_FILES:
        _write(folder / stack.path / "headwater.yml", f"name: {stack.alias}\n" + _workflow([stack]))


def _write_module(folder: Path, name: str) -> None:
    text = 'variable "name" {\n  type = string\n}\n\noutput "name" {\n  value = var.name\n}\n'
    _write(folder / "modules" / name / "main.tf", text)
    _write(folder / "modules" / name / "package.json", _package(name, []))


def _package(name: str, needs: list[str]) -> str:
    return json.dumps(_package_facts(name, needs), indent=1) + "\n"


def _package_facts(name: str, needs: list[str]) -> dict[str, object]:
    return {"name": name, "version": "1.0.0", "dependencies": dict.fromkeys(needs, "*")}


def _write_workspaces(folder: Path, stacks: list[Stack], modules: list[str]) -> None:
    workspaces = ["infra/*/*", "modules/*"]
    root = {"name": "bench", "version": "1.0.0", "private": True, "workspaces": workspaces}
    packages: dict[str, object] = {"": root}
    for path, name, needs in [
        *((stack.path, stack.alias, [*stack.needs, stack.module]) for stack in stacks),
        *((f"modules/{name}", name, []) for name in modules),
    ]:
        packages[path] = _package_facts(name, needs)
        packages[f"node_modules/{name}"] = {"resolved": path, "link": True}
    lock = {"name": "bench", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    _write(folder / "package.json", json.dumps(root | {"packageManager": "npm@10.8.2"}, indent=1) + "\n")
    _write(folder / "package-lock.json", json.dumps(lock) + "\n")
    _write(folder / "turbo.json", '{"tasks": {"plan": {}}}\n')
    _write(folder / ".gitignore", "node_modules\n.turbo\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-q", "-m", message)


def _git(folder: Path, *arguments: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", *arguments], cwd=folder, env=clean, check=True)
