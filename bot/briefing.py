"""What one attempt is told: its values, what it may apply, where it finds its code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, select

from bot.decide.acceptance import Acceptance, AcceptanceFacts, Reviewed, acceptance
from bot.decide.facts import Missing, TaskAction, Why
from bot.decide.inputs import Inputs, Output, inputs
from bot.decide.trust import Placement, careful, placement, without_new_power
from bot.errors import HeadwaterError, StoreError
from bot.project import Project, Trust
from bot.store import rivals
from bot.store.deployments import Flags
from bot.store.tables import environments, plans, task_needs, tasks, workflows
from bot.store.values import WHOLE_WORKFLOW, read_kept, read_outputs
from planner.definition import Environment, Json, OutputReference, Workflow
from planner.problems import PlannerError
from planner.variables import effective_variables, plain_texts, resolve

LOCK_TIMEOUT = 60.0
"""Seconds that a deploy waits for a state lock that somebody else holds."""

_KINDS = {
    TaskAction.PLAN: "plan",
    TaskAction.PLAN_DESTROY: "destroy-plan",
    TaskAction.DEPLOY: "deploy",
    TaskAction.ADOPT: "deploy",
    TaskAction.DESTROY: "destroy",
    TaskAction.UNLOCK: "unlock",
}

_LOCK = "state-lock: "

# Asked for each attempt, so made once: making statements costs more than running them.

_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_ROWS = (
    select(tasks, environments.c.digest_key, environments.c.state_id, environments.c.deployed)
    .join(environments, tasks.c.environment_id == environments.c.id)
    .where(tasks.c.id.in_(_IDS))
    .order_by(tasks.c.rank.desc(), tasks.c.position)
)
_CHANGED = (
    select(tasks.c.alias)
    .join(task_needs, task_needs.c.upstream_id == tasks.c.id)
    .where(task_needs.c.task_id == bindparam("task"), tasks.c.changed.is_(True))
)
_REVIEWED = select(plans.c.leaves, plans.c.unseen).where(plans.c.id == bindparam("plan"))


def because_of_lock(lock: str) -> str:
    """Why a task is there that frees this lock: the one place where its id is kept."""
    return f"{_LOCK}{lock}"


def lock_named(reasons: Sequence[str]) -> str | None:
    """The id of the lock that a task is to free, if it is there for that."""
    return next((one.removeprefix(_LOCK) for one in reasons if one.startswith(_LOCK)), None)


@dataclass(frozen=True, slots=True)
class Settings:
    """What every attempt of this machine gets: seconds."""

    beat_every: float = 1.0
    grace: float = 60.0
    refuse_no_backend: bool = False  # where the state folder does not outlive the job


@dataclass(frozen=True, slots=True)
class Brief:
    """One environment ready to be worked on: all `${VAR}` filled in, all values found or known to be missing."""

    environment: Environment
    workflow: Workflow
    inputs: Inputs
    reads: frozenset[str] = frozenset()  # the aliases whose outputs it is given, as they are compared
    placement: Placement | None = None  # where a job runs; None: on this machine

    @property
    def sensitive(self) -> list[Json]:
        """What no log may show: whole values, since what is within a list or map must not be seen either."""
        return [value.value for value in self.inputs.values if value.sensitive and value.from_secret is None]

    def without(self, upstreams: Iterable[str]) -> tuple[Missing, ...]:
        """What it lacks where these are not deployed; one that is disabled is not waited for."""
        declared = [(alias, self.workflow.environment(alias)) for alias in upstreams]
        return tuple(
            Missing(alias, alias, Why.UPSTREAM) for alias, one in declared if one is None or one.disabled is not True
        )


class Briefing:
    """Makes briefs for the tasks of one deployment, within one transaction."""

    def __init__(self, connection: Connection, project: Project, told: Flags, settings: Settings) -> None:
        self._connection = connection
        self._project = project
        self._told = told
        self._settings = settings

    def rows(self, ids: Sequence[int]) -> Sequence[Row[Any]]:
        """These tasks and what is needed of their environments, the best first."""
        return self._connection.execute(_ROWS, {"ids": ids}).all()

    def brief(self, task: Row[Any]) -> Brief:
        """What the environment of a task is given now."""
        workflow = self._project.workflow(task.commit, self._file, task.alias)
        environment = self._declared(workflow, task)
        effective = effective_variables(
            workflow,
            environment,
            kept_workflow=self._kept.get(WHOLE_WORKFLOW, {}),
            kept_environment=self._kept.get(task.environment_id, {}),
            given=self._given,
        )
        trusted = None if self._trust is None else self._trust(self._file, task.alias, task.commit)
        effective, untrusted = (effective, ()) if trusted is None else without_new_power(effective, trusted)
        needs_power = TaskAction(task.action).needs_power
        references = {one for each in effective for one in each.variable.references}
        found = inputs(
            effective,
            self._outputs(references, workflow),
            self._project.secrets,
            planning=not needs_power,
        )
        reads = frozenset(one.alias.casefold() for one in references)
        found = replace(found, missing=(*found.missing, *untrusted))
        where = None if trusted is None else placement(trusted, mutates=needs_power)
        held = workflow if trusted is None else careful(workflow, trusted)
        return Brief(resolve(environment, plain_texts(effective)), held, found, reads, where)

    def lacks(self, due: Sequence[Row[Any]]) -> dict[int, tuple[Missing, ...]]:
        """What each of these tasks lacks whose turn has come: values, and what it needs and nobody has deployed."""
        needs = {task.id: task.upstreams for task in due if TaskAction(task.action) is TaskAction.DEPLOY}
        absent = rivals.absent(self._connection, self._told.id, {one for of_it in needs.values() for one in of_it})
        found: dict[int, tuple[Missing, ...]] = {}
        for task in due:
            try:
                brief = self.brief(task)
            except StoreError:  # not this environment's fault, nor of any other
                raise
            except (HeadwaterError, PlannerError) as error:
                found[task.id] = (Missing(str(error), "its definition", Why.DEFINITION),)
            else:
                gone = [absent[one] for one in needs.get(task.id, ()) if one in absent]
                lacks = [one for one in brief.inputs.missing if one.why is not Why.OUTPUT or one.source not in gone]
                found[task.id] = (*brief.without(gone), *lacks)
        return found

    def spec(self, task: Row[Any], brief: Brief, attempt: str, seal_key: bytes) -> dict[str, Json]:
        """What the runner is told of one of `rows`; it holds secrets, so it goes through a pipe."""
        environment = brief.environment
        accepted = self._acceptance(task, brief)
        return {
            "attempt": attempt,
            "correlation": self._told.correlation,
            "kind": _KINDS[TaskAction(task.action)],
            "state_lock": lock_named(task.reasons),
            "alias": environment.alias,
            "slug": environment.slug,
            "tool": environment.tool.value,
            "version": environment.version,
            "path": environment.path,
            "workspace": environment.workspace,
            "repository": environment.repository,
            "placement": None if brief.placement is None else asdict(brief.placement),
            "mirror": str(self._project.mirror.folder),
            "commit": task.source_commit,
            "variables": [
                {"name": one.name, "value": one.value, "sensitive": one.sensitive}
                if one.from_secret is None
                else {"name": one.name, "from_secret": one.from_secret, "sensitive": True}
                for one in brief.inputs.values
            ],
            "state_file": str(self._project.state_file(task.state_id)),
            "refuse_no_backend": self._settings.refuse_no_backend,
            "timeout": environment.timeout,
            "grace": self._settings.grace,
            "beat_every": self._settings.beat_every,
            "digest_key": task.digest_key.hex(),
            "seal_key": seal_key.hex(),
            "ignore_differences": list(environment.ignore_differences),
            "lock_timeout": LOCK_TIMEOUT,
            "accept": {
                "all": accepted.everything,
                "shown": dict(accepted.reviewed.leaves) if accepted.reviewed else None,
                "paths": list(accepted.reviewed.paths) if accepted.reviewed else [],
                "unseen": accepted.unseen.value,
                "less": accepted.reviewed is not None and accepted.reviewed.less,
            },
        }

    def _acceptance(self, task: Row[Any], brief: Brief) -> Acceptance:
        changed = self._connection.execute(_CHANGED, {"task": task.id}).scalars() if brief.reads else ()
        return acceptance(
            AcceptanceFacts(
                action=TaskAction(task.action),
                requires_approval=task.requires_approval,
                auto_approve=self._told.auto_approve,
                approved=self._reviewed(task.approved_plan_id, approved=True),
                shown=self._reviewed(task.shown_plan_id),
                never_deployed=not task.deployed,
                awaited_output=task.awaited_output,
                continuous=self._told.continuous,
                retried=self._told.retry_of is not None,
                upstream_changed=any(alias.casefold() in brief.reads for alias in changed),
                first_deploy=brief.workflow.first_deploy,
                downstream=brief.workflow.downstream,
                unseen_plans=brief.workflow.unseen_plans,
            )
        )

    def _reviewed(self, plan: int | None, *, approved: bool = False) -> Reviewed | None:
        """A plan that somebody saw; an approval also covers the paths at which it differed from what was shown."""
        if plan is None:
            return None
        row = self._connection.execute(_REVIEWED, {"plan": plan}).one()
        return Reviewed(row.leaves, tuple(row.unseen) if approved else ())

    def _ids(self, keys: set[str], workflow: Workflow) -> dict[str, int]:
        """The environments of these aliases; one renamed and not deployed since is known to this deployment."""
        stored = select(environments.c.alias_key, environments.c.id).where(
            environments.c.workflow_id == self._told.workflow,
            environments.c.detached.is_(False),
            environments.c.alias_key.in_(keys),
        )
        spelled = [one.alias for one in workflow.environments if one.key in keys]
        here = select(tasks.c.alias, tasks.c.environment_id).where(
            tasks.c.deployment_id == self._told.id, tasks.c.alias.in_(spelled)
        )
        ids: dict[str, int] = {row.alias_key: row.id for row in self._connection.execute(stored)}
        return ids | {row.alias.casefold(): row.environment_id for row in self._connection.execute(here)}

    def _outputs(self, references: set[OutputReference], workflow: Workflow) -> dict[OutputReference, Output]:
        """The outputs that are referred to, of the workflow's environments as they stand."""
        if not references:
            return {}
        ids = self._ids({one.alias.casefold() for one in references}, workflow)
        found = read_outputs(self._connection, self._project.vault, ids.values())
        return {
            one: found[ids[one.alias.casefold()]][one.output]
            for one in references
            if one.output in found.get(ids.get(one.alias.casefold(), -1), {})
        }

    def _declared(self, workflow: Workflow, task: Row[Any]) -> Environment:
        named = workflow.environment(task.alias)
        if named is None:  # it was renamed since the deployment was made
            alias = select(environments.c.alias).where(environments.c.id == task.environment_id)
            named = workflow.environment(self._connection.execute(alias).scalar_one())
        if named is None:
            raise HeadwaterError(
                f"{task.alias!r} is not in {workflow.file} at {task.commit[:12]}",
                "cancel the deployment (headwater cancel), and deploy again",
            )
        return named

    @cached_property
    def _trust(self) -> Trust | None:
        return self._project.trust()

    @cached_property
    def _file(self) -> str:
        """The workflow's file as it is called now."""
        file: str = self._connection.execute(
            select(workflows.c.file).where(workflows.c.id == self._told.workflow)
        ).scalar_one()
        return file

    @cached_property
    def _kept(self) -> dict[int, dict[str, Json]]:
        kept = read_kept(self._connection, self._project.vault, self._told.workflow)
        forgotten = self._told.forget
        return {
            owner: {name: value for name, value in values.items() if name not in forgotten}
            for owner, values in kept.items()
        }

    @cached_property
    def _given(self) -> Mapping[str, Json]:
        if self._told.given is None:
            return {}
        given = self._project.vault.open(self._told.given)
        return given if isinstance(given, dict) else {}
