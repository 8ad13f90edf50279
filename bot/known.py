"""What the store knows of a repository, read at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from bot.project import Project
from bot.store.environments import EnvironmentRow, environment_rows, known_repository
from bot.store.values import read_kept
from planner.definition import Json


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a repository."""

    rows: tuple[EnvironmentRow, ...] = ()
    kept: Mapping[int, Mapping[int, Mapping[str, Json]]] = field(
        default_factory=dict
    )  # workflow -> environment -> name


def known(project: Project, *, kept: bool = False) -> Known:
    """Read what the store knows, `kept` values only where they are asked for: that takes the key.

    Nothing is made for a repository that was never worked on.
    """
    if not project.has_store:
        return Known()
    with project.database.reading() as connection:
        repository = known_repository(connection, project.key)
        if repository is None:
            return Known()
        rows = environment_rows(connection, repository)
        workflows = {row.workflow_id for row in rows} if kept else ()
        return Known(rows, _kept(connection, project, workflows))


def _kept(
    connection: Connection, project: Project, workflows: Iterable[int]
) -> dict[int, Mapping[int, Mapping[str, Json]]]:
    return {one: read_kept(connection, project.vault, one) for one in workflows}
