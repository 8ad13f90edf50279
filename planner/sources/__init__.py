"""What each tool reads outside an environment's own folder: one file per tool, and this list."""

from __future__ import annotations

from planner.sources.folder import FOLDER_ONLY
from planner.sources.references import Source
from planner.sources.terraform import OPENTOFU, TERRAFORM

_SOURCES = {"terraform": TERRAFORM, "opentofu": OPENTOFU}


def source_of(tool: str) -> Source:
    """What a tool reads."""
    return _SOURCES.get(tool, FOLDER_ONLY)
