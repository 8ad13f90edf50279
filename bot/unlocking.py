"""Freeing the lock that a killed tool left on its state, by a job of its own."""

from __future__ import annotations

import time

from sqlalchemy import Connection, select

from bot.briefing import because_of_lock
from bot.decide.deeds import By
from bot.decide.facts import TaskAction
from bot.errors import NotAllowed
from bot.project import Project
from bot.store import deployments, new_deployments
from bot.store.environments import EnvironmentRow
from bot.store.new_deployments import NewDeployment, NewTask
from bot.store.tables import attempts, environments, tasks
from bot.submit import Also


def submit_unlock(
    project: Project, environment: EnvironmentRow, lock: str, *, by: By, pull: int | None, also: Also
) -> int:
    """A deployment that frees the lock with this id on an environment's state; its number.

    It runs what ran there last: the commit of the environment's last deploy or destroy. Raises NotAllowed where there
    was none, and while an attempt of ours may still be at work there: the lock may be its own.
    """
    with project.database.writing() as connection:
        deployments.lock_workflow(connection, environment.workflow_id)
        _refuse_at_work(connection, environment)
        last = connection.execute(
            select(tasks)
            .join(environments, environments.c.last_task_id == tasks.c.id)
            .where(environments.c.id == environment.id)
        ).first()
        if last is None:
            raise NotAllowed(
                f"Headwater never worked on {environment.alias!r}, so that lock is not one of its own",
                "free it where it was taken: terraform force-unlock ID",
            )
        task = NewTask(
            environment=environment.id,
            alias=environment.alias,
            action=TaskAction.UNLOCK,
            commit=last.commit,
            source_commit=last.source_commit,
            reasons=(because_of_lock(lock),),
        )
        number = new_deployments.create(
            connection,
            NewDeployment(
                workflow=environment.workflow_id,
                action=TaskAction.UNLOCK,
                commit=last.commit,
                by=by,
                place=project.place,
                tasks=(task,),
                jobs=1,
                pull=pull,
            ),
            time.time(),
        )
        also(connection, number)
        return number


def _refuse_at_work(connection: Connection, environment: EnvironmentRow) -> None:
    at_work = select(attempts.c.id).where(
        attempts.c.environment_id == environment.id, attempts.c.active.is_(True), attempts.c.mutates.is_(True)
    )
    if connection.execute(at_work.limit(1)).first() is not None:
        raise NotAllowed(
            f"something is still at work on {environment.alias!r}, and the lock may be its own",
            "wait for its end, or end it with /cancel; one that is lost is given up with /retry --force",
        )
