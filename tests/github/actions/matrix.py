"""A job's matrix, expanded as GitHub does it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from tests.github.actions.expressions import equal, written

MOST_LEGS = 256


class BadMatrix(ValueError):  # noqa: N818 what is wrong, not that something went wrong
    """A matrix that makes no jobs."""


def expand(matrix: Any) -> list[dict[str, Any]]:
    """All legs, in order. Raises BadMatrix."""
    if not isinstance(matrix, Mapping):
        raise BadMatrix("A mapping was expected")
    include, exclude = matrix.get("include") or [], matrix.get("exclude") or []
    vectors = {name: found for name, found in matrix.items() if name not in ("include", "exclude")}
    for name, found in vectors.items():
        if not isinstance(found, list) or not found:
            raise BadMatrix(f"Matrix vector '{name}' does not contain any values")
    legs = (
        [dict(zip(vectors, values, strict=True)) for values in itertools.product(*vectors.values())] if vectors else []
    )
    legs = [leg for leg in legs if not any(_matches(leg, one) for one in exclude)]
    original = [dict(leg) for leg in legs]
    for one in include:
        if not isinstance(one, Mapping):
            raise BadMatrix("A mapping was expected in include")
        fits = [
            place for place, leg in enumerate(original) if _matches(leg, {k: v for k, v in one.items() if k in vectors})
        ]
        for place in fits:
            legs[place].update(one)
        if not fits:
            legs.append(dict(one))
    if not legs:
        raise BadMatrix("Matrix must define at least one vector")
    if len(legs) > MOST_LEGS:
        raise BadMatrix(f"The matrix has {len(legs)} jobs, more than the {MOST_LEGS} that are allowed")
    return legs


def _matches(leg: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in leg and (leg[name] == found or equal(leg[name], found)) for name, found in wanted.items())


def leg_name(key: str, leg: Mapping[str, Any]) -> str:
    """What a leg is called where the job has no name of its own."""
    values = ", ".join(written(found) for found in leg.values() if not isinstance(found, (list, Mapping)))
    return f"{key} ({values})" if values else key
