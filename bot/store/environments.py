"""Rows of repositories, workflows and environments: who is who over time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Case,
    Connection,
    FromClause,
    RowMapping,
    Table,
    bindparam,
    case,
    delete,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.decide.facts import TaskAction
from bot.decide.identity import Declared, Identities, Known, Stack, identities
from bot.decide.status import EnvironmentFacts
from bot.decide.transitions import TaskState
from bot.store.tables import deployments, environments, events, kept_values, repositories, tasks, workflows
from planner.definition import Environment, Workflow


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """One stored environment with its latest deploy or destroy."""

    id: int
    workflow_id: int
    file: str
    workflow: str
    alias: str
    slug: str
    stack: Stack
    state_id: str
    digest_key: bytes
    deployed: bool
    commit: str | None
    deployed_at: float | None
    success_id: int | None
    seen: Mapping[str, int]
    durations: Mapping[str, float]
    last_task: int | None
    facts: EnvironmentFacts
    code: str = ""
    detail: str = ""
    deployment: int | None = None
    last_commit: str | None = None  # of its latest deploy or destroy
    last_alias: str | None = None  # what it was called there
    doubted: bool = False  # a backup was restored since its last success
    source_commit: str | None = None  # where the code of its last success was read

    @property
    def defined_at(self) -> str | None:
        """The commit at which its definition was last used."""
        return self.commit or self.last_commit

    @property
    def key(self) -> str:
        """The alias as it is compared."""
        return self.alias.casefold()

    @property
    def used(self) -> bool:
        """Whether it was ever deployed, or a deploy of it ever began."""
        return self.deployed or self.last_task is not None


def repository_id(connection: Connection, key: str) -> int:
    """The id of the repository of that key; made when it is new."""
    query = select(repositories.c.id).where(repositories.c.key == key)
    found: int | None = connection.execute(query).scalar()
    if found is None:
        _insert_unless_there(connection, repositories, {"key": key})
        found = connection.execute(query).scalar_one()
    return found


def known_repository(connection: Connection, key: str) -> int | None:
    """The id of the repository of that key, if the store has it."""
    return connection.execute(select(repositories.c.id).where(repositories.c.key == key)).scalar()


def deployed_commits(connection: Connection, repository: int) -> list[str]:
    """The commits that environments of a repository were last deployed at."""
    query = (
        select(environments.c.commit)
        .join(workflows, environments.c.workflow_id == workflows.c.id)
        .where(workflows.c.repository_id == repository, environments.c.deployed, environments.c.detached.is_(False))
        .distinct()
    )
    return sorted(one for one in connection.execute(query).scalars() if one is not None)


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


def environment_rows(connection: Connection, repository: int) -> tuple[EnvironmentRow, ...]:
    """All environments of a repository that are not forgotten, by id."""
    last = tasks.alias()
    columns = (
        environments,
        workflows.c.file,
        workflows.c.name.label("workflow"),
        last.c.action.label("last_action"),
        last.c.state.label("last_state"),
        last.c.started.label("last_started"),
        last.c.code.label("last_code"),
        last.c.detail.label("last_detail"),
        last.c.deployment_id.label("last_deployment"),
        last.c.commit.label("last_commit"),
        last.c.alias.label("last_alias"),
        _source_commit(last).label("source_commit"),
    )
    query = (
        select(*columns)
        .join(workflows, environments.c.workflow_id == workflows.c.id)
        .outerjoin(last, environments.c.last_task_id == last.c.id)
        .where(workflows.c.repository_id == repository, environments.c.detached.is_(False))
        .order_by(environments.c.id)
    )
    return tuple(_row(row) for row in connection.execute(query).mappings())


def _source_commit(last: FromClause) -> Case[str | None]:
    """Where the code of an environment's last success was read: mostly that of its latest deploy, and then cheap."""
    success = tasks.alias()
    deploys = (TaskAction.DEPLOY.value, TaskAction.ADOPT.value)
    succeeded = TaskState.SUCCEEDED.value
    earlier = (
        select(success.c.source_commit)
        .where(success.c.environment_id == environments.c.id, success.c.action.in_(deploys))
        .where(success.c.state == succeeded)
        .order_by(success.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return case(
        (environments.c.deployed.is_(False), null()),
        (last.c.action.in_(deploys) & (last.c.state == succeeded), last.c.source_commit),
        else_=earlier,
    )


def _row(row: RowMapping) -> EnvironmentRow:
    action, state = row["last_action"], row["last_state"]
    return EnvironmentRow(
        id=row["id"],
        workflow_id=row["workflow_id"],
        file=row["file"],
        workflow=row["workflow"],
        alias=row["alias"],
        slug=row["slug"],
        stack=Stack(row["path"], row["tool"], row["workspace"]),
        state_id=row["state_id"],
        digest_key=row["digest_key"],
        deployed=row["deployed"],
        commit=row["commit"],
        deployed_at=row["deployed_at"],
        success_id=row["success_id"],
        seen=row["seen"],
        durations=row["durations"],
        last_task=row["last_task_id"],
        facts=EnvironmentFacts(
            deployed=row["deployed"],
            action=TaskAction(action) if action else None,
            state=TaskState(state) if state else None,
            started=bool(row["last_started"]),
            unfinished=row["unfinished"],
        ),
        code=row["last_code"] or "",
        detail=row["last_detail"] or "",
        deployment=row["last_deployment"],
        last_commit=row["last_commit"],
        last_alias=row["last_alias"],
        doubted=row["doubted"],
        source_commit=row["source_commit"],
    )


def identify(rows: Sequence[EnvironmentRow], declared: Sequence[Workflow]) -> Identities:
    """Which row is which declared environment; reads only."""
    return identify_declared(
        rows,
        [
            Declared(workflow.file, one.key, stack_of(one), one.moved_from.casefold() if one.moved_from else None)
            for workflow in declared
            for one in workflow.environments
        ],
    )


def identify_declared(rows: Sequence[EnvironmentRow], declared: Sequence[Declared]) -> Identities:
    """The same, of environments in short."""
    return identities([Known(row.id, row.file, row.key, row.stack, row.used) for row in rows], declared)


def stack_of(environment: Environment) -> Stack:
    """Where an environment lies and what runs it."""
    return Stack(environment.path, environment.tool.value, environment.workspace or "")


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
    connection: Connection, ids: Mapping[int, Environment], workflow_row: int, moved: Mapping[int, str], now: float
) -> None:
    """Write how environments are called and where they lie now: done when a deploy of that commit starts."""
    for identity, environment in ids.items():
        if identity in moved:
            _free_name(connection, workflow_row, environment.key, identity)
            detail = f"was {moved[identity]}"
            values = {"at": now, "kind": "moved", "alias": environment.alias, "detail": detail}
            connection.execute(insert(events).values(values))
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
        }
        for identity, environment in ids.items()
    ]
    if names:
        connection.execute(update(environments).where(environments.c.id == bindparam("identity")), names)


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


def detach(connection: Connection, rows: Sequence[EnvironmentRow], now: float) -> None:
    """Forget environments: what they hold stays as it is, and is nobody's any more."""
    for row in rows:
        connection.execute(update(environments).where(environments.c.id == row.id).values(detached=True))
        detail = f"deployed at {row.commit}" if row.deployed else "was not deployed"
        values = {"at": now, "kind": "detached", "alias": row.alias, "detail": detail}
        connection.execute(insert(events).values(values))


def _insert_unless_there(connection: Connection, table: Table, values: Mapping[str, object]) -> None:
    """Insert a row; where another process was faster, theirs is as good."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).values(**values).on_conflict_do_nothing())
