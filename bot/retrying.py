"""What a retry comes to: what did not succeed in one deployment, at that deployment's commit."""

from __future__ import annotations

from collections.abc import Sequence

from bot.decide.facts import TaskAction
from bot.errors import HeadwaterError
from bot.prepare import prepare
from bot.preparing.situation import Prepared
from bot.project import Project
from bot.request import Aim, Request
from bot.store.deployments import flags
from bot.store.environments import EnvironmentRow


def prepare_retry(
    project: Project, number: int, rows: Sequence[EnvironmentRow], *, actor: str, jobs: int
) -> tuple[Prepared, ...]:
    """The environments of a deployment that did not succeed, ready to be planned again at its commit."""
    with project.database.reading() as connection:
        told = flags(connection, number)
    if told is None:
        raise HeadwaterError(f"deployment #{number} is gone", "deploy again: headwater deploy")
    given = project.vault.open(told.given) if told.given is not None else {}
    destroying = rows[0].facts.action is TaskAction.DESTROY
    request = Request(
        aim=Aim.DESTROY if destroying else Aim.DEPLOY,
        actor=actor,
        commit=told.commit,
        dirty=told.dirty,
        patterns=tuple(row.alias for row in rows),
        only=True,
        workflow=rows[0].file,
        given={name: str(value) for name, value in given.items()} if isinstance(given, dict) else {},
        jobs=jobs,
        force=destroying,
        retry_of=number,
        keep_for=told.keep_for,
    )
    return prepare(project, request)
