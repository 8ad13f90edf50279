"""The text of a first `headwater.yml`: what `headwater init` writes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from planner.definition import DEPLOYABLE_TOOLS, Tool
from planner.format.formats import TO_FILL_IN
from planner.format.parsed import ROOT_FILES, Code, ParsedFile
from planner.schema import VERSION_KEYS
from planner.slugs import slugs
from planner.stacks import FoundStack

_TRIGGERS = """
# When a pull request is merged, nothing is deployed until somebody says so.
# true: what the merge affects is deployed at once, in order.
triggers:
  deployOnMerge: false
"""

_HEAD = """\
# What Headwater deploys from this repository, and in which order.
#   headwater lint                checks this file
#   headwater graph --work-tree   draws it
#   headwater plan                shows what would change, once this is committed
"""

_EXAMPLE = """\
environments: {}
# No stack was found: no folder with *.tf or *.tofu files, or with executables `plan` and `apply`.
# Put one in, and write it like this (without the # and in place of the {}):
#
#   db:                          # its alias: how commands, comments and `needs` name it
#     vcs: {type: terraform, path: infra/db}
#     needs: [vpc]               # deployed after these
"""


def starter_file(stacks: Sequence[FoundStack]) -> str:
    """A `headwater.yml` with one environment for each stack that Headwater can deploy, and comments that teach."""
    deployable = [stack for stack in stacks if stack.tool in DEPLOYABLE_TOOLS]
    if not deployable:
        return f"{_HEAD}\n{_EXAMPLE}{_TRIGGERS}"
    aliases = _aliases([stack.path for stack in deployable])
    lines = ["environments:"]
    for number, (stack, alias) in enumerate(zip(deployable, aliases, strict=True)):
        lines += _environment(stack, alias, example=_another(aliases, number), teaches=number == 0)
    return f"{_HEAD}\n" + "\n".join(lines) + f"\n{_TRIGGERS}"


def _environment(stack: FoundStack, alias: str, *, example: str | None, teaches: bool) -> list[str]:
    lines = [f"  {_yaml(alias)}:" + ("  # its alias: how commands, comments and `needs` name it" if teaches else "")]
    lines += ["    vcs:", f"      type: {stack.tool.value}", f"      path: {_yaml(stack.path or '/')}"]
    if teaches and stack.tool in VERSION_KEYS:
        lines.append(f'      # {VERSION_KEYS[stack.tool]}: "1.11.4"  # without it the newest that is found')
    if example is not None:
        comment = "  # deployed after these" if teaches else ""
        lines.append(f"    # needs: [{_yaml(example)}]{comment}")
    if teaches:
        lines += [
            "    # requiresApproval: true  # every deploy of it waits for an approval",
            "    # variables:",
            f"    #   vpc_id: ${{environments.{example}.outputs.NAME}}  # an output of what it needs",
        ]
    return lines


def _another(aliases: Sequence[str], number: int) -> str | None:
    """An alias that the environment of this number could need: the next one, so that all together are no circle."""
    if len(aliases) == 1:
        return "network"
    return aliases[number + 1] if number + 1 < len(aliases) else None


def _aliases(paths: Sequence[str]) -> list[str]:
    """A short alias for each path: its last folder, or all of it where two have the same one."""
    last = [path.rpartition("/")[2].strip() or "main" for path in paths]
    count = Counter(name.casefold() for name in last)
    names = [
        short if count[short.casefold()] == 1 else path.replace("/", "-").strip() or "main"
        for path, short in zip(paths, last, strict=True)
    ]
    if len({name.casefold() for name in names}) < len(names):
        unique = slugs(paths)
        names = [unique[path] or "main" for path in paths]
    return names


def unknown_templates(files: Iterable[ParsedFile]) -> tuple[str, ...]:
    """The names of templates that the files use and nobody defines, in their order."""
    parsed = sorted(files, key=lambda file: file.path)
    shared = next((dict(file.templates) for name in ROOT_FILES for file in parsed if file.path == name), {})
    found: dict[str, None] = {}
    for file in parsed:
        known: dict[str, Code] = {**shared, **dict(file.templates)}
        for one in file.environments:
            name = one.environment.template
            if name is not None and name not in known:
                found[name] = None
    return tuple(found)


def missing_templates(names: Iterable[str], stacks: Sequence[FoundStack]) -> str:
    """The `templates:` block that defines these names, as far as the folders of the repository tell.

    A path that is guessed from the name says so; one that cannot be known is marked, and `lint` refuses it until it
    is filled in.
    """
    lines = [
        "# What `templateName` names in the workflow files of this repository. In env0 these are kept by env0.",
        "templates:",
    ]
    for name in names:
        lines += _template(name, _guess(name, stacks))
    return "\n".join(lines) + "\n"


def templates_file(names: Iterable[str], stacks: Sequence[FoundStack]) -> str:
    """A whole `headwater.yml` that holds the missing templates and the triggers, for a repository that has none."""
    head = "# What the workflow files of this repository share.\n\n"
    return head + missing_templates(names, stacks) + _TRIGGERS


def _template(name: str, stack: FoundStack | None) -> list[str]:
    if stack is None:
        return [
            f"  {_yaml(name)}:",
            "    type: terraform  # CHECK: no folder of this repository is called like this template",
            f"    path: {_yaml(TO_FILL_IN + ' the folder of its code>')}",
        ]
    return [
        f"  {_yaml(name)}:",
        f"    type: {stack.tool.value}",
        f"    path: {_yaml(stack.path or '/')}  # guessed from the name: check it",
    ]


_WORD = re.compile(r"[a-z0-9]+")


def _guess(name: str, stacks: Sequence[FoundStack]) -> FoundStack | None:
    """The one folder whose name fits best: the same words, else most words of the template's name, one of them last."""
    words = _words(name)
    same = [stack for stack in stacks if words in (_words(stack.path), _words(_last(stack.path)))]
    if len(same) == 1:
        return same[0]
    near = [stack for stack in stacks if set(words) & set(_words(_last(stack.path)))]
    shared = {stack: len(set(words) & set(_words(stack.path))) for stack in near}
    most = max(shared.values(), default=0)
    best = [stack for stack, count in shared.items() if count == most]
    return best[0] if len(best) == 1 and most * 2 >= len(set(words)) else None


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _words(text: str) -> tuple[str, ...]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return tuple(_WORD.findall(spaced.lower()))


_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def _yaml(text: str) -> str:
    """A text as YAML: plain where every reader of YAML takes it for this text, else as a JSON string."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT:
        return text
    return json.dumps(text, ensure_ascii=False)


def undeployable_tools(stacks: Iterable[FoundStack]) -> tuple[Tool, ...]:
    """The tools of some stacks that Headwater cannot deploy yet, to be told beside a starter file."""
    return tuple(sorted({stack.tool for stack in stacks if stack.tool not in DEPLOYABLE_TOOLS}))
