"""Who is at the keyboard, the repository that they stand in, and what is kept of what they may not do."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.cli.global_options import Globals
from bot.decide.deeds import By, Deed
from bot.errors import NotAllowed
from bot.project import Project
from bot.store import audit
from planner.repository import Repository

_ALLOWED = ("local user",)  # whoever has the state may do anything with it


def open_project(settings: Globals) -> Project:
    """The repository of the call, with its state."""
    repository = Repository(settings.folder)
    return Project(repository, settings.state_folder(repository.git_dir).resolve(), settings.database)


def by(command: str) -> By:
    """Who is at the keyboard, with the command that they gave."""
    return By(_user(), "cli", _ALLOWED, f"headwater {command}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@contextmanager
def refusals_kept(settings: Globals, deed: Deed, names: Sequence[str] = ()) -> Iterator[None]:
    """Have the audit log tell that what is done here was refused; `names` are the environments that were named."""
    try:
        yield
    except NotAllowed as error:
        project = open_project(settings)
        if project.has_store:  # a first refusal makes no store
            with project.database.writing() as connection:
                audit.refused(
                    connection,
                    by(deed.value),
                    deed,
                    time.time(),
                    repository=project.key,
                    names=names,
                    commit=None,
                    codes=["error"],
                    detail="; ".join(filter(None, (error.what, error.mend))),
                )
        raise
