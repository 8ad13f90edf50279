"""OpenTofu: as Terraform, with its own binary and its own file names."""

from __future__ import annotations

from typing import ClassVar

from bot.runner.tools.terraform import Terraform


class OpenTofu(Terraform):
    """OpenTofu in the environment's folder."""

    kind = "opentofu"
    binary: ClassVar[str] = "tofu"
    suffixes: ClassVar[tuple[str, ...]] = (".tf", ".tofu")


TOOL = OpenTofu
