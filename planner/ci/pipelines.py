"""CI files for people who want no bot: whole workflow files of GitHub Actions, reproducible to the byte."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources

from planner.ci.matrix import shards
from planner.ci.pipeline_jobs import Job, Pipeline, Profile, names_in, pipelines_of, scopes_of
from planner.definition import Json, Tool, Workflow
from planner.problems import PlannerError
from planner.variables import effective_variables

LARGEST_FILE = 500_000
"""Bytes of a workflow file that GitHub reads (its limit is 500 KB)."""
LARGEST_OUTPUTS = 900_000
"""Bytes that we let the first job's outputs take, with every environment affected (GitHub's limit is 1 MB a job)."""
LARGEST_VARIABLE = 120_000
"""Bytes of one environment variable (Linux: 128 KiB)."""
LONGEST_EXPRESSION = 20_000
"""Characters of a condition (GitHub's limit on an expression is 21,000)."""

DEPLOY_ENVIRONMENT = "headwater-deploy"
"""The GitHub environment of deploys that hold a secret and name no other: its rules keep pull requests away."""

_PLAIN_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 @:/._+\[\],=<>~-]*")
_RELEASE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!-]*")
_TEMPLATE = "github-actions.yml.j2"


def render_github_actions(
    workflows: Sequence[Workflow],
    *,
    graph: bool,
    base_branch: str,
    version: str,
    whole: bool = True,
    store: bool | None = None,
    setup_action: bool = False,
    package: str | None = None,
) -> str:
    """The text of a `.github/workflows/*.yml` that plans on pull requests and deploys on a push to the branch.

    `graph` gives each environment a job with its real `needs`, else each wave is a matrix. `version` is the release
    of Headwater that the jobs install. `whole` says that these are all workflows of the repository. `store` lets
    deploys share a PostgreSQL store; None means: where a workflow cannot do without. `setup_action` says that the
    repository has `.github/actions/headwater-setup`, which logs in to its clouds. `package` is what the jobs install
    instead of that release, as pip names it. Raises PlannerError where GitHub could not run the file.
    """
    if package is not None and (_PACKAGE.fullmatch(package) is None or ": " in package or " #" in package):
        raise PlannerError(
            f"{package!r} is nothing that pip installs: for example headwater @ git+https://HOST/REPO@SHA"
        )
    if _RELEASE.fullmatch(version) is None:
        raise PlannerError(f"{version!r} is no version of Headwater: give one such as 1.2.3")
    pipelines = pipelines_of(workflows)
    jobs = tuple(job for pipeline in pipelines for job in pipeline.jobs)
    if not jobs:
        raise PlannerError("no environment to render CI jobs for: write a workflow file first (headwater init)")
    reasons = _needs_store(workflows)
    branches = _branches(workflows, base_branch)
    shared = bool(reasons) if store is None else store
    text = _template_text(
        graph=graph,
        pipelines=pipelines,
        jobs=jobs,
        branches=branches,
        version=version,
        whole=whole,
        store=shared,
        package=package or f"{'headwater[postgres]' if shared else 'headwater'}=={version}",
        needs_store=reasons,
        flags=_flags(graph=graph, store=store, package=package),
        shown_branch=base_branch if _PLAIN_BRANCH.fullmatch(base_branch) else "NAME",
        setup_action=setup_action,
        condition=condition,
        title="Headwater" if whole else f"Headwater {scopes_of(workflows)[workflows[0].name]}",
        plans=[f"plan-{number}" for number in range(shards(len(jobs)))],
        plan_secrets=names_in(job.profile.plan_secrets for job in jobs),
        deploy_environment=DEPLOY_ENVIRONMENT,
        tools=[tool for tool in (Tool.TERRAFORM, Tool.OPENTOFU) if any(job.tool == tool for job in jobs)],
        workflows=_json([{"name": one.name, "scope": one.scope} for one in pipelines]),
        settings=_settings(jobs),
        fingerprint=_fingerprint(pipelines, graph=graph),
    )
    _refuse_oversize(text, jobs)
    return text


def _flags(*, graph: bool, store: bool | None, package: str | None) -> str:
    """What the command line needs to render the file again."""
    asked = {None: "", True: " --store", False: " --no-store"}[store]
    return (" --graph" if graph else "") + asked + (f" --package '{package}'" if package else "")


def _branches(workflows: Sequence[Workflow], base_branch: str) -> tuple[str, ...]:
    wanted = {one.triggers.branches or (base_branch,) for one in workflows}
    if len(wanted) > 1:
        raise PlannerError(
            "the workflows deploy from different branches (triggers.branches): render one file for each, "
            "with --workflow NAME"
        )
    return tuple(branch for branches in wanted for branch in branches)


def _needs_store(workflows: Sequence[Workflow]) -> tuple[str, ...]:
    """Why deploys cannot do without a store that outlives the job, in the words of the file's header."""
    reasons = []
    environments = [(workflow, one) for workflow in workflows for one in workflow.environments]
    if any(effective.variable.references for pair in environments for effective in effective_variables(*pair)):
        reasons.append("variables take outputs of other environments")
    if any(one.requires_approval for _, one in environments):
        reasons.append("environments have requiresApproval (headwater approve)")
    return tuple(reasons)


def _settings(jobs: Sequence[Job]) -> str:
    """The profiles, the most usual first, and which environment has which (the first where it is not named)."""
    counts = Counter(job.profile for job in jobs)
    profiles = sorted(counts, key=lambda profile: -counts[profile])
    number = {profile: place for place, profile in enumerate(profiles)}
    text = _json(
        {
            "profiles": [_leg(one) for one in profiles],
            "of": {job.key: number[job.profile] for job in jobs if number[job.profile]},
        }
    )
    if len(text.encode()) > LARGEST_VARIABLE:
        raise PlannerError(
            f"{len(jobs)} environments have too many different settings for one CI file: "
            "render one file per workflow with --workflow NAME, or use the bot"
        )
    return text


def _leg(profile: Profile) -> dict[str, Json]:
    found: dict[str, Json] = {"runs-on": list(profile.runs_on), "minutes": profile.minutes or 360}
    found |= {"version": profile.version, "github-environment": profile.github_environment or DEPLOY_ENVIRONMENT}
    return {**found, "secrets": list(profile.secrets), "plan-secrets": list(profile.plan_secrets)}


def _fingerprint(pipelines: Sequence[Pipeline], *, graph: bool) -> str:
    """A digest of what the file was made from: it tells whether the definitions have moved on since."""
    told: Json
    if graph:
        told = [asdict(one) for one in pipelines]
    else:
        told = [[asdict(step) for step in one.steps] + [one.name, _settings(one.jobs)] for one in pipelines]
    return hashlib.sha256(_json([graph, told]).encode()).hexdigest()[:16]


def condition(job: Job) -> str:
    """When an environment's own job runs: it is affected, and each of its direct upstreams ended as was expected.

    The first job says what to expect: `success` of the affected, `skipped` of the others. An upstream that a failure
    blocked is skipped although success was expected, so it blocks its own downstream in turn. That looks at direct
    upstreams only, and is enough because all that lies downstream of an affected environment is affected too.
    """
    first = "needs.affected.outputs.deploy-"
    parts = ["!cancelled()", f"{first}{job.key} == 'success'"]
    parts += [f"needs.deploy-{one}.result == {first}{one}" for one in job.upstreams]
    text = " && ".join(parts)
    if len(text) > LONGEST_EXPRESSION:
        raise PlannerError(
            f"{job.alias!r} needs {len(job.upstreams)} environments, more than one condition of GitHub holds: "
            "render level matrices (without --graph), or use the bot"
        )
    return text


def _refuse_oversize(text: str, jobs: Sequence[Job]) -> None:
    mend = "render level matrices (without --graph), one file per workflow (--workflow NAME), or use the bot"
    if (size := len(text.encode())) > LARGEST_FILE:
        raise PlannerError(f"the CI file would have {size:,} bytes, GitHub reads {LARGEST_FILE:,}: {mend}")
    size = sum(len(_json([asdict(job), _leg(job.profile)])) for job in jobs)
    if size > LARGEST_OUTPUTS:
        raise PlannerError(f"the matrix of all environments would have {size:,} bytes, GitHub carries 1 MB: {mend}")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_UNSAFE_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def literal(text: str) -> str:
    """A text as a YAML (and JSON) string in which GitHub finds no expression, whatever the text is."""
    inert = text.replace("${{", "${{ '${{' }}")
    return _UNSAFE_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(inert, ensure_ascii=False))


def branch_filter(branch: str) -> str:
    """A branch name as a filter of `on:`, where `+` and a leading `!` would mean something else."""
    escaped = branch.replace("+", "\\+")
    return literal(f"\\{escaped}" if escaped.startswith("!") else escaped)


def _template_text(**values: object) -> str:
    from jinja2 import Environment as Templates  # noqa: PLC0415  (only a rendering command pays for it)
    from jinja2 import FunctionLoader, StrictUndefined  # noqa: PLC0415

    templates = Templates(
        loader=FunctionLoader(lambda name: resources.files("templates").joinpath(name).read_text("utf-8")),
        undefined=StrictUndefined,
        variable_start_string="{=",  # GitHub has taken {{ }}
        variable_end_string="=}",
        autoescape=False,  # noqa: S701  (YAML, not HTML: every text from outside goes through `literal`)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["literal"] = literal
    templates.filters["branch_filter"] = branch_filter
    return templates.get_template(_TEMPLATE).render(**values)
