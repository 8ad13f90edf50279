"""Every key that a workflow file may have: the one table that the reader and the published JSON Schema share."""

from __future__ import annotations

import re

from planner.definition import Caution, Json, Removal, Tool
from planner.format.formats import (
    CRON_PATTERN,
    DISABLED_PATTERN,
    INTERPOLATED_PATTERN,
    TIMEOUT_PATTERN,
    WORKSPACE_PATTERN,
    cron_refusal,
    disabled_refusal,
    glob_refusal,
    https_refusal,
    interpolated_refusal,
    path_refusal,
    timeout_refusal,
    version_refusal,
    workspace_refusal,
)
from planner.format.records import Key, Record
from planner.format.shapes import AnyValue, Choice, Count, Flag, FlagOrText, ListOf, MapOf, Schema, Text
from planner.format.variable_shape import Variables


def _blank_refusal(text: str) -> str | None:
    return None if text.strip() else "is made of spaces: write something to be seen"


_WHO = r"^(read|triage|write|maintain|admin|@[A-Za-z0-9-]+/[A-Za-z0-9_.-]+)$"


def _who_refusal(text: str) -> str | None:
    if re.match(_WHO, text):
        return None
    return f"{text!r} is nobody: write read, triage, write, maintain, admin or @organisation/team"


LONGEST_ALIAS = 200
"""Characters."""


def _alias_refusal(text: str) -> str | None:
    """An alias stands in comments, names of jobs and commands."""
    if len(text) > LONGEST_ALIAS:
        return f"has {len(text):,} characters: at most {LONGEST_ALIAS}, and `name` may be longer"
    return _blank_refusal(text)


_VISIBLE = Text(_blank_refusal, r"\S")
_ALIAS = Text(_alias_refusal, rf"^(?=.*\S).{{1,{LONGEST_ALIAS}}}$")
_VERSION = Text(version_refusal, "^(?!-)")
_FILLED_IN = Text(interpolated_refusal, INTERPOLATED_PATTERN)
_WORKSPACE = Text(workspace_refusal, WORKSPACE_PATTERN)
_NAMES = ListOf(Text())
_WHO_LIST = ListOf(Text(_who_refusal, _WHO))
_COMMANDS = ListOf(Text())
_CAUTION = Choice(tuple(one.value for one in Caution))

VERSION_KEYS: dict[Tool, str] = {
    Tool.TERRAFORM: "terraformVersion",
    Tool.OPENTOFU: "opentofuVersion",
    Tool.TERRAGRUNT: "terragruntVersion",
    Tool.PULUMI: "pulumiVersion",
    Tool.ANSIBLE: "ansibleVersion",
    Tool.HELM: "helmVersion",
    Tool.K8S: "k8sVersion",
}
"""Which key gives the version of which tool; `version` does for every tool."""

_IGNORED_ENV0_KEYS = (
    *("tokenId", "tokenName", "sshKeys", "githubInstallationId", "bitbucketClientKey", "vcsConnectionId"),
    *("gitlabProjectId", "isGitLab", "isGitLabEnterprise", "isGitHubEnterprise", "isBitbucketServer", "isAzureDevOps"),
)

_CODE_KEYS = (
    Key("type", Choice(tuple(one.value for one in Tool)), "The tool that deploys it."),
    Key(
        "path",
        Text(path_refusal, r"^(?!/*\.\.(/|$))(?!<fill in)", may_be_empty=True),
        "The folder of its code, from the root of the repository.",
    ),
    Key("repository", Text(), "The https address of another repository that holds the code."),
    Key("revision", _FILLED_IN, "Deploy it at this branch, tag or commit instead of the event's commit."),
    Key("version", _VERSION, "The version of the tool, whichever it is."),
    *(Key(name, _VERSION, f"The version of {tool.value}.") for tool, name in VERSION_KEYS.items()),
    Key("terragruntTfBinary", Choice(("terraform", "opentofu")), "What terragrunt runs."),
    Key("fileName", Text(), "The file of a CloudFormation template."),
    Key("helmChartName", Text(), "The name of a chart in a Helm repository."),
    Key("isHelmRepository", Flag(), "Whether `repository` is a Helm repository."),
    *(Key(name, AnyValue(), "For env0 alone; Headwater does not use it.") for name in _IGNORED_ENV0_KEYS),
)

VCS = Record("`vcs`", _CODE_KEYS, required=("type",))
TEMPLATE = Record("a template", _CODE_KEYS, required=("type",))

_STEP = Record(
    "a step",
    (
        Key("before", _COMMANDS, "Commands to run before the step."),
        Key("after", _COMMANDS, "Commands to run after the step."),
    ),
)
STEPS = ("init", "plan", "apply", "outputs", "destroy")

ENVIRONMENT = Record(
    "an environment",
    (
        Key("name", _FILLED_IN, "The name for people; may hold ${VAR}."),
        Key("vcs", VCS, "Where its code is and which tool deploys it. Not together with `templateName`."),
        Key("templateName", Text(), "The template that says where its code is. Not together with `vcs`."),
        Key("needs", _NAMES, "The aliases of the environments that must be deployed before it."),
        Key("requiresApproval", Flag(), "Every deploy of it waits for an approval."),
        Key(
            "disabled",
            FlagOrText(Text(disabled_refusal, DISABLED_PATTERN, may_be_empty=True)),
            "Leave it out; the order passes through it. May hold ${VAR}.",
        ),
        Key(
            "workspace",
            _WORKSPACE,
            "The Terraform workspace, Helm release, Pulumi or CloudFormation stack; may hold ${VAR}.",
        ),
        Key(
            "revision",
            _FILLED_IN,
            "Deploy it at this branch, tag or commit instead of the event's commit; may hold ${VAR}.",
        ),
        Key("variables", Variables(), "Its own variables; they win over the workflow's."),
        Key(
            "watch",
            ListOf(Text(glob_refusal, r"^(?!/)(?!(.*/)?\.\.(/|$))")),
            "More files that it reads: globs from the root of the repository.",
        ),
        Key(
            "timeout",
            Text(timeout_refusal, TIMEOUT_PATTERN, number_will_do=False),
            "The longest that one attempt may take: 90s, 30m, 2h.",
        ),
        Key("runsOn", ListOf(Text(), single=True), "The labels of the CI runner that its jobs need."),
        Key("githubEnvironment", Text(), "The GitHub environment of its deploy jobs."),
        Key("movedFrom", Text(), "The alias that it had before, so that its state goes along."),
        Key(
            "ignoreDifferences",
            _NAMES,
            "Attributes (ADDRESS.ATTRIBUTE globs) whose differences are shown, not compared.",
        ),
        Key(
            "steps",
            Record("`steps`", tuple(Key(name, _STEP, f"Around {name}.") for name in STEPS)),
            "Commands around the tool's steps.",
        ),
    ),
    one_of=("vcs", "templateName"),
)

TRIGGERS = Record(
    "`triggers`",
    (
        Key("branches", _NAMES, "The branches whose pushes count; without it the default branch."),
        Key("deployOnMerge", Flag(), "Deploy what a merge affects. Default: false."),
    ),
)
PERMISSIONS = Record(
    "`permissions`",
    (
        Key("deploy", _WHO_LIST, "Who may deploy. Default: [write]."),
        Key("approve", _WHO_LIST, "Who may approve. Default: [write]."),
        Key("admin", _WHO_LIST, "Who may use --force, and free what others hold. Default: [admin]."),
    ),
)
REQUIREMENTS = Record(
    "`requirements`",
    (
        Key("approvals", Count(100), "How many people must have approved the head commit. Default: 0."),
        Key("codeOwners", Flag(), "Whether code owners must have approved. Default: false."),
        Key("selfApproval", Flag(), "Whether one may approve one's own deploy. Default: false."),
        Key(
            "upToDate",
            Choice(("environment", "branch", "none")),
            "What must not have changed on the base branch. Default: environment.",
        ),
        Key("checks", Choice(("required", "all", "none")), "Which other checks must have passed. Default: required."),
    ),
)

ONLY_IN_ROOT = ("permissions", "requirements", "repositories")
SHARED_KEYS = ("templates", "variables", "triggers", *ONLY_IN_ROOT)

FILE = Record(
    "a workflow file",
    (
        Key("name", _VISIBLE, "The name of the workflow; without it the folder of the file."),
        Key("environments", MapOf(ENVIRONMENT, _ALIAS, "environment", "alias"), "The environments, by alias."),
        Key(
            "settings",
            Record(
                "`settings`",
                (
                    Key(
                        "environmentRemovalStrategy",
                        Choice(tuple(one.value for one in Removal)),
                        "What becomes of an environment that is taken out. Default: detach.",
                    ),
                ),
            ),
            "Settings of the workflow.",
        ),
        Key("variables", Variables(), "Variables for every environment."),
        Key("templates", MapOf(TEMPLATE, _VISIBLE, "template", "name of the template"), "What `templateName` names."),
        Key("triggers", TRIGGERS, "When the workflow is deployed by itself."),
        Key(
            "drift",
            Record(
                "`drift`",
                (Key("schedule", Text(cron_refusal, CRON_PATTERN), "When to look for drift, as cron (UTC)."),),
            ),
            "Looking for drift.",
        ),
        Key("firstDeploy", _CAUTION, "`approve`: every first deploy of an environment waits for an approval."),
        Key("downstream", _CAUTION, "`approve`: every difference below a changed upstream waits for an approval."),
        Key("unseenPlans", _CAUTION, "`apply`: a plan that nobody saw goes on after a merge."),
        Key("permissions", PERMISSIONS, "Who may do what. Only in headwater.yml at the root, from the default branch."),
        Key(
            "requirements", REQUIREMENTS, "What a deploy from a pull request takes. Only in headwater.yml at the root."
        ),
        Key(
            "repositories",
            ListOf(Text(https_refusal, r"^[Hh][Tt][Tt][Pp][Ss]://[^@\s]+$")),
            "Other repositories that `vcs.repository` may name. Only in headwater.yml at the root.",
        ),
    ),
)


def json_schema() -> dict[str, Json]:
    """The JSON Schema (draft 2020-12) of workflow files."""
    head: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headwater workflow file",
        "description": "env0.workflow.yml, env0.workflow.yaml, headwater.yml and headwater.yaml.",
    }
    return head | FILE.schema() | {"anyOf": [{"required": [name]} for name in ("environments", *SHARED_KEYS)]}
