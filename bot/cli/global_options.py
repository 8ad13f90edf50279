"""What the global options say in one call: from the command line first, then from the process environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import click

from bot.errors import WrongUse

DATABASE_VARIABLE = "HEADWATER_DATABASE_URL"
STATE_VARIABLE = "HEADWATER_STATE"
META = "headwater.globals."
"""What the options' values are called in click's notes of a call."""


@dataclass(frozen=True, slots=True)
class Globals:
    """The global options of one call. `state` and `database` exclude each other; both None: below the git folder."""

    folder: Path = Path()
    workflow: str | None = None
    json: bool = False
    quiet: bool = False
    no_color: bool = False
    state: Path | None = None
    database: str | None = None

    def path(self, name: str | Path) -> Path:
        """A file named on the command line: relative to `-C DIR`."""
        return self.folder / name

    def state_folder(self, git_folder: Path) -> Path:
        """Where Headwater keeps its state: `--state DIR`, else `headwater/` in the git folder."""
        return self.state or git_folder / "headwater"


def globals_of(context: click.Context) -> Globals:
    """The global options of this call, from the command line first, then from the process environment.

    Raises WrongUse where `--state` and `--database` are both given.
    """
    given = {name.removeprefix(META): value for name, value in context.meta.items() if name.startswith(META)}
    state, database = given.get("state"), given.get("database")
    if state and database:
        raise WrongUse("--state and --database exclude each other", "give the one that holds the state you mean")
    if not (state or database):
        database = os.environ.get(DATABASE_VARIABLE) or None
        state = Path(os.environ[STATE_VARIABLE]) if not database and os.environ.get(STATE_VARIABLE) else None
    folder = given.get("folder", Path())
    if not folder.is_dir():
        raise WrongUse(f"-C {folder}: no such folder", "give a folder that exists")
    return Globals(
        folder=folder,
        workflow=given.get("workflow"),
        json=bool(given.get("json")),
        quiet=bool(given.get("quiet")),
        no_color=context.color is False,
        state=Path(state) if state else None,
        database=database,
    )
