"""What a CI file has a job for: environments as jobs with their upstreams, waves as chains of matrix jobs."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from planner.ci.matrix import shards
from planner.definition import Environment, Workflow
from planner.graph import Graph
from planner.problems import PlannerError
from planner.slugs import slugs
from planner.variables import effective_variables

LONGEST_SCOPE = 40
SPARE_MINUTES = 10
"""What a job may take beyond its environment's timeout, so that Headwater ends the tool, with grace, not GitHub."""
ANY_RUNNER = ("ubuntu-latest",)

_SECRET = re.compile(r"(?!GITHUB_)[A-Za-z_][A-Za-z0-9_]*", re.IGNORECASE)
_TOOL_VERSION = re.compile(r"[0-9A-Za-z.~<>=^*, +-]*[0-9][0-9A-Za-z.~<>=^*, +-]*")


@dataclass(frozen=True, slots=True)
class Profile:
    """What the job of an environment needs of GitHub: jobs of one matrix differ in nothing else."""

    runs_on: tuple[str, ...]
    minutes: int | None
    github_environment: str
    version: str
    secrets: tuple[str, ...]
    plan_secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """One environment as a job. `key` is its slug, made unique among all workflows of the file; so are `upstreams`."""

    key: str
    workflow: str
    alias: str
    tool: str
    wave: int
    upstreams: tuple[str, ...]
    profile: Profile

    @property
    def guarded(self) -> bool:
        """Whether the job itself has a reason to run in a GitHub environment: it is told to, or holds a secret."""
        return bool(self.profile.github_environment or self.profile.secrets)


@dataclass(frozen=True, slots=True)
class Step:
    """The place of a matrix job in the chain of one workflow: `before` are the jobs of the place before it."""

    id: str
    before: tuple[str, ...]
    secrets: tuple[str, ...]
    guarded: bool


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All that a rendered file says of one workflow. `scope` begins its keys, and is empty where it is the only one."""

    name: str
    scope: str
    jobs: tuple[Job, ...]
    steps: tuple[Step, ...]


def pipelines_of(workflows: Sequence[Workflow]) -> tuple[Pipeline, ...]:
    scopes = scopes_of(workflows)
    return tuple(_pipeline(one, f"{scopes[one.name]}_" if len(workflows) > 1 else "") for one in workflows)


def scopes_of(workflows: Sequence[Workflow]) -> dict[str, str]:
    """A short slug of each workflow's name: with an environment's slug it stays below GitHub's 100 characters a job."""
    return {name: _shortened(slug) for name, slug in slugs([one.name for one in workflows]).items()}


def _shortened(slug: str) -> str:
    if len(slug) <= LONGEST_SCOPE:
        return slug
    return f"{slug[: LONGEST_SCOPE - 9]}-{hashlib.sha256(slug.encode()).hexdigest()[:8]}"


def _pipeline(workflow: Workflow, scope: str) -> Pipeline:
    by_alias = {one.alias: one for one in workflow.environments}
    whole = Graph.of(workflow)
    graph = whole.without(alias for alias, one in by_alias.items() if one.disabled is True)
    jobs = tuple(
        Job(
            key=scope + by_alias[alias].slug,
            workflow=workflow.name,
            alias=alias,
            tool=by_alias[alias].tool.value,
            wave=whole.wave[alias],
            upstreams=tuple(scope + by_alias[one].slug for one in _upstreams(graph, alias, by_alias)),
            profile=_profile(workflow, by_alias[alias]),
        )
        for alias in graph.order
    )
    return Pipeline(workflow.name, scope, jobs, _steps(scope, jobs))


def _upstreams(graph: Graph, alias: str, by_alias: Mapping[str, Environment]) -> tuple[str, ...]:
    """What an environment waits for; the order also passes through what a variable may disable (`${VAR}`)."""
    found: dict[str, None] = {}
    waiting = list(reversed(graph.needs[alias]))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = None
            if by_alias[one].disabled is not False:
                waiting.extend(reversed(graph.needs[one]))
    return tuple(found)


def _profile(workflow: Workflow, environment: Environment) -> Profile:
    named = [one.variable for one in effective_variables(workflow, environment) if one.variable.from_secret]
    for one in named:
        if _SECRET.fullmatch(one.from_secret or "") is None:
            raise PlannerError(
                f"{one.place}: GitHub has no secret of the name {one.from_secret!r}: letters, digits and _ only, "
                "beginning with no digit and not with GITHUB_"
            )
    version = environment.version or ""
    return Profile(
        runs_on=environment.runs_on or ANY_RUNNER,
        minutes=None if environment.timeout is None else int(-(-environment.timeout // 60)) + SPARE_MINUTES,
        github_environment=environment.github_environment or "",
        version=version.replace(",", " ") if _TOOL_VERSION.fullmatch(version) else "latest",
        secrets=tuple(sorted({str(one.from_secret) for one in named})),
        plan_secrets=tuple(sorted({str(one.from_secret) for one in named if one.plan})),
    )


def _steps(scope: str, jobs: Sequence[Job]) -> tuple[Step, ...]:
    """The matrix jobs of a workflow. The n-th place serves the n-th wave that is not empty, whichever that is.

    So no place lies empty between two that are used, and each need only look at the place before it.
    """
    sizes = [size for _, size in sorted(Counter(job.wave for job in jobs).items())]
    secrets = names_in(job.profile.secrets for job in jobs)
    guarded = any(job.guarded for job in jobs)
    found: list[Step] = []
    before: tuple[str, ...] = ()
    for place in range(len(sizes)):
        here = tuple(f"wave-{scope}{place}-{number}" for number in range(max(map(shards, sizes[place:]))))
        found.extend(Step(one, before, secrets, guarded) for one in here)
        before = here
    return tuple(found)


def names_in(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for group in groups for name in group}))
