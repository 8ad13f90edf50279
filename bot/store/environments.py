"""Rows of environments as they are read: who is who over time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Case,
    Connection,
    FromClause,
    RowMapping,
    ScalarSelect,
    case,
    func,
    null,
    select,
)

from bot.decide.facts import TaskAction
from bot.decide.identity import Declared, Identities, Known, Name, Stack, identities
from bot.decide.status import EnvironmentFacts
from bot.decide.transitions import TaskState
from bot.store.tables import environments, repositories, tasks, workflows
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
    former: frozenset[Name] = frozenset()  # what it was called, and where it lay, when it was deployed before

    @property
    def name(self) -> Name:
        """What it is called, and where it lies."""
        return Name(self.file, self.key, self.stack)

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


def environment_rows(
    connection: Connection, repository: int, of: Collection[int] | None = None
) -> tuple[EnvironmentRow, ...]:
    """All environments of a repository that are not forgotten, by id.

    `of`: what was called off before it began in other deployments than these does not count as the latest of any.
    """
    last = tasks.alias()
    latest = environments.c.last_task_id if of is None else _latest_of(of)
    columns = (
        environments,
        workflows.c.file,
        workflows.c.name.label("workflow"),
        last.c.id.label("last_id"),
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
        .outerjoin(last, last.c.id == latest)
        .where(workflows.c.repository_id == repository, environments.c.detached.is_(False))
        .order_by(environments.c.id)
    )
    return tuple(_row(row) for row in connection.execute(query).mappings())


def _latest_of(numbers: Collection[int]) -> ScalarSelect[int | None]:
    """The id of the latest that was done to an environment, or is of these deployments: not what was called off."""
    own = tasks.alias()
    adopted = (own.c.action == TaskAction.ADOPT.value) & (own.c.state == TaskState.SUCCEEDED.value)
    called_off = own.c.state.in_((TaskState.CANCELLED.value, TaskState.BLOCKED.value)) & ~own.c.started
    work = own.c.action.in_((TaskAction.DEPLOY.value, TaskAction.DESTROY.value)) & (
        ~called_off | own.c.deployment_id.in_(numbers)
    )
    of_it = own.c.environment_id == environments.c.id
    return select(func.max(own.c.id)).where(of_it, work | adopted).scalar_subquery()


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
        last_task=row["last_task_id"] if row["last_id"] is None else row["last_id"],
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
        former=frozenset(Name(one["file"], one["key"], Stack(**one["stack"])) for one in row["former"] or ()),
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
    return identities([Known(row.id, row.file, row.key, row.stack, row.used, row.former) for row in rows], declared)


def stack_of(environment: Environment) -> Stack:
    """Where an environment lies and what runs it."""
    return Stack(environment.path, environment.tool.value, environment.workspace or "")
