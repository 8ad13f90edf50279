"""Which folders of a repository hold something to deploy: what `headwater init` starts from."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from planner.definition import Tool
from planner.format.texts import unprintable

_CODE_SUFFIXES = (".tf", ".tf.json", ".tofu", ".tofu.json")
_MARKS = (
    ("terragrunt.hcl", Tool.TERRAGRUNT),
    ("Pulumi.yaml", Tool.PULUMI),
    ("Pulumi.yml", Tool.PULUMI),
    ("Chart.yaml", Tool.HELM),
    ("Chart.yml", Tool.HELM),
    ("kustomization.yaml", Tool.K8S),
    ("kustomization.yml", Tool.K8S),
    ("ansible.cfg", Tool.ANSIBLE),
    ("playbook.yml", Tool.ANSIBLE),
    ("playbook.yaml", Tool.ANSIBLE),
)
"""Files by which a folder of a tool is known."""

_MODULE_SOURCE = re.compile(rb"""["']?\bsource["']?\s*[=:]\s*"(\.\.?/[^"$]*)\"""")


@dataclass(frozen=True, slots=True)
class FoundStack:
    """A folder that can be deployed on its own."""

    path: str
    tool: Tool


def find_stacks(
    files: Iterable[str],
    is_executable: Callable[[str], bool],
    contents: Callable[[list[str]], Mapping[str, bytes]],
) -> tuple[FoundStack, ...]:
    """The folders that look like stacks, by path.

    A folder of Terraform code that another one uses as a local module, or that lies below `modules/`, is none.
    `contents` gives the content of files, by path; all that must be looked into are asked for at once.
    """
    folders = _folders(files)
    used_as_module = _module_folders(folders, contents)
    found: list[FoundStack] = []
    for folder, names in sorted(folders.items()):
        tool = _tool(folder, names, is_executable)
        is_module = folder in used_as_module or "modules" in folder.split("/")
        if tool is None or unprintable(folder) or (is_module and tool in (Tool.TERRAFORM, Tool.OPENTOFU)):
            continue
        found.append(FoundStack(folder, tool))
    return tuple(found)


def _folders(files: Iterable[str]) -> Mapping[str, list[str]]:
    """The names of the files of each folder, without hidden folders such as `.terraform`."""
    folders: dict[str, list[str]] = defaultdict(list)
    for path in files:
        folder, _, name = path.rpartition("/")
        if not any(part.startswith(".") for part in folder.split("/")):
            folders[folder].append(name)
    return folders


def _module_folders(
    folders: Mapping[str, list[str]], contents: Callable[[list[str]], Mapping[str, bytes]]
) -> frozenset[str]:
    code = [
        posixpath.join(folder, name)
        for folder, names in folders.items()
        for name in names
        if name.endswith(_CODE_SUFFIXES)
    ]
    used: set[str] = set()
    for path, content in contents(code).items():
        for match in _MODULE_SOURCE.finditer(content):
            source = match[1].decode(errors="replace").partition("//")[0]
            used.add(posixpath.normpath(posixpath.join(posixpath.dirname(path), source)))
    return frozenset(used)


def _tool(folder: str, names: list[str], is_executable: Callable[[str], bool]) -> Tool | None:
    present = frozenset(names)
    for mark, tool in _MARKS:
        if mark in present:
            return tool
    if any(name.endswith((".tofu", ".tofu.json")) for name in names):
        return Tool.OPENTOFU
    if any(name.endswith(_CODE_SUFFIXES) for name in names):
        return Tool.TERRAFORM
    if all(name in present and is_executable(posixpath.join(folder, name)) for name in ("plan", "apply")):
        return Tool.SCRIPT
    return None
