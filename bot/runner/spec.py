"""What a runner is told to do: by a pipe or in the answer to its claim, never where others look: it has secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from bot.runner.log import DEFAULT_LIMIT

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

Choice = TypeVar("Choice", bound=StrEnum)


_NAME = "[A-Za-z_][A-Za-z0-9_]*"
LOCK_ID = "[A-Za-z0-9][A-Za-z0-9_.:/=+-]{0,199}"
"""The ids of state locks; none reads as an option."""


class SpecError(Exception):
    """The spec is cut short or wrong; nothing was touched."""


class Kind(StrEnum):
    """What an attempt does."""

    PLAN = "plan"
    DEPLOY = "deploy"
    DESTROY = "destroy"
    DESTROY_PLAN = "destroy-plan"
    UNLOCK = "unlock"

    @property
    def destroys(self) -> bool:
        """Whether it is about taking everything away."""
        return self in (Kind.DESTROY, Kind.DESTROY_PLAN)

    @property
    def only_plans(self) -> bool:
        """Whether it changes nothing."""
        return self in (Kind.PLAN, Kind.DESTROY_PLAN)


class Unseen(StrEnum):
    """Which differences that nobody saw may be applied without asking."""

    NONE = "none"
    CREATES = "creates"
    CREATES_UPDATES = "creates-updates"


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that the tool is given. With `from_secret` the CI job has it under that name, and it is not known yet."""

    name: str
    value: Json
    sensitive: bool = False
    from_secret: str | None = None

    @property
    def text(self) -> str:
        """As it stands in the tool's environment: text as it is, the rest as compact JSON, null as nothing."""
        if isinstance(self.value, str):
            return self.value
        return "" if self.value is None else json.dumps(self.value, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Fetch:
    """Where a CI job gets the code from; without a token of its own it is fetched with that of the job."""

    url: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accept:
    """Which plans may be applied: all, the one shown, or some that nobody saw."""

    all: bool = False
    shown: Mapping[str, str] | None = None
    paths: tuple[str, ...] = ()
    unseen: Unseen = Unseen.NONE
    less: bool = False  # of what was shown, a part is as good as all of it


@dataclass(frozen=True, slots=True)
class Spec:
    """One attempt. Seconds are seconds; `path` lies within the commit, `mirror` and `state_file` on this machine.

    The code comes from `mirror`, or by `fetch`: one of them is there.
    """

    attempt: str
    kind: Kind
    alias: str
    slug: str
    tool: str
    path: str
    commit: str
    digest_key: bytes
    seal_key: bytes
    mirror: Path | None = None
    fetch: Fetch | None = None
    version: str | None = None
    workspace: str | None = None
    variables: tuple[Variable, ...] = ()
    state_file: Path | None = None
    refuse_no_backend: bool = False
    timeout: float | None = None
    grace: float = 60.0
    beat_every: float = 1.0
    log_limit: int = DEFAULT_LIMIT
    ignore_differences: tuple[str, ...] = ()
    lock_timeout: float = 0.0
    correlation: str = ""  # of what all of it follows from, for logs
    state_lock: str | None = None  # the id of the lock that is to be freed, where the attempt is about that
    accept: Accept = Accept()

    @property
    def sensitive_values(self) -> tuple[Json, ...]:
        """What must not be shown."""
        return tuple(one.value for one in self.variables if one.sensitive)


def read_spec(data: bytes) -> Spec:
    """The spec in these bytes; raises SpecError naming the key that is wrong."""
    try:
        found = json.loads(data)
    except ValueError as error:
        raise SpecError(f"the spec is not whole JSON: {error}") from error
    if not isinstance(found, dict):
        raise SpecError("the spec is not an object")
    try:
        return _spec(found)
    except KeyError as error:
        raise SpecError(f"the spec has no {error}") from error


def _spec(found: dict[str, Any]) -> Spec:
    given = {name: value for name, value in found.items() if value is not None}
    return Spec(
        attempt=_text(given, "attempt"),
        kind=_choice(given, "kind", Kind),
        alias=_text(given, "alias"),
        slug=_matching(given, "slug", "[a-z0-9][a-z0-9-]*"),
        tool=_text(given, "tool"),
        path=_text(given, "path"),
        commit=_matching(given, "commit", "[0-9a-f]{40}|[0-9a-f]{64}"),
        digest_key=_key(given, "digest_key"),
        seal_key=_key(given, "seal_key"),
        **_code(given),
        version=_text(given, "version") if "version" in given else None,
        workspace=_text(given, "workspace") if "workspace" in given else None,
        variables=tuple(_variable(one) for one in _list(given, "variables")),
        state_file=Path(_text(given, "state_file")) if "state_file" in given else None,
        refuse_no_backend=bool(given.get("refuse_no_backend", False)),
        timeout=_seconds(given, "timeout", None),
        grace=_seconds(given, "grace", 60.0) or 0.0,
        beat_every=_seconds(given, "beat_every", 1.0) or 1.0,
        log_limit=int(_seconds(given, "log_limit", DEFAULT_LIMIT) or DEFAULT_LIMIT),
        ignore_differences=tuple(_texts(given, "ignore_differences")),
        lock_timeout=_seconds(given, "lock_timeout", 0.0) or 0.0,
        correlation=_matching(given, "correlation", "[A-Za-z0-9-]{0,64}") if "correlation" in given else "",
        state_lock=_matching(given, "state_lock", LOCK_ID) if "state_lock" in given else None,
        accept=_accept(given.get("accept", {})),
    )


def _code(given: Mapping[str, Any]) -> dict[str, Any]:
    """Where the code comes from."""
    if ("mirror" in given) == ("fetch" in given):
        raise SpecError("the spec must have either mirror or fetch")
    if "mirror" in given:
        return {"mirror": Path(_text(given, "mirror"))}
    fetch = given["fetch"]
    if not isinstance(fetch, dict):
        raise SpecError("fetch is not an object")
    token = None if fetch.get("token") is None else _text(fetch, "token")
    return {"fetch": Fetch(_text(fetch, "url"), token)}


def _accept(found: object) -> Accept:
    if not isinstance(found, dict):
        raise SpecError("accept is not an object")
    given = {name: value for name, value in found.items() if value is not None}
    shown = given.get("shown")
    if shown is not None and not (isinstance(shown, dict) and all(isinstance(one, str) for one in shown.values())):
        raise SpecError("accept.shown is not a map of texts")
    unseen = _choice(given, "unseen", Unseen) if "unseen" in given else Unseen.NONE
    less = given.get("less", False) is True
    return Accept(given.get("all", False) is True, shown, tuple(_texts(given, "paths")), unseen, less)


def _variable(found: object) -> Variable:
    if not isinstance(found, dict) or ("value" in found) == ("from_secret" in found):
        raise SpecError("variables: one has no value")
    name = _matching(found, "name", _NAME)
    if "from_secret" in found:
        return Variable(name, None, sensitive=True, from_secret=_matching(found, "from_secret", _NAME))
    return Variable(name, found["value"], found.get("sensitive", False) is not False)


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given[name]
    if not isinstance(value, str) or "\0" in value:
        raise SpecError(f"{name} is not a text")
    return value


def _matching(given: Mapping[str, Any], name: str, pattern: str) -> str:
    value = _text(given, name)
    if not re.fullmatch(pattern, value):
        raise SpecError(f"{name} has a form that it must not have")
    return value


def _choice(given: Mapping[str, Any], name: str, choices: type[Choice]) -> Choice:
    try:
        return choices(given[name])
    except ValueError as error:
        raise SpecError(f"{name} is none of {', '.join(choices)}") from error


def _key(given: Mapping[str, Any], name: str) -> bytes:
    try:
        key = bytes.fromhex(_text(given, name))
    except ValueError as error:
        raise SpecError(f"{name} is not hexadecimal") from error
    if len(key) < 16:
        raise SpecError(f"{name} is shorter than 16 bytes")
    return key


def _seconds(given: Mapping[str, Any], name: str, default: float | None) -> float | None:
    value = given.get(name, default)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
        raise SpecError(f"{name} is not a number from 0")
    return value


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    value = given.get(name, [])
    if not isinstance(value, list):
        raise SpecError(f"{name} is not a list")
    return value


def _texts(given: Mapping[str, Any], name: str) -> list[str]:
    values = _list(given, name)
    if not all(isinstance(one, str) for one in values):
        raise SpecError(f"{name} is not a list of texts")
    return values
