"""A store for each example of a model: copied from one that is made once."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from bot.project import Project
from tests.bot.store.simulation import Scene, make_repository


@cache
def prepared() -> tuple[Path, Project, str]:
    """A repository, and a database at our revision, to copy for each example."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-model-"))
    repository, commit = make_repository(folder / "repository")
    project = Project(repository, folder / "state", f"sqlite:///{folder}/empty.db", secrets={})
    with project.database.writing():
        pass
    project.database.engine.dispose()
    return folder, project, commit


def remove_what_was_prepared() -> None:
    """Leave nothing behind."""
    if prepared.cache_info().currsize:
        shutil.rmtree(prepared()[0], ignore_errors=True)
        prepared.cache_clear()


def scene(name: str) -> tuple[Scene, Path]:
    """A project on a copy of its own, and that copy's file."""
    folder, made, commit = prepared()
    file = folder / f"{name}.db"
    shutil.copy(folder / "empty.db", file)
    project = Project(made.repository, folder / "state", f"sqlite:///{file}", secrets={})
    project._readings = made._readings
    project.__dict__["mirror"] = made.mirror
    return Scene(project, commit), file
