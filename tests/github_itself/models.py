"""GitHub's published models of its answers and webhooks (githubkit's), found by method and path."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import githubkit  # noqa: F401 its models import in a circle unless this comes first
from githubkit.compat import type_validate_python
from githubkit_schemas.core import LATEST_VERSION, VERSIONS
from pydantic import ValidationError

PACKAGE = f"githubkit_schemas.{VERSIONS[LATEST_VERSION]}"
AREAS = (
    "actions",
    "apps",
    "checks",
    "issues",
    "meta",
    "pulls",
    "rate_limit",
    "reactions",
    "repos",
    "teams",
    "users",
    "git",
    "orgs",
)
SAME = {
    ("GET", "/repos/*/*/contents/"): "/repos/*/*/contents/*",  # the root folder is documented with all others
    ("GET", "/repos/*/*/statuses/*"): "/repos/*/*/commits/*/statuses",  # the old address, which still answers
}
"""Addresses without a model of their own, and the one whose answer they give."""
METHOD = re.compile(r"^    def (?P<name>\w+)\((?P<body>.*?)(?=^    (?:async )?def |^    @|\Z)", re.S | re.M)
DOCUMENTED = re.compile(r"^        (?P<method>GET|POST|PUT|PATCH|DELETE) (?P<path>/\S*)$", re.M)
MODEL = re.compile(r"response_model=(?P<model>.+?),\n(?:            \w+=|        \))", re.S)


@cache
def _answers() -> dict[tuple[str, str], str]:
    return {found[0]: found[1] for area in AREAS for found in _read(area)}


def _read(area: str) -> Iterator[tuple[tuple[str, str], str]]:
    text = inspect.getsource(importlib.import_module(f"{PACKAGE}.rest.{area}"))
    for method in METHOD.finditer(text):
        documented, model = DOCUMENTED.search(method["body"]), MODEL.search(method["body"])
        if documented and model:
            yield (documented["method"], _plain(documented["path"])), model["model"].strip()


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}|<[^>]*>", "*", path)


@cache
def answer_model(method: str, path: str) -> Any:
    """The model of a successful answer (path with `<…>` or `{…}` for its parts), or None where GitHub publishes none."""
    plain = _plain(path)
    written = _answers().get((method, SAME.get((method, plain), plain)))
    if written is None:
        return None
    models = importlib.import_module(f"{PACKAGE}.models")
    names = {name: getattr(models, name) for name in re.findall(r"[A-Z]\w+", written) if hasattr(models, name)}
    import typing  # noqa: PLC0415
    from datetime import datetime  # noqa: PLC0415

    return eval(written, {**vars(typing), "list": list, "datetime": datetime, **names})


def refusal_model(status: int) -> Any:
    """The model of an answer that refuses: 422 tells what is not valid, in fields or in sentences."""
    models = importlib.import_module(f"{PACKAGE}.models")
    if status != 422:
        return models.BasicError
    return models.ValidationError | models.ValidationErrorSimple


def event_model(name: str, action: str | None) -> Any:
    """The model of a webhook's payload. Raises KeyError for an action that GitHub does not know."""
    module = importlib.import_module(f"{PACKAGE}.webhooks.{name}")
    known = module.action_types if hasattr(module, "action_types") else module.Event
    return known[action] if isinstance(known, dict) else known


def wrong(model: Any, body: Any) -> list[str]:
    """What a body lacks, one line each."""
    try:
        type_validate_python(model, body)
    except ValidationError as failed:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in failed.errors()]
    return []
