from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.definition import Environment, Json, OutputReference, Variable, Workflow
from planner.problems import DefinitionError, Place
from planner.variables import (
    Effective,
    MissingOutput,
    Origin,
    UndefinedVariable,
    effective_variables,
    environment_text,
    interpolate,
    plain_texts,
    refused_name,
    resolve,
    value_with_outputs,
)

HERE = Place("team/headwater.yml", 3, 5)
ROOT = Place("headwater.yml", 2, 3)


@pytest.mark.parametrize(
    "name",
    [
        *("TF_CLI_ARGS", "TF_CLI_ARGS_plan", "TF_DATA_DIR", "TF_WORKSPACE", "TF_LOG", "TF_PLUGIN_CACHE_DIR"),
        *(
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "PATH",
            "GIT_SSH_COMMAND",
            "PYTHONPATH",
            "BASH_ENV",
            "ENV",
            "SHELLOPTS",
        ),
        *("IFS", "HEADWATER_KEY", "ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN", "HOME", "BASH_FUNC_ls", "NODE_OPTIONS"),
        *("", "1A", "A-B", "A B", "A=B", "É", "A\n"),
    ],
)
def test_names_that_steer_a_tool_are_refused(name: str) -> None:
    assert refused_name(name)


@pytest.mark.parametrize(
    "name", ["REGION", "region", "_x", "TF_VAR_region", "TF_TOKEN_app_terraform_io", "path", "AWS_REGION"]
)
def test_names_of_the_stack_are_not(name: str) -> None:
    assert refused_name(name) is None


def workflow_and_environment() -> tuple[Workflow, Environment]:
    environment = Environment(
        "db",
        "db",
        HERE,
        variables=(
            Variable("SIZE", HERE, "large"),
            Variable("PASSWORD", HERE, from_secret="DB", sensitive=True, plan=True),
            Variable("VPC", HERE, "${environments.vpc.outputs.id}", references=(OutputReference("vpc", "id"),)),
        ),
    )
    workflow = Workflow(
        "team/headwater.yml",
        "team",
        (environment,),
        variables=(
            Variable("REGION", ROOT, "eu"),
            Variable("SIZE", HERE, "small"),
            Variable("TOKEN", ROOT, from_secret="T", sensitive=True),
        ),
    )
    return workflow, environment


def by_name(effective: tuple[Effective, ...]) -> dict[str, Effective]:
    return {one.variable.name: one for one in effective}


def test_the_environment_wins_over_the_workflow_and_that_over_the_repository() -> None:
    found = by_name(effective_variables(*workflow_and_environment()))
    assert list(found) == ["PASSWORD", "REGION", "SIZE", "TOKEN", "VPC"]
    assert (found["SIZE"].variable.value, found["SIZE"].origin) == ("large", Origin.ENVIRONMENT)
    assert found["SIZE"].overrides == (Origin.WORKFLOW,)
    assert (found["REGION"].origin, found["REGION"].overrides) == (Origin.REPOSITORY, ())


def test_given_values_win_over_kept_ones_and_both_over_the_files() -> None:
    effective = effective_variables(
        *workflow_and_environment(),
        kept_workflow={"SIZE": "kept", "REGION": "us", "NEW": "n"},
        kept_environment={"REGION": "ap"},
        given={"SIZE": "given"},
    )
    found = by_name(effective)
    assert (found["SIZE"].variable.value, found["SIZE"].origin) == ("given", Origin.GIVEN)
    assert found["SIZE"].overrides == (Origin.KEPT_WORKFLOW, Origin.ENVIRONMENT, Origin.WORKFLOW)
    assert (found["REGION"].variable.value, found["REGION"].origin) == ("ap", Origin.KEPT_ENVIRONMENT)
    assert (found["NEW"].variable.value, found["NEW"].origin) == ("n", Origin.KEPT_WORKFLOW)


def test_a_given_value_of_a_sensitive_variable_stays_sensitive() -> None:
    found = by_name(effective_variables(*workflow_and_environment(), given={"PASSWORD": "hunter22", "VPC": "vpc-1"}))
    password = found["PASSWORD"].variable
    assert (password.sensitive, password.from_secret, password.plan, password.value) == (True, None, True, "hunter22")
    assert found["VPC"].variable.references == ()


def test_only_plain_values_may_stand_in_a_definition() -> None:
    assert plain_texts(effective_variables(*workflow_and_environment())) == {"REGION": "eu", "SIZE": "large"}


def test_interpolation_is_done_once() -> None:
    values = {"A": "${B}", "B": "b"}
    assert interpolate("${A}-${B}-$${B}-$B-${not it}", values) == "${B}-b-${B}-$B-${not it}"


def test_an_undefined_variable_is_named_with_its_mend() -> None:
    with pytest.raises(
        UndefinedVariable, match=r"\$\{WORKSPACE_NAME\} has no value: add WORKSPACE_NAME under `variables`"
    ) as error:
        interpolate("${WORKSPACE_NAME}-1", {})
    assert error.value.name == "WORKSPACE_NAME"


@given(
    st.text(alphabet="ab${}A_1 ", max_size=20),
    st.dictionaries(st.sampled_from(["A", "a", "b", "A_1"]), st.text(max_size=5)),
)
def test_interpolation_is_total_but_for_undefined_names(text: str, values: dict[str, str]) -> None:
    try:
        found = interpolate(text, values)
    except UndefinedVariable as error:
        assert error.name not in values
        assert f"${{{error.name}}}" in text
    else:
        assert "${" in text or found == text


@given(st.text(alphabet="ab{}A_1 \\n", max_size=20))
def test_a_literal_is_kept(text: str) -> None:
    assert interpolate("$${" + text, {}) == "${" + text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("${X}", True), ("${Y}", False), ("${Z}", False), ("true", True), ("${X}1", None)],
)
def test_disabled_comes_to_a_boolean(text: str, expected: bool | None) -> None:
    environment = Environment("db", "db", HERE, disabled=text)
    values = {"X": "True", "Y": "", "Z": "off"}
    if expected is None:
        with pytest.raises(DefinitionError, match="`disabled` of 'db' comes to 'True1': it must come to true or false"):
            resolve(environment, values)
    else:
        assert resolve(environment, values).disabled is expected


@pytest.mark.parametrize("value", ["../x", "a b", "$(id)", "-x", "x" * 101])
def test_a_workspace_comes_to_a_name(value: str) -> None:
    environment = Environment("db", "db", HERE, workspace="${X}")
    with pytest.raises(DefinitionError, match="`workspace` of 'db' comes to "):
        resolve(environment, {"X": value})
    assert resolve(environment, {"X": "prod.eu-1_b"}).workspace == "prod.eu-1_b"
    assert resolve(environment, {"X": ""}).workspace is None


def test_all_texts_are_filled_in() -> None:
    found = resolve(Environment("db", "db", HERE, name="DB ${R}", workspace="w-${R}", revision="${R}"), {"R": "eu"})
    assert (found.name, found.workspace, found.revision) == ("DB eu", "w-eu", "eu")


def test_an_alias_is_no_text_to_fill_in() -> None:
    assert resolve(Environment("a ${B}", "a-b", HERE, name="a ${B}"), {}).name == "a ${B}"


def test_an_undefined_variable_says_where_it_is_used() -> None:
    with pytest.raises(UndefinedVariable, match=r"team/headwater\.yml:3:5: `workspace` of 'db': "):
        resolve(Environment("db", "db", HERE, workspace="${W}"), {})


@pytest.mark.parametrize("value", ["-force", "a\nb", "\x1b[31m"])
def test_no_value_becomes_an_option_or_a_control_character(value: str) -> None:
    with pytest.raises(DefinitionError, match="may neither begin with - nor hold control characters"):
        resolve(Environment("db", "db", HERE, workspace="${W}"), {"W": value})


OUTPUTS: dict[OutputReference, Json] = {
    OutputReference("vpc", "id"): "vpc-1",
    OutputReference("vpc", "zones"): ["a", "b"],
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${environments.vpc.outputs.zones}", ["a", "b"]),
        ("${env0-workflow:VPC:zones}", ["a", "b"]),
        ("in ${environments.vpc.outputs.id}: ${environments.vpc.outputs.zones}", 'in vpc-1: ["a","b"]'),
        ({"a": ["${environments.vpc.outputs.id}", 1, None]}, {"a": ["vpc-1", 1, None]}),
        ("$${environments.vpc.outputs.id}", "${environments.vpc.outputs.id}"),
        ("${OTHER} $${OTHER}", "${OTHER} $${OTHER}"),
    ],
)
def test_outputs_are_filled_in(value: Json, expected: Json) -> None:
    assert value_with_outputs(value, OUTPUTS) == expected


def test_a_missing_output_is_named() -> None:
    with pytest.raises(MissingOutput, match="the output 'arn' of 'vpc' does not exist"):
        value_with_outputs("${environments.vpc.outputs.arn}", OUTPUTS)


def test_an_output_is_never_filled_in_again() -> None:
    outputs: dict[OutputReference, Json] = {OutputReference("a", "x"): "${environments.a.outputs.x}"}
    assert value_with_outputs("${environments.a.outputs.x}", outputs) == "${environments.a.outputs.x}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (0.5, "0.5"),
        ("a b", "a b"),
        (["é", {"a": 1}], '["é",{"a":1}]'),
    ],
)
def test_how_values_reach_a_process(value: Json, text: str) -> None:
    assert environment_text(value) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_lists_and_maps_survive_the_way_to_a_process(value: Json) -> None:
    if isinstance(value, list | dict):
        assert json.loads(environment_text(value)) == value
