"""The values that one environment's tool is given, and those that it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.decide.facts import Missing, Why
from planner.definition import Json, OutputReference, Variable
from planner.variables import Effective, environment_text, value_with_outputs

SHORTEST_SECRET = 6
"""Characters: anything shorter would be redacted out of ordinary words."""


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a deployed environment."""

    value: Json
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A variable with its value, as the tool gets it."""

    name: str
    value: Json
    sensitive: bool = False
    from_secret: str | None = None  # only the runner knows it, under this name


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a tool is given; `missing` is what stops it, or puts its plan off until it is deployed."""

    values: tuple[Value, ...] = ()
    missing: tuple[Missing, ...] = ()


def inputs(
    effective: Sequence[Effective],
    outputs: Mapping[OutputReference, Output],
    secrets: Mapping[str, str | None],
    *,
    planning: bool,
) -> Inputs:
    """Fill every variable in. Plans get no sensitive value unless the variable says `plan: true`.

    A secret that is None is one that the runner will find where it runs.
    """
    found = [_input(one.variable, outputs, secrets, planning=planning) for one in effective]
    return Inputs(
        tuple(one for one in found if isinstance(one, Value)),
        tuple(lack for one in found if isinstance(one, tuple) for lack in one),
    )


def _input(
    variable: Variable, outputs: Mapping[OutputReference, Output], secrets: Mapping[str, str | None], *, planning: bool
) -> Value | tuple[Missing, ...]:
    lacking = _lacking(variable, outputs, secrets)
    if lacking:
        return lacking
    if variable.from_secret is not None and secrets[variable.from_secret] is None:
        if planning and not variable.plan:
            return (Missing(variable.name, variable.from_secret, Why.DEPLOY_ONLY),)
        return Value(variable.name, None, sensitive=True, from_secret=variable.from_secret)
    sensitive = (
        variable.sensitive
        or variable.from_secret is not None
        or any(outputs[one].sensitive for one in variable.references)
    )
    value = _value(variable, outputs, secrets)
    if sensitive and len(environment_text(value)) < SHORTEST_SECRET:
        return (Missing(variable.name, variable.from_secret or _sources(variable), Why.TOO_SHORT),)
    if sensitive and planning and not variable.plan:
        return (Missing(variable.name, variable.from_secret or _sources(variable), Why.DEPLOY_ONLY),)
    return Value(variable.name, value, sensitive)


def _lacking(
    variable: Variable, outputs: Mapping[OutputReference, Output], secrets: Mapping[str, str | None]
) -> tuple[Missing, ...]:
    if variable.from_secret is not None:
        known = variable.from_secret in secrets
        return () if known else (Missing(variable.name, variable.from_secret, Why.SECRET),)
    return tuple(
        Missing(variable.name, reference.alias, Why.OUTPUT)
        for reference in variable.references
        if reference not in outputs
    )


def _value(variable: Variable, outputs: Mapping[OutputReference, Output], secrets: Mapping[str, str | None]) -> Json:
    if variable.from_secret is not None:
        return secrets[variable.from_secret]
    if not variable.references:
        return variable.value
    return value_with_outputs(variable.value, {one: outputs[one].value for one in variable.references})


def _sources(variable: Variable) -> str:
    return ", ".join(sorted({one.alias for one in variable.references})) or variable.name
