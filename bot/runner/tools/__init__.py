"""The tools that can be deployed with, one file each."""

from __future__ import annotations

from importlib import import_module

from bot.runner.failure import RunnerError
from bot.runner.tools.base import Tool

TOOLS = ("opentofu", "script", "terraform")


def tool(kind: str) -> type[Tool]:
    """The tool of that name; only its own file is loaded."""
    if kind not in TOOLS:
        raise RunnerError(f"{kind} environments cannot be deployed yet; {', '.join(TOOLS)} can.")
    found: type[Tool] = import_module(f"bot.runner.tools.{kind}").TOOL
    return found
