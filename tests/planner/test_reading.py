from __future__ import annotations

import subprocess
import sys

import pytest

from planner.definition import Definitions, Environment, Workflow
from planner.format.parsing import parse_file
from planner.problems import DefinitionError
from planner.reading import Reading, assemble, is_workflow_file, read

VPC = "environments:\n  vpc:\n    vcs: {type: terraform, path: infra/vpc}\n"


def everything_is_a_folder(path: str) -> str | None:
    return "folder"


def reading(**files: str) -> Reading:
    named = {name.replace("__", "/") + ".yml": text.encode() for name, text in files.items()}
    return read(named, everything_is_a_folder)


@pytest.mark.parametrize(
    "path",
    [
        "headwater.yml",
        "headwater.yaml",
        "a/env0.workflow.yml",
        "a/b/env0.workflow.yaml",
        ".github/headwater.yml",
        "git/headwater.yml",
    ],
)
def test_workflow_files_lie_anywhere(path: str) -> None:
    assert is_workflow_file(path)


@pytest.mark.parametrize(
    "path",
    [
        "env0.yml",
        "my-headwater.yml",
        "headwater.yml.bak",
        ".git/headwater.yml",
        "a/.git/x/env0.workflow.yml",
        "headwater.yml/x",
        "Headwater.yml",
    ],
)
def test_other_files_are_none(path: str) -> None:
    assert not is_workflow_file(path)


def test_a_workflow_is_called_by_its_name_or_its_folder() -> None:
    found = reading(
        headwater=VPC, team__shop__headwater=VPC + "    workspace: a\n", x__headwater="name: Named\nenvironments: {}\n"
    )
    assert [workflow.name for workflow in found.definitions.workflows] == ["main", "team/shop", "Named"]


def test_the_root_file_without_environments_is_no_workflow() -> None:
    found = reading(headwater="variables: {A: b}\n", team__headwater=VPC)
    assert [workflow.file for workflow in found.require().workflows] == ["team/headwater.yml"]


def test_a_file_of_its_own_wins_over_the_root_file() -> None:
    root = "variables: {A: root, B: root}\ntemplates:\n  net: {type: terraform, path: infra/vpc}\ntriggers: {branches: [main], deployOnMerge: true}\n"
    team = (
        "variables: {B: team}\ntriggers: {deployOnMerge: false}\ntemplates:\n  net: {type: opentofu, path: infra/own}\n"
        "environments:\n  vpc: {templateName: net}\n"
    )
    other = "environments:\n  vpc: {templateName: net}\n"
    own, shared = reading(headwater=root, a__headwater=team, b__headwater=other).require().workflows
    assert {one.name: (one.value, one.place.file) for one in own.variables} == {
        "A": ("root", "headwater.yml"),
        "B": ("team", "a/headwater.yml"),
    }
    assert [(one.tool.value, one.path, one.template) for one in own.environments] == [("opentofu", "infra/own", "net")]
    assert [(one.tool.value, one.path, one.template) for one in shared.environments] == [
        ("terraform", "infra/vpc", "net")
    ]
    assert (own.triggers.branches, own.triggers.deploy_on_merge) == (("main",), False)
    assert shared.triggers.deploy_on_merge


def test_what_grants_power_is_read_from_the_root_file_alone() -> None:
    found = reading(headwater="permissions: {deploy: []}\n", a__headwater="permissions: {deploy: [read]}\n" + VPC)
    assert found.definitions.permissions.deploy == ()
    assert len(found.errors) == 1


def test_a_mistake_in_permissions_opens_nothing() -> None:
    assert reading(headwater="permissions: {deploy: [wrte]}\nenvironments: {}\n").definitions.permissions.deploy == ()


def test_errors_stop_and_warnings_do_not() -> None:
    doubled = reading(headwater=VPC + "  db:\n    vcs: {type: script, path: db}\n    needs: [vpc, vpc]\n")
    assert (len(doubled.errors), len(doubled.warnings)) == (0, 1)
    assert isinstance(doubled.require(), Definitions)
    with pytest.raises(DefinitionError, match="headwater.yml:1:1: the file is empty") as error:  # noqa: RUF043
        reading(headwater="").require()
    assert len(error.value.problems) == 1


def test_a_path_is_not_looked_for_at_another_revision_or_repository() -> None:
    text = "repositories: ['https://h/x']\nenvironments:\n  a:\n    vcs: {type: terraform, path: gone, revision: v1}\n"
    text += "  b:\n    revision: v1\n    vcs: {type: terraform, path: gone2}\n"
    text += "  c:\n    vcs: {type: terraform, path: gone3, repository: 'https://h/x'}\n"
    assert read({"headwater.yml": text.encode()}, lambda _: None).errors == ()


def test_the_revision_of_the_environment_wins() -> None:
    text = VPC.replace("infra/vpc", "infra/vpc, revision: v1") + "    revision: v2\n"
    assert reading(headwater=text).require().workflows[0].environments[0].revision == "v2"


def test_files_that_were_parsed_before_give_the_same() -> None:
    files = {"headwater.yml": VPC.encode(), "a/headwater.yml": b"environments: {x: {templateName: no}}"}
    parsed = [parse_file(path, content) for path, content in files.items()]
    assert assemble(reversed(parsed), everything_is_a_folder) == read(files, everything_is_a_folder)


def test_parsed_files_are_values() -> None:
    first, second = (parse_file("headwater.yml", VPC.encode()) for _ in range(2))
    assert first == second
    hash(first)


def ten_thousand(last: str = "") -> bytes:
    lines = ["environments:"]
    for number in range(10_000):
        needs = f"env{number - 1}" if number else last
        lines += [f"  env{number}:", f"    vcs: {{type: terraform, path: infra/e{number}}}", f"    needs: [{needs}]"]
    return "\n".join(lines).encode()


def test_ten_thousand_environments_are_read() -> None:
    (workflow,) = read({"headwater.yml": ten_thousand()}, everything_is_a_folder).require().workflows
    assert len(workflow.environments) == 10_000


def test_a_cycle_of_ten_thousand_is_one_problem() -> None:
    (problem,) = read({"headwater.yml": ten_thousand("env9999")}, everything_is_a_folder).problems
    assert problem.message.startswith("a cycle: env0 -> env9999 -> ")


def test_ten_thousand_wrong_names_take_no_minutes() -> None:
    problems = read({"headwater.yml": ten_thousand().replace(b"[env", b"[enw")}, everything_is_a_folder).problems
    assert len(problems) == 9_999
    assert "did you mean 'env0'" in problems[0].message


def test_what_was_parsed_before_is_read_without_yaml() -> None:
    script = "import sys, planner.reading; sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_an_environment_is_found_without_regard_to_case() -> None:
    (workflow,) = reading(headwater=VPC).require().workflows
    assert isinstance(workflow, Workflow)
    assert isinstance(workflow.environment("VPC"), Environment)


def test_what_is_always_disabled_shares_no_state() -> None:
    second = "  other:\n    vcs: {type: terraform, path: infra/vpc}\n    disabled: "
    assert len(reading(headwater=VPC + second + "${OFF}\n").warnings) == 1
    assert reading(headwater=VPC + second + "true\n").problems == ()


def test_a_version_that_the_code_resolves_is_no_version() -> None:
    text = VPC.replace("infra/vpc", "infra/vpc, terraformVersion: RESOLVE_FROM_TERRAFORM_CODE")
    assert reading(headwater=text).require().workflows[0].environments[0].version is None


def test_a_secret_is_sensitive_whatever_the_file_says() -> None:
    text = "variables:\n  A: {fromSecret: A}\n  B: {fromSecret: B, sensitive: false}\nenvironments: {}\n"
    found = reading(headwater=text)
    assert [one.sensitive for one in found.definitions.workflows[0].variables] == [True, True]
    assert len(found.errors) == 1
