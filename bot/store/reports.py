"""What a runner said of its attempt. It ran other people's code, so it may say anything: here it is looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.decide.facts import Result
from bot.decide.inputs import Output
from bot.runner.tools.base import DEEPEST, fits_as_name, fits_as_value

COUNTS = ("add", "change", "destroy", "replace", "move", "import", "outputs_changed")
_LONGEST_SECONDS = 1e9
_MOST = 2**31 - 1
_DIGEST = re.compile("[0-9a-f]{64}")


class NoReport(ValueError):  # noqa: N818  (reads as what it says)
    """These JSON values are no report; the text says what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a runner said of its attempt; texts are redacted already. `duration` is in seconds."""

    result: Result
    error: str
    applied: bool
    duration: float
    plan: Mapping[str, Any] | None
    outputs: Mapping[str, Output] | None

    @classmethod
    def of(cls, found: object) -> Report:
        """The report in these JSON values. Raises NoReport unless all of it is what a runner of ours would say."""
        told = _object(found, "the report")
        result, error, applied = told.get("result"), told.get("error"), told.get("applied")
        if not isinstance(result, str) or result not in set(Result):
            raise NoReport("`result` is none of those that there are")
        if not isinstance(error, str | None) or not isinstance(applied, bool):
            raise NoReport("`error` must be a text or null, and `applied` true or false")
        _seconds(told.get("plan_duration") or 0, "plan_duration")
        return cls(
            result=Result(result),
            error=storable(error or ""),
            applied=applied,
            duration=_seconds(told.get("duration"), "duration"),
            plan=None if told.get("plan") is None else _plan(told["plan"]),
            outputs=None if told.get("outputs") is None else _outputs(told["outputs"]),
        )


def storable(text: str) -> str:
    """The text without what a database refuses: half characters, and (PostgreSQL) the character 0."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _object(found: object, what: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise NoReport(f"{what} is no JSON object")
    return found


def _seconds(found: object, name: str) -> float:
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if not number or not 0 <= found <= _LONGEST_SECONDS:  # type: ignore[operator]  # NaN is refused too
        raise NoReport(f"`{name}` is no number of seconds")
    return float(found)  # type: ignore[arg-type]


def _plan(found: object) -> Mapping[str, Any]:
    """The plan, whole: whatever is read of it later is there and is what it should be."""
    plan = _object(found, "`plan`")
    digest, leaves = plan.get("digest"), _object(plan.get("leaves"), "`leaves`")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise NoReport("`digest` is none")
    if not all(isinstance(one, str) for one in leaves.values()) or not _texts(plan.get("unseen")):
        raise NoReport("`leaves` and `unseen` hold texts alone")
    if not isinstance(plan.get("text"), str):
        raise NoReport("`text` is none")
    if not all(_is_count(plan.get(name)) for name in COUNTS):
        raise NoReport(f"each of {', '.join(COUNTS)} is a number from 0")
    changes = plan.get("changes")
    if not isinstance(changes, list) or not all(map(_is_change, changes)):
        raise NoReport("`changes` is no list of addresses with their actions")
    return plan


def _is_count(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _MOST


def _is_change(found: object) -> bool:
    return (
        isinstance(found, dict)
        and isinstance(found.get("address"), str)
        and _texts(found.get("actions"))
        and isinstance(found.get("previous", ""), str)
    )


def _texts(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(one, str) for one in found)


def _outputs(found: object) -> Mapping[str, Output]:
    outputs = _object(found, "`outputs`")
    if unfit := [name for name in outputs if not fits_as_name(name)]:
        raise NoReport(f"{unfit[0][:80]!r} cannot be the name of an output")
    return {name: _output(name, one) for name, one in outputs.items()}


def _output(name: str, found: object) -> Output:
    told = _object(found, f"the output {name!r}")
    sensitive = told.get("sensitive")
    if "value" not in told or not isinstance(sensitive, bool) or not isinstance(told.get("sealed", ""), str):
        raise NoReport(f"the output {name!r} lacks `value` or `sensitive`, or they are none")
    if not fits_as_value(told["value"]):
        raise NoReport(f"the output {name!r} is nested more than {DEEPEST} deep, or has a number that JSON lacks")
    return Output(told["value"], sensitive)
