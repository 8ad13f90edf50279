"""What a tool is given, and what it lacks: secrets and sensitive outputs stay out of plans."""

from __future__ import annotations

import pytest

from bot.decide.facts import Missing, Why
from bot.decide.inputs import Inputs, Output, Value, inputs
from planner.definition import Environment, OutputReference, Variable, Workflow
from planner.problems import Place
from planner.variables import Effective, effective_variables

VPC_ID = OutputReference("vpc", "id")
WHERE = Place("w.yml")


def a_variable(value: object = None, **more: object) -> Variable:
    return Variable(**{"name": "X", "place": WHERE, "value": value, **more})


def reading(template: str = "${environments.vpc.outputs.id}", **more: object) -> Variable:
    return a_variable(template, references=(VPC_ID,), **more)


def effective(*variables: Variable) -> tuple[Effective, ...]:
    workflow = Workflow("w.yml", "w", variables=variables)
    return tuple(effective_variables(workflow, Environment("app", "app", WHERE)))


def given_to(
    variable: Variable, *, planning: bool, outputs: dict[OutputReference, Output] | None = None, **secrets: str
) -> Inputs:
    return inputs(effective(variable), outputs or {}, secrets, planning=planning)


def lacks(why: Why, source: str) -> Inputs:
    return Inputs(missing=(Missing("X", source, why),))


def has(value: object, *, sensitive: bool = False) -> Inputs:
    return Inputs((Value("X", value, sensitive),))


PLAIN, HIDDEN = Output("vpc-1"), Output("hidden-vpc", sensitive=True)


@pytest.mark.parametrize(
    ("variable", "outputs", "secrets", "plan", "deploy"),
    [
        pytest.param(a_variable("eu"), {}, {}, has("eu"), has("eu"), id="plain"),
        pytest.param(a_variable([1, {"a": None}]), {}, {}, has([1, {"a": None}]), has([1, {"a": None}]), id="json"),
        pytest.param(
            a_variable("hunter22", sensitive=True),
            {},
            {},
            lacks(Why.DEPLOY_ONLY, "X"),
            has("hunter22", sensitive=True),
            id="sensitive",
        ),
        pytest.param(
            a_variable("hunter22", sensitive=True, plan=True),
            {},
            {},
            has("hunter22", sensitive=True),
            has("hunter22", sensitive=True),
            id="sensitive, in plans too",
        ),
        pytest.param(
            a_variable(from_secret="TOKEN"),
            {},
            {"TOKEN": "abcdef"},
            lacks(Why.DEPLOY_ONLY, "TOKEN"),
            has("abcdef", sensitive=True),
            id="secret",
        ),
        pytest.param(
            a_variable(from_secret="TOKEN", plan=True),
            {},
            {"TOKEN": "abcdef"},
            has("abcdef", sensitive=True),
            has("abcdef", sensitive=True),
            id="secret, in plans too",
        ),
        pytest.param(
            a_variable(from_secret="TOKEN"),
            {},
            {"OTHER": "abcdef"},
            lacks(Why.SECRET, "TOKEN"),
            lacks(Why.SECRET, "TOKEN"),
            id="no such secret",
        ),
        pytest.param(
            a_variable(from_secret="TOKEN"),
            {},
            {"TOKEN": "12345"},
            lacks(Why.TOO_SHORT, "TOKEN"),
            lacks(Why.TOO_SHORT, "TOKEN"),
            id="a secret of five characters",
        ),
        pytest.param(
            a_variable("12345", sensitive=True),
            {},
            {},
            lacks(Why.TOO_SHORT, "X"),
            lacks(Why.TOO_SHORT, "X"),
            id="a sensitive value of five characters",
        ),
        pytest.param(reading(), {VPC_ID: PLAIN}, {}, has("vpc-1"), has("vpc-1"), id="output"),
        pytest.param(
            reading("in ${environments.vpc.outputs.id}!"),
            {VPC_ID: PLAIN},
            {},
            has("in vpc-1!"),
            has("in vpc-1!"),
            id="output within a text",
        ),
        pytest.param(
            reading(), {VPC_ID: Output([1, 2])}, {}, has([1, 2]), has([1, 2]), id="output that is a list stays one"
        ),
        pytest.param(
            reading(), {}, {}, lacks(Why.OUTPUT, "vpc"), lacks(Why.OUTPUT, "vpc"), id="output that does not exist yet"
        ),
        pytest.param(
            reading(),
            {VPC_ID: HIDDEN},
            {},
            lacks(Why.DEPLOY_ONLY, "vpc"),
            has("hidden-vpc", sensitive=True),
            id="sensitive output",
        ),
        pytest.param(
            reading("${environments.vpc.outputs.id} and more", plan=True),
            {VPC_ID: HIDDEN},
            {},
            has("hidden-vpc and more", sensitive=True),
            has("hidden-vpc and more", sensitive=True),
            id="what holds a sensitive output is sensitive",
        ),
    ],
)
def test_what_a_plan_and_a_deploy_are_given(
    variable: Variable, outputs: dict[OutputReference, Output], secrets: dict[str, str], plan: Inputs, deploy: Inputs
) -> None:
    assert given_to(variable, planning=True, outputs=outputs, **secrets) == plan
    assert given_to(variable, planning=False, outputs=outputs, **secrets) == deploy


def test_all_that_is_missing_is_told_at_once() -> None:
    other = OutputReference("db", "url")
    variable = a_variable("${environments.vpc.outputs.id}${environments.db.outputs.url}", references=(VPC_ID, other))
    secret = Variable("Y", WHERE, from_secret="TOKEN")
    found = inputs(effective(variable, secret), {}, {}, planning=False)
    assert [(one.name, one.source) for one in found.missing] == [("X", "vpc"), ("X", "db"), ("Y", "TOKEN")]
