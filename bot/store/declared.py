"""What workflow files declare, written down: rows that are made, called anew, and forgotten."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.decide.deeds import By, Deed
from bot.decide.identity import Identities, Name
from bot.store import audit
from bot.store.environments import EnvironmentRow, stack_of
from bot.store.tables import deployments, environments, kept_values, repositories, workflows
from planner.definition import Environment, Workflow


def repository_id(connection: Connection, key: str) -> int:
    """The id of the repository of that key; made when it is new."""
    query = select(repositories.c.id).where(repositories.c.key == key)
    found: int | None = connection.execute(query).scalar()
    if found is None:
        _insert_unless_there(connection, repositories, {"key": key})
        found = connection.execute(query).scalar_one()
    return found


def workflow_id(connection: Connection, repository: int, workflow: Workflow) -> int:
    """The id of the workflow in that file; made when it is new, its name kept as the file has it."""
    query = select(workflows.c.id, workflows.c.name).where(
        workflows.c.repository_id == repository, workflows.c.file == workflow.file
    )
    row = connection.execute(query).first()
    if row is None:
        values = {"repository_id": repository, "file": workflow.file, "name": workflow.name}
        _insert_unless_there(connection, workflows, values)
        row = connection.execute(query).one()
    if row.name != workflow.name:
        connection.execute(update(workflows).where(workflows.c.id == row.id).values(name=workflow.name))
    found: int = row.id
    return found


def take_workflows(connection: Connection, repository: int, followed: Mapping[str, str]) -> None:
    """Let workflows follow their environments to another file, with their history and kept values.

    The other file may have been planned already; what was written down for it then joins the workflow that came.
    """
    for old, new in followed.items():
        here = workflows.c.repository_id == repository
        moving = connection.execute(select(workflows.c.id).where(here, workflows.c.file == old)).scalar()
        if moving is None:
            continue
        planned = connection.execute(select(workflows.c.id).where(here, workflows.c.file == new)).scalar()
        if planned is not None:
            mine = select(environments.c.alias_key).where(
                environments.c.workflow_id == moving, environments.c.detached.is_(False)
            )
            both = (environments.c.workflow_id == planned) & environments.c.alias_key.in_(mine)
            connection.execute(update(environments).where(both).values(detached=True))
            for table in (environments, deployments):
                connection.execute(update(table).where(table.c.workflow_id == planned).values(workflow_id=moving))
            connection.execute(delete(workflows).where(workflows.c.id == planned))
        connection.execute(update(workflows).where(workflows.c.id == moving).values(file=new))


def environment_ids(
    connection: Connection, known: Identities, workflow: Workflow, workflow_row: int, declared: Iterable[Environment]
) -> dict[str, int]:
    """The ids of declared environments by their aliases, moved or not; those that are new are made."""
    wanted = list(declared)
    found = {one.alias: known.same.get((workflow.file, one.key)) for one in wanted}
    missing = [one for one in wanted if found[one.alias] is None]
    here = _ids_by_key(connection, workflow_row) if missing else {}
    if new := [_new_row(workflow_row, one) for one in missing if one.key not in here]:
        connection.execute(insert(environments), new)
        here = _ids_by_key(connection, workflow_row)
    return {one.alias: identity if (identity := found[one.alias]) is not None else here[one.key] for one in wanted}


def _ids_by_key(connection: Connection, workflow_row: int) -> dict[str, int]:
    mine = (environments.c.workflow_id == workflow_row) & environments.c.detached.is_(False)
    return {
        row.alias_key: row.id
        for row in connection.execute(select(environments.c.alias_key, environments.c.id).where(mine))
    }


def _new_row(workflow_row: int, environment: Environment) -> dict[str, object]:
    stack = stack_of(environment)
    return {
        "workflow_id": workflow_row,
        "alias": environment.alias,
        "alias_key": environment.key,
        "slug": environment.slug,
        "path": stack.path,
        "tool": stack.tool,
        "workspace": stack.workspace,
        "state_id": f"{environment.slug}-{os.urandom(6).hex()}",
        "digest_key": os.urandom(32),
    }


def take_names(
    connection: Connection,
    ids: Mapping[int, Environment],
    was: Mapping[int, EnvironmentRow],
    place: tuple[int, str],
    moved: Mapping[int, str],
    by: By,
    now: float,
) -> None:
    """Write how environments are called and where they lie now: done when a deploy of that commit starts.

    `was`: how they are stored, which is remembered where it differs; `place`: the id and the file of their workflow;
    `by`: who deploys it.
    """
    workflow_row, file = place
    for identity, environment in ids.items():
        if identity in moved:
            _free_name(connection, workflow_row, environment.key, identity)
            connection.execute(
                update(kept_values).where(kept_values.c.environment_id == identity).values(workflow_id=workflow_row)
            )
    names = [
        {
            "identity": identity,
            "workflow_id": workflow_row,
            "alias": environment.alias,
            "alias_key": environment.key,
            "slug": environment.slug,
            "path": (stack := stack_of(environment)).path,
            "tool": stack.tool,
            "workspace": stack.workspace,
            "former": _former(was.get(identity), Name(file, environment.key, stack)),
        }
        for identity, environment in ids.items()
    ]
    if names:
        connection.execute(update(environments).where(environments.c.id == bindparam("identity")), names)
    told = {identity: f"was {moved[identity]}" for identity in ids if identity in moved}
    audit.of_environments(connection, told, Deed.MOVE, by, now)


def _former(row: EnvironmentRow | None, now: Name) -> list[dict[str, object]]:
    """The names that an environment had, as they are stored, when it takes this one."""
    had = frozenset({*row.former, row.name} - {now}) if row else frozenset()
    return [asdict(one) for one in sorted(had, key=astuple)]


def _free_name(connection: Connection, workflow_row: int, key: str, identity: int) -> None:
    """A row that was only ever planned gives its name to the environment that moved there."""
    connection.execute(
        update(environments)
        .where(
            environments.c.workflow_id == workflow_row,
            environments.c.alias_key == key,
            environments.c.id != identity,
            environments.c.last_task_id.is_(None),
            environments.c.deployed.is_(False),
        )
        .values(detached=True)
    )


def detach(connection: Connection, rows: Sequence[EnvironmentRow], by: By, now: float) -> None:
    """Forget environments: what they hold stays as it is, and is nobody's any more. `by`: who deploys without them."""
    gone = {row.id: f"deployed at {row.commit}" if row.deployed else "was not deployed" for row in rows}
    connection.execute(update(environments).where(environments.c.id.in_(gone)).values(detached=True))
    audit.of_environments(connection, gone, Deed.DETACH, by, now)


def _insert_unless_there(connection: Connection, table: Table, values: Mapping[str, object]) -> None:
    """Insert a row; where another process was faster, theirs is as good."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).values(**values).on_conflict_do_nothing())
