"""The commands that comments on pull requests may hold, one file each. A new one is its file and its name here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from bot.commands.base import Verb
from bot.decide.comment import Grammar

_NAMES = (
    "plan",
    "deploy",
    "destroy",
    "approve",
    "reject",
    "cancel",
    "retry",
    "unlock",
    "adopt",
    "restore",
    "explain",
    "status",
    "help",
)

VERBS: Mapping[str, Verb] = {name: import_module(f"bot.commands.{name}").VERB for name in _NAMES}
"""All commands, in the order of /help."""

GRAMMARS: Mapping[str, Grammar] = {name: verb.grammar for name, verb in VERBS.items()}
"""How they are written: what the parser takes."""
