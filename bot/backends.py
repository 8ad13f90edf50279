"""Where Terraform and OpenTofu environments keep their state, as far as the files of the work tree tell."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bot.runner.tools.hcl import declares_backend
from planner.definition import Environment, Tool

_SUFFIXES = {Tool.TERRAFORM: (".tf",), Tool.OPENTOFU: (".tf", ".tofu")}
_LOCAL = ("terraform.tfstate", "terraform.tfstate.d")


def without_backend(top: Path | None, environments: Iterable[Environment]) -> tuple[str, ...]:
    """The aliases whose module lies here and declares no backend: Headwater keeps their state in its state folder."""
    return tuple(one.alias for one in environments if top is not None and _declares_none(top, one))


def with_stray_state(top: Path | None, environments: Iterable[Environment]) -> tuple[str, ...]:
    """Of those, the ones beside whose code an older local state lies, at which Headwater would not look."""
    return tuple(
        one.alias
        for one in environments
        if top is not None and any((top / one.path / name).exists() for name in _LOCAL) and _declares_none(top, one)
    )


def _declares_none(top: Path, environment: Environment) -> bool:
    suffixes = _SUFFIXES.get(environment.tool)
    folder = top / environment.path
    if suffixes is None or environment.repository is not None or not folder.is_dir():
        return False
    return not declares_backend(folder, suffixes)
