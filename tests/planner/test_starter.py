from __future__ import annotations

from collections.abc import Iterable

from hypothesis import example, given
from hypothesis import strategies as st

from planner.definition import Tool
from planner.format.parsing import parse_file
from planner.reading import Reading, read
from planner.stacks import FoundStack, find_stacks
from planner.starter import missing_templates, starter_file, templates_file, undeployable_tools, unknown_templates

TREE = {
    "README.md": b"",
    "infra/vpc/main.tf": b'module "a" {\n  source = "../../lib/a"\n}\nmodule "r" { source = "terraform-aws-modules/vpc/aws" }\n',
    "lib/a/main.tf": b"",
    "lib/a/nested/x.tf.json": b'{"module": {"b": {"source": "../../b//sub"}}}',
    "lib/b/main.tf": b"",
    "modules/unused/main.tf": b"",
    "infra/tofu/main.tofu": b"",
    "services/billing/plan": b"",
    "services/billing/apply": b"",
    "services/half/plan": b"",
    "charts/app/Chart.yaml": b"",
    "live/terragrunt.hcl": b"",
    "live/main.tf": b"",
    ".terraform/modules/x/main.tf": b"",
    "infra/vpc/.terraform/y/main.tf": b"",
    "bad\x07name/main.tf": b"",
}


def contents(paths: Iterable[str]) -> dict[str, bytes]:
    return {path: TREE[path] for path in paths}


def found() -> tuple[FoundStack, ...]:
    return find_stacks(TREE, lambda path: path.startswith("services/billing"), contents)


def read_one(text: str) -> Reading:
    return read({"headwater.yml": text.encode()}, lambda _: "folder")


def test_stacks_are_found_and_modules_are_not() -> None:
    assert {stack.path: stack.tool for stack in found()} == {
        "charts/app": Tool.HELM,
        "infra/tofu": Tool.OPENTOFU,
        "infra/vpc": Tool.TERRAFORM,
        "lib/a/nested": Tool.TERRAFORM,
        "live": Tool.TERRAGRUNT,
        "services/billing": Tool.SCRIPT,
    }
    assert undeployable_tools(found()) == (Tool.HELM, Tool.TERRAGRUNT)


def test_what_is_not_executable_is_no_script() -> None:
    assert all(stack.tool is not Tool.SCRIPT for stack in find_stacks(TREE, lambda _: False, contents))


def test_the_starter_file_teaches_and_is_read() -> None:
    text = starter_file([FoundStack("infra/vpc", Tool.TERRAFORM), FoundStack("services/billing", Tool.SCRIPT)])
    assert (
        text
        == """\
# What Headwater deploys from this repository, and in which order.
#   headwater lint                checks this file
#   headwater graph --work-tree   draws it
#   headwater plan                shows what would change, once this is committed

environments:
  vpc:  # its alias: how commands, comments and `needs` name it
    vcs:
      type: terraform
      path: infra/vpc
      # terraformVersion: "1.11.4"  # without it the newest that is found
    # needs: [billing]  # deployed after these
    # requiresApproval: true  # every deploy of it waits for an approval
    # variables:
    #   vpc_id: ${environments.billing.outputs.NAME}  # an output of what it needs
  billing:
    vcs:
      type: script
      path: services/billing

# When a pull request is merged, nothing is deployed until somebody says so.
# true: what the merge affects is deployed at once, in order.
triggers:
  deployOnMerge: false
"""
    )
    assert read_one(text).problems == ()


def test_what_it_suggests_is_no_circle() -> None:
    text = starter_file([FoundStack(path, Tool.TERRAFORM) for path in ("vpc", "db", "app")])
    reading = read_one(text.replace("# needs:", "needs:"))
    assert reading.problems == ()
    assert [one.needs for one in reading.definitions.workflows[0].environments] == [("db",), ("app",), ()]


def test_without_a_stack_it_says_how_one_is_written() -> None:
    text = starter_file(())
    assert "vcs: {type: terraform, path: infra/db}" in text
    assert read_one(text).problems == ()


PATHS = st.lists(
    st.text(alphabet="ab/é :#\"'1.-😀{", max_size=8).map(lambda text: text.strip("/")), unique=True, max_size=6
)


@example(paths=[" ", "1/ "])
@given(PATHS)
def test_whatever_the_folders_are_called_the_starter_file_is_read(paths: list[str]) -> None:
    paths = [path for path in paths if not any(part in ("", ".", "..") for part in path.split("/"))]
    stacks = [FoundStack(path, Tool.TERRAFORM) for path in paths]
    reading = read_one(starter_file(stacks))
    assert reading.errors == ()
    assert [one.path for one in reading.definitions.workflows[0].environments] == paths


def test_the_missing_templates_of_an_env0_file() -> None:
    workflow = (
        b"environments:\n  a: {templateName: VPC}\n  b: {templateName: Billing Service}\n  c: {templateName: Other}\n"
    )
    files = [
        parse_file("w/env0.workflow.yml", workflow),
        parse_file("headwater.yml", b"templates: {Other: {type: helm}}\n"),
    ]
    assert unknown_templates(files) == ("VPC", "Billing Service")
    assert unknown_templates(files[:1]) == ("VPC", "Billing Service", "Other")
    text = missing_templates(("VPC", "Billing Service", "Other"), found())
    assert (
        text
        == """\
# What `templateName` names in the workflow files of this repository. In env0 these are kept by env0.
templates:
  VPC:
    type: terraform
    path: infra/vpc  # guessed from the name: check it
  "Billing Service":
    type: script
    path: services/billing  # guessed from the name: check it
  Other:
    type: terraform  # CHECK: no folder of this repository is called like this template
    path: "<fill in the folder of its code>"
"""
    )


def test_what_could_not_be_known_is_refused_until_it_is_filled_in() -> None:
    (error,) = read_one(templates_file(["null"], ())).errors
    assert "still waits to be filled in" in error.message
    assert read_one(templates_file(["infra vpc"], found())).problems == ()


def test_two_folders_that_fit_as_well_are_no_guess() -> None:
    stacks = [FoundStack("eu/vpc", Tool.TERRAFORM), FoundStack("us/vpc", Tool.TERRAFORM)]
    assert "fill in" in missing_templates(["vpc"], stacks)
    assert "path: us/vpc" in missing_templates(["vpc us"], stacks)


def test_a_folder_that_shares_only_its_parents_words_is_no_guess() -> None:
    stacks = [FoundStack("multi-iac-chaining/helm-argocd", Tool.HELM)]
    assert "fill in" in missing_templates(["multi-iac-eks-cluster"], stacks)
    assert "path: multi-iac-chaining/helm-argocd" in missing_templates(["multi-iac-argocd"], stacks)
